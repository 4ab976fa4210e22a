using System.Text;
using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;

namespace LiteKube.Controllers.Tests;

/// <summary>The API server with controllers, and a kubelet that does as the test says.</summary>
public abstract class WorkloadTest : ServerTest
{
    protected const string Ns = "default";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    internal RecordedEvents Events { get; } = new();
    internal PuppetKubelet Kubelet { get; private set; } = null!;

    protected sealed override async Task StartControllersAsync()
    {
        Kubelet = new PuppetKubelet(Admin, Informers);
        await StartAsync(Kubelet.CreateRunner());
        await StartWorkloadsAsync();
    }

    /// <summary>The controllers of every test of the class.</summary>
    protected abstract Task StartWorkloadsAsync();

    /// <summary>What a reconciliation of that object asks of the server.</summary>
    internal async Task<IReadOnlyList<string>> RequestsOfAsync(Func<IKubeClient, IReconciler> controller, string name)
    {
        var transport = new ListingTransport(Admin.Transport);
        await controller(new KubeClient(transport)).ReconcileAsync(new ObjectKey(Ns, name), default);
        return [.. transport.Requests];
    }

    /// <summary>A merge patch of the object, as a user makes it.</summary>
    protected Task<T> PatchAsync<T>(string name, string patch, string? subresource = null) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Admin.PatchAsync<T>(typeof(T) == typeof(V1Node) ? null : Ns, name, KubePatch.Merge(Encoding.UTF8.GetBytes(patch)), subresource, default);

    /// <summary>Until the object (null while absent) is as wanted.</summary>
    protected async Task<T> UntilAsync<T>(string name, Func<T?, bool> wanted, string what) where T : class, IKubernetesObject<V1ObjectMeta> =>
        (await UntilAllAsync<T>(all => wanted(all.FirstOrDefault(o => o.Metadata.Name == name)), what)).FirstOrDefault(o => o.Metadata.Name == name)!;

    /// <summary>Until all objects of the kind in the namespace are as wanted.</summary>
    protected async Task<IReadOnlyList<T>> UntilAllAsync<T>(Func<IReadOnlyList<T>, bool> wanted, string what) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var informer = Informers.Get<T>();
        var seen = new TaskCompletionSource<IReadOnlyList<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Check()
        {
            List<T> all = [.. informer.List(Ns).OrderBy(o => o.Metadata.Name, StringComparer.Ordinal)];
            if (wanted(all))
                seen.TrySetResult(all);
        }
        await informer.WaitForSyncAsync(default);
        using var handler = informer.AddHandler(new InformerHandler<T>(_ => Check(), (_, _) => Check(), _ => Check()));
        Check();
        try
        {
            return await seen.Task.WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"did not come within {Patience.TotalSeconds} s: {what}; there was {string.Join(", ", informer.List(Ns).Select(Describe))}", e);
        }
    }

    private static string Describe<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta> => value switch
    {
        V1Pod pod => $"{pod.Metadata.Name} ({pod.Status?.Phase}{(pod.Metadata.DeletionTimestamp is null ? "" : ", terminating")}, {pod.Spec.Containers[0].Image})",
        _ => Encoding.UTF8.GetString(KubeJson.Serialize(value)),
    };
}

/// <summary>Remembers what went through it.</summary>
internal sealed class ListingTransport(IKubeTransport inner) : IKubeTransport
{
    public System.Collections.Concurrent.ConcurrentQueue<string> Requests { get; } = new();

    public Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue($"{request.Method} {request.PathAndQuery}");
        return inner.SendAsync(request, cancellationToken);
    }

    public IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, CancellationToken cancellationToken) => inner.WatchAsync(request, cancellationToken);
}
