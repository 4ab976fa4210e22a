using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using k8s.Models;
using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Testing.Nodes;

/// <param name="Count">Nodes that are registered, named PREFIX-0, PREFIX-1, ...</param>
/// <param name="LeaseInterval">Between the renewals of a node's lease; a kubelet's is ten seconds.</param>
/// <param name="Workers">Pods whose status is written at a time.</param>
public sealed record SimulatedNodeOptions(int Count, string Prefix = "node")
{
    public string Cpu { get; init; } = "32";
    public string Memory { get; init; } = "256Gi";
    public int Pods { get; init; } = 110;
    public TimeSpan LeaseInterval { get; init; } = TimeSpan.FromSeconds(10);
    public int Workers { get; init; } = 16;

    /// <summary>Nodes are spread over so many zones; 0 for none.</summary>
    public int Zones { get; init; }
}

/// <summary>
/// Nodes without machines: registers them as Ready, renews their leases, says of each pod that is bound to one of them
/// that it runs, at once, and lets it go when it is deleted. All through the API, as kubelets do
/// (https://kwok.sigs.k8s.io/ does the same for Kubernetes).
/// </summary>
public sealed class SimulatedNodes : IAsyncDisposable
{
    private readonly IKubeClient _client;
    private readonly SimulatedNodeOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly SharedInformers _informers;
    private readonly HashSet<string> _names;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Work> _changed = Channel.CreateUnbounded<Work>();
    private readonly ConcurrentDictionary<string, byte> _running = new(StringComparer.Ordinal);
    private readonly List<Task> _tasks = [];
    private int _lastAddress;

    private SimulatedNodes(IKubeClient client, SimulatedNodeOptions options, ILoggerFactory loggers, TimeProvider timeProvider)
    {
        (_client, _options, _timeProvider) = (client, options, timeProvider);
        _logger = loggers.CreateLogger("LiteKube.Testing.SimulatedNodes");
        _informers = new SharedInformers(client, loggers, timeProvider);
        _names = [.. Enumerable.Range(0, options.Count).Select(NameOf)];
    }

    /// <summary>Pods that were said to run so far.</summary>
    public int Started => _running.Count;

    /// <summary>Every pod of the cluster, as the nodes see it.</summary>
    public IInformer<V1Pod> Pods => _informers.Get<V1Pod>();

    public string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{_options.Prefix}-{index}");

    /// <summary>All nodes are registered and Ready when this returns.</summary>
    /// <param name="client">With all rights, or those of the nodes.</param>
    public static async Task<SimulatedNodes> StartAsync(IKubeClient client, SimulatedNodeOptions options, ILoggerFactory loggers, TimeProvider timeProvider, CancellationToken cancellationToken = default)
    {
        var nodes = new SimulatedNodes(client, options, loggers, timeProvider);
        await Parallel.ForAsync(0, options.Count, new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = cancellationToken }, async (index, token) => await nodes.RegisterAsync(index, token));
        nodes._tasks.Add(nodes.RenewAsync());
        for (var worker = 0; worker < options.Workers; worker++)
            nodes._tasks.Add(nodes.WorkAsync());
        nodes._informers.Get<V1Node>().AddHandler(new InformerHandler<V1Node>(null, (_, node) => nodes.OnNode(node)));
        var pods = nodes._informers.Get<V1Pod>();
        pods.AddHandler(new InformerHandler<V1Pod>(nodes.OnPod, (_, pod) => nodes.OnPod(pod), pod => nodes._running.TryRemove(pod.Metadata.Uid, out _)));
        await pods.WaitForSyncAsync(cancellationToken);
        return nodes;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _changed.Writer.TryComplete();
        await Task.WhenAll(_tasks);
        await _informers.DisposeAsync();
        _stop.Dispose();
    }

    private void OnPod(V1Pod pod)
    {
        if (pod.Spec.NodeName is not { Length: > 0 } node || !_names.Contains(node))
            return;
        if (pod.Metadata.DeletionTimestamp is not null || !_running.ContainsKey(pod.Metadata.Uid))
            _changed.Writer.TryWrite(new Work(ObjectKey.Of(pod), null));
    }

    /// <summary>Resources that somebody added to a node's capacity can be had: as a kubelet offers what it does not know.</summary>
    private void OnNode(V1Node node)
    {
        if (!_names.Contains(node.Metadata.Name))
            return;
        var (capacity, allocatable) = (node.Status.Capacity, node.Status.Allocatable);
        var missing = capacity.Where(entry => !allocatable.TryGetValue(entry.Key, out var value) || value.ToString() != entry.Value.ToString()).Select(entry => $"\"{entry.Key}\":\"{entry.Value}\"")
            .Concat(allocatable.Keys.Except(capacity.Keys).Select(name => $"\"{name}\":null")).ToList();
        if (missing.Count > 0)
            _changed.Writer.TryWrite(new Work(ObjectKey.Of(node), $"{{\"status\":{{\"allocatable\":{{{string.Join(',', missing)}}}}}}}"));
    }

    private async Task WorkAsync()
    {
        await Task.Yield();
        try
        {
            await foreach (var work in _changed.Reader.ReadAllAsync(_stop.Token))
                await TryAsync(work);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task TryAsync(Work work)
    {
        try
        {
            if (work.NodePatch is not null)
                await SendAsync("PATCH", $"/api/v1/nodes/{work.Key.Name}/status", work.NodePatch, "application/merge-patch+json");
            else if (_informers.Get<V1Pod>().Find(work.Key) is { } pod)
                await SyncAsync(pod);
        }
        // One pod's failure is no reason to leave the others; its next change brings it again.
        catch (Exception e) when (e is not OperationCanceledException)
        {
            SimulatedNodesLog.Failed(_logger, work.Key, e);
        }
    }

    private async Task SyncAsync(V1Pod pod)
    {
        var path = $"/api/v1/namespaces/{pod.Metadata.NamespaceProperty}/pods/{pod.Metadata.Name}";
        if (pod.Metadata.DeletionTimestamp is not null)
        {
            if (_running.TryRemove(pod.Metadata.Uid, out _) || pod.Status?.Phase is null or "Pending" or "Running")
                await SendAsync("DELETE", path, $$$"""{"gracePeriodSeconds":0,"preconditions":{"uid":"{{{pod.Metadata.Uid}}}"}}""", "application/json");
            return;
        }
        if (pod.Status?.Phase is not ("Running" or "Succeeded" or "Failed") && _running.TryAdd(pod.Metadata.Uid, 0))
            await SendAsync("PATCH", path + "/status", Running(pod), "application/strategic-merge-patch+json");
        else
            _running.TryAdd(pod.Metadata.Uid, 0);
    }

    private string Running(V1Pod pod)
    {
        var address = Interlocked.Increment(ref _lastAddress);
        var ip = string.Create(CultureInfo.InvariantCulture, $"10.{64 + (address >> 16)}.{(address >> 8) & 255}.{address & 255}");
        var now = _timeProvider.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var conditions = string.Join(',', ((string[])["Initialized", "Ready", "ContainersReady", "PodReadyToStartContainers"]).Select(type => $$"""{"type":"{{type}}","status":"True","lastTransitionTime":"{{now}}"}"""));
        var containers = string.Join(',', pod.Spec.Containers.Select(container =>
            $$$"""{"name":"{{{container.Name}}}","image":"{{{container.Image}}}","imageID":"","ready":true,"started":true,"restartCount":0,"state":{"running":{"startedAt":"{{{now}}}"} } }"""));
        return $$$"""{"metadata":{"uid":"{{{pod.Metadata.Uid}}}"},"status":{"phase":"Running","hostIP":"10.0.0.1","hostIPs":[{"ip":"10.0.0.1"}],"podIP":"{{{ip}}}","podIPs":[{"ip":"{{{ip}}}"}],"startTime":"{{{now}}}","conditions":[{{{conditions}}}],"containerStatuses":[{{{containers}}}]}}""";
    }

    private async Task RegisterAsync(int index, CancellationToken cancellationToken)
    {
        var name = NameOf(index);
        var zone = _options.Zones > 0 ? string.Create(CultureInfo.InvariantCulture, $",\"topology.kubernetes.io/zone\":\"zone-{index % _options.Zones}\"") : "";
        var resources = string.Create(CultureInfo.InvariantCulture, $"{{\"cpu\":\"{_options.Cpu}\",\"memory\":\"{_options.Memory}\",\"pods\":\"{_options.Pods}\",\"ephemeral-storage\":\"1Ti\"}}");
        var now = Now();
        await SendAsync("POST", "/api/v1/nodes", $$$"""
            {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{name}}}","labels":{"kubernetes.io/hostname":"{{{name}}}","kubernetes.io/os":"linux","kubernetes.io/arch":"amd64","type":"simulated"{{{zone}}}}},
             "status":{"capacity":{{{resources}}},"allocatable":{{{resources}}},"nodeInfo":{"kubeletVersion":"v1.37.0","operatingSystem":"linux","architecture":"amd64"},
              "conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","message":"simulated","lastHeartbeatTime":"{{{now}}}","lastTransitionTime":"{{{now}}}"}]}}
            """, "application/json", cancellationToken);
        await SendAsync("POST", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
            $$$"""{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"{{{name}}}"},"spec":{"holderIdentity":"{{{name}}}","leaseDurationSeconds":40,"renewTime":"{{{MicroNow()}}}"}}""", "application/json", cancellationToken);
    }

    private async Task RenewAsync()
    {
        await Task.Yield();
        try
        {
            var pause = _options.LeaseInterval / Math.Max(1, _options.Count);
            while (true)
            {
                for (var index = 0; index < _options.Count; index++)
                {
                    // Spread over the interval: a thousand kubelets do not beat as one.
                    await Task.Delay(pause, _timeProvider, _stop.Token);
                    await SendAsync("PATCH", $"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NameOf(index)}", $$$"""{"spec":{"renewTime":"{{{MicroNow()}}}"}}""", "application/merge-patch+json", _stop.Token);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    /// <summary>Without decoding the answer, which is nobody's interest.</summary>
    private async Task SendAsync(string method, string path, string body, string contentType, CancellationToken cancellationToken = default)
    {
        var response = await _client.Transport.SendAsync(new KubeRequest(method, path, Encoding.UTF8.GetBytes(body), contentType), cancellationToken);
        // Gone, or gone and made again: nothing is left to be done.
        if (response.StatusCode >= 400 && response.StatusCode is not (404 or 409))
            throw KubeApiException.From(response);
    }

    /// <param name="NodePatch">For a node: what its status is to become.</param>
    private readonly record struct Work(ObjectKey Key, string? NodePatch);

    private string Now() => _timeProvider.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private string MicroNow() => _timeProvider.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}

internal static partial class SimulatedNodesLog
{
    [LoggerMessage(EventId = 9001, Level = LogLevel.Warning, Message = "A simulated node could not do its part for {Key}")]
    public static partial void Failed(ILogger logger, ObjectKey key, Exception exception);
}
