using System.Collections.Concurrent;
using System.Globalization;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.NodeLifecycle;

/// <summary>
/// Finds out which nodes are gone, and taints nodes as their conditions say (https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller).
/// Runs on heartbeats and on the next deadline only; nothing polls.
/// </summary>
internal sealed class NodeLifecycleController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider, ControllerMetrics? metrics = null) : IReconciler
{
    /// <summary>Without a heartbeat for so long, a node's conditions become Unknown.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    /// <summary>The same for a node that has not posted a status yet.</summary>
    public static readonly TimeSpan StartupGrace = TimeSpan.FromSeconds(60);

    private const string LeaseNamespace = "kube-node-lease";

    private readonly IInformer<V1Node> _nodes = informers.Get<V1Node>();
    private readonly IInformer<V1Lease> _leases = informers.Get<V1Lease>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>().WithNodeIndex();
    private readonly Heartbeats _heartbeats = new(timeProvider);
    private readonly ConcurrentDictionary<string, string?> _lastReady = new(StringComparer.Ordinal);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        if (metrics is not null)
            NodeZones.Register(metrics, _nodes);
        var runner = new ControllerRunner("node-lifecycle", this, loggers, timeProvider);
        runner.Watch(_nodes, new InformerHandler<V1Node>(
            OnAdd: node => Queue(runner, node, IsReady(node)),
            OnUpdate: (old, node) => Queue(runner, node, IsReady(old) != IsReady(node)),
            OnDelete: node => Queue(runner, node, IsReady(node))));
        runner.Watch(_leases, lease => lease.Metadata.NamespaceProperty == LeaseNamespace ? [new ObjectKey("", lease.Metadata.Name)] : []);
        // No pod's event is of interest, but its list must be there before a node's pods are marked.
        return runner.Watch(_pods, new InformerHandler<V1Pod>());
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var started = timeProvider.GetTimestamp();
        if (_nodes.Find(key) is not { } node)
        {
            _heartbeats.Forget(key.Name);
            if (_lastReady.TryRemove(key.Name, out _))
                events.Normal(NodeOf(key.Name), "RemovingNode", $"Node {key.Name} event: Removing Node {key.Name} from Controller");
            return ReconcileResult.Done;
        }
        var ready = NodeTaintPlan.StatusOf(node, "Ready");
        var grace = ready is null ? StartupGrace : Grace;
        var silence = _heartbeats.SilenceOf(key.Name, SignOf(node), grace, out var isNew);
        if (isNew)
            events.Normal(node, "RegisteredNode", $"Node {key.Name} event: Registered Node {key.Name} in Controller");

        if (silence >= grace && UnknownConditionsPlan.Compute(node, timeProvider.GetUtcNow()) is { } unknown)
        {
            var judged = KubeJson.Clone(node);
            (judged.Status ??= new V1NodeStatus()).Conditions = unknown;
            node = await client.UpdateStatusAsync(judged, cancellationToken);
            ready = "Unknown";
        }
        if (NodeTaintPlan.Compute(node, evict: AnyReady(), timeProvider.GetUtcNow()) is { } taints)
        {
            var wasEvicting = NodeZones.IsEvicted(node);
            var tainted = KubeJson.Clone(node);
            (tainted.Spec ??= new V1NodeSpec()).Taints = taints.Count == 0 ? null : taints;
            node = await client.UpdateAsync(tainted, cancellationToken);
            if (!wasEvicting && NodeZones.IsEvicted(node))
                metrics?.NodeEvictions.With(NodeZones.Of(node)).Add();
        }
        await MarkPodsAsync(node, ready, cancellationToken);
        metrics?.NodeHealthSeconds.Observe(timeProvider.GetElapsedTime(started).TotalSeconds);
        // Once judged, only a heartbeat changes anything.
        return silence >= grace ? ReconcileResult.Done : ReconcileResult.RequeueAfter(grace - silence);
    }

    /// <summary>Pods of a node that is not ready serve nobody; their own kubelet may be unable to say so.</summary>
    private async Task MarkPodsAsync(V1Node node, string? ready, CancellationToken cancellationToken)
    {
        _lastReady.TryGetValue(node.Metadata.Name, out var last);
        if (last == "True" && ready != "True")
            events.Normal(node, "NodeNotReady", $"Node {node.Metadata.Name} status is now: NodeNotReady");
        // A kubelet that still answers keeps its pods' readiness itself, so it is overruled only once.
        if (ready == "Unknown" || (ready == "False" && last == "True"))
        {
            foreach (var pod in _pods.OnNode(node.Metadata.Name).Where(p => p.IsReady()))
                await MarkAsync(pod, cancellationToken);
        }
        _lastReady[node.Metadata.Name] = ready;
    }

    private async Task MarkAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            await client.PatchAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, PodStatusPatches.NotReady(pod, timeProvider.GetUtcNow()), "status", cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or another pod by now.
            return;
        }
        events.Warning(pod, "NodeNotReady", "Node is not ready");
    }

    private bool AnyReady() => _nodes.List().Any(IsReady);

    private void Queue(ControllerRunner runner, V1Node node, bool readinessChanged)
    {
        runner.Queue.Add(ObjectKey.Of(node));
        if (!readinessChanged)
            return;
        // Whether any node is ready decides over evictions on the others.
        foreach (var other in _nodes.List())
            runner.Queue.Add(ObjectKey.Of(other));
    }

    private string SignOf(V1Node node)
    {
        var renewed = _leases.Find(LeaseNamespace, node.Metadata.Name)?.Spec?.RenewTime;
        var posted = node.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready")?.LastHeartbeatTime;
        return string.Create(CultureInfo.InvariantCulture, $"{node.Metadata.Uid} {renewed:O} {posted:O}");
    }

    private static bool IsReady(V1Node node) => NodeTaintPlan.StatusOf(node, "Ready") == "True";

    private static V1Node NodeOf(string name) => new() { ApiVersion = "v1", Kind = "Node", Metadata = new V1ObjectMeta { Name = name, Uid = name } };
}
