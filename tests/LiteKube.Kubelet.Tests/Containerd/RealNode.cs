using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Kubelet.Tests.Containerd;

/// <summary>The whole kubelet on a containerd of its own, with an API server in memory.</summary>
internal sealed class RealNode : IAsyncDisposable
{
    private readonly SharedInformers _informers;
    private readonly EventBroadcaster _events;

    private RealNode(RealContainerd containerd, InMemoryKube kube)
    {
        Containerd = containerd;
        Kube = kube;
        _informers = new SharedInformers(kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        Kubelet = new KubeletComponent(containerd.Options, null, kube.Client, _informers, _events, new KubeletNetwork(), NullLoggerFactory.Instance, TimeProvider.System);
    }

    public RealContainerd Containerd { get; }
    public InMemoryKube Kube { get; }
    public KubeletComponent Kubelet { get; }

    public static async Task<RealNode> StartAsync(RealContainerd containerd, InMemoryKube? kube, CancellationToken cancellationToken)
    {
        var node = new RealNode(containerd, kube ?? new InMemoryKube());
        await node.Kubelet.StartAsync(cancellationToken);
        return node;
    }

    public V1Pod Pod(string name, Action<V1PodSpec>? change = null, params string[] command)
    {
        var pod = new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = Guid.NewGuid().ToString(), Generation = 1 },
            Spec = new V1PodSpec
            {
                NodeName = Containerd.Options.NodeName,
                HostNetwork = true,
                RestartPolicy = "Always",
                TerminationGracePeriodSeconds = 2,
                EnableServiceLinks = false,
                Containers = [new V1Container { Name = "main", Image = RealContainerd.BusyboxImage, ImagePullPolicy = "IfNotPresent", Command = [.. command.Length > 0 ? command : ["sleep", "1000"]] }],
            },
        };
        change?.Invoke(pod.Spec);
        return Kube.Seed(pod);
    }

    public Task<V1Pod?> WaitAsync(string name, Func<V1Pod?, bool> predicate, string what) => Kube.WaitForAsync("default", name, predicate, what);

    public async ValueTask DisposeAsync()
    {
        await Kubelet.DisposeAsync();
        await _informers.DisposeAsync();
        await _events.DisposeAsync();
    }
}
