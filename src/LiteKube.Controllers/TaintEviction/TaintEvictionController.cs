using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.TaintEviction;

/// <summary>Deletes pods that do not, or no longer, tolerate the NoExecute taints of their node. Keyed by pod.</summary>
internal sealed class TaintEvictionController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider, ControllerMetrics? metrics = null) : IReconciler
{
    private const string Reason = "DeletionByTaintManager";

    private readonly IInformer<V1Node> _nodes = informers.Get<V1Node>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>().WithNodeIndex();
    // Counted from when the taint was seen, not from its timeAdded: what happened while this process was stopped gave no pod a chance.
    private readonly ConcurrentDictionary<ObjectKey, Waiting> _waiting = new();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("taint-eviction", this, loggers, timeProvider, workers: 4);
        runner.Watch(_pods, new InformerHandler<V1Pod>(
            OnAdd: pod => Queue(runner, pod),
            OnUpdate: (old, pod) =>
            {
                if (old.Spec.NodeName != pod.Spec.NodeName || old.Metadata.Generation != pod.Metadata.Generation || (old.Spec.Tolerations?.Count ?? 0) != (pod.Spec.Tolerations?.Count ?? 0))
                    Queue(runner, pod);
            },
            OnDelete: pod => _waiting.TryRemove(ObjectKey.Of(pod), out _)));
        return runner.Watch(_nodes, new InformerHandler<V1Node>(
            OnAdd: node => QueuePods(runner, node, EvictionPlan.NoExecuteTaints(node).Count > 0),
            OnUpdate: (old, node) => QueuePods(runner, node, EvictionPlan.NoExecuteTaints(old).Count > 0 || EvictionPlan.NoExecuteTaints(node).Count > 0)));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_pods.Find(key) is not { Spec.NodeName.Length: > 0 } pod || pod.IsTerminating())
        {
            _waiting.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        var taints = _nodes.Find("", pod.Spec.NodeName) is { } node ? EvictionPlan.NoExecuteTaints(node) : [];
        if (EvictionPlan.StayOf(pod, taints) is not { } stay)
        {
            if (_waiting.TryRemove(key, out var waited) && waited.Uid == pod.Metadata.Uid)
                events.Normal(pod, "TaintManagerEviction", $"Cancelling deletion of Pod {key}");
            return ReconcileResult.Done;
        }
        var waiting = _waiting.AddOrUpdate(key, _ => new Waiting(pod.Metadata.Uid, timeProvider.GetTimestamp()),
            (_, known) => known.Uid == pod.Metadata.Uid ? known : new Waiting(pod.Metadata.Uid, timeProvider.GetTimestamp()));
        var remaining = stay - timeProvider.GetElapsedTime(waiting.Since);
        if (remaining > TimeSpan.Zero)
            return ReconcileResult.RequeueAfter(remaining);
        await EvictAsync(key, pod, cancellationToken);
        metrics?.TaintDeletionSeconds.Observe((timeProvider.GetElapsedTime(waiting.Since) - stay).TotalSeconds);
        _waiting.TryRemove(key, out _);
        return ReconcileResult.Done;
    }

    private async Task EvictAsync(ObjectKey key, V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            if (!pod.HasDisruption(Reason))
            {
                var patch = PodStatusPatches.Disruption(pod, Reason, "Taint manager: deleting due to NoExecute taint", null, timeProvider.GetUtcNow());
                await client.PatchAsync<V1Pod>(key.Namespace, key.Name, patch, "status", cancellationToken);
            }
            events.Normal(pod, "TaintManagerEviction", $"Marking for deletion Pod {key}");
            await client.DeleteAsync<V1Pod>(key.Namespace, key.Name, new DeleteOptions(PreconditionUid: pod.Metadata.Uid), cancellationToken);
            metrics?.TaintDeletions.Add();
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already, or replaced by another pod, whose own event follows.
            return;
        }
    }

    private void QueuePods(ControllerRunner runner, V1Node node, bool concerned)
    {
        if (!concerned)
            return;
        foreach (var pod in _pods.OnNode(node.Metadata.Name))
            runner.Queue.Add(ObjectKey.Of(pod));
    }

    private void Queue(ControllerRunner runner, V1Pod pod)
    {
        if (pod.Spec.NodeName is { Length: > 0 } name && (_waiting.ContainsKey(ObjectKey.Of(pod)) || (_nodes.Find("", name) is { } node && EvictionPlan.NoExecuteTaints(node).Count > 0)))
            runner.Queue.Add(ObjectKey.Of(pod));
    }

    private sealed record Waiting(string Uid, long Since);
}
