using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using LiteKube.Controllers.NodeLifecycle;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.PodGarbageCollection;

/// <summary>
/// Deletes pods that no kubelet will ever delete (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection):
/// on nodes that are gone, terminating without a node, terminating on a node taken out of service, and ended ones beyond a threshold.
/// </summary>
internal sealed class PodGarbageCollector(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider, int endedThreshold = PodGarbageCollector.EndedThreshold, ControllerMetrics? metrics = null) : IReconciler
{
    /// <summary>kube-controller-manager's --terminated-pod-gc-threshold.</summary>
    public const int EndedThreshold = 12500;

    /// <summary>A node may register again shortly after it was deleted; its pods then still run.</summary>
    public static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(40);

    private const string Reason = "DeletionByPodGC";
    private const string OutOfService = "node.kubernetes.io/out-of-service";
    private const string EndedIndex = "ended";
    private static readonly ObjectKey Ended = new("", "ended");

    private readonly IInformer<V1Node> _nodes = informers.Get<V1Node>();
    private readonly IInformer<V1Pod> _pods = WithEndedIndex(informers.Get<V1Pod>().WithNodeIndex());
    // When a pod's node was first found missing. By pod, since a node of that name may have been missing long before, for others.
    private readonly ConcurrentDictionary<ObjectKey, (string Uid, long Since)> _missingSince = new();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("pod-garbage-collector", this, loggers, timeProvider, workers: 2);
        runner.Watch(_nodes, new InformerHandler<V1Node>(
            OnAdd: node => QueuePods(runner, node, true),
            OnUpdate: (_, node) => QueuePods(runner, node, IsOutOfService(node)),
            OnDelete: node => QueuePods(runner, node, true)));
        return runner.Watch(_pods, new InformerHandler<V1Pod>(
            OnAdd: pod => Queue(runner, null, pod),
            OnUpdate: (old, pod) => Queue(runner, old, pod),
            OnDelete: pod => _missingSince.TryRemove(ObjectKey.Of(pod), out _)));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (key == Ended)
        {
            foreach (var ended in Surplus(_pods.ByIndex(EndedIndex, EndedIndex), endedThreshold))
                await DeleteAsync(ended, "terminated", null, cancellationToken);
            return ReconcileResult.Done;
        }
        if (_pods.Find(key) is not { } pod)
            return ReconcileResult.Done;
        if (pod.Spec.NodeName is not { Length: > 0 } name)
        {
            if (pod.IsTerminating())
                await DeleteAsync(pod, "unscheduled", null, cancellationToken);
            return ReconcileResult.Done;
        }
        if (_nodes.Find("", name) is { } node)
        {
            _missingSince.TryRemove(key, out _);
            if (pod.IsTerminating() && IsOutOfService(node))
                await DeleteAsync(pod, "out-of-service", null, cancellationToken);
            return ReconcileResult.Done;
        }
        var missing = _missingSince.AddOrUpdate(key, _ => (pod.Metadata.Uid, timeProvider.GetTimestamp()),
            (_, known) => known.Uid == pod.Metadata.Uid ? known : (pod.Metadata.Uid, timeProvider.GetTimestamp()));
        var missingFor = timeProvider.GetElapsedTime(missing.Since);
        if (missingFor < Quarantine)
            return ReconcileResult.RequeueAfter(Quarantine - missingFor);
        // The informer may be behind, and this cannot be undone: so the server is asked.
        if (!await IsNodeAsync(name, cancellationToken))
            await DeleteAsync(pod, "orphaned", "PodGC: node no longer exists", cancellationToken);
        return ReconcileResult.Done;
    }

    /// <summary>The ended pods beyond the threshold: evicted ones first, then the oldest.</summary>
    public static IEnumerable<V1Pod> Surplus(IReadOnlyCollection<V1Pod> ended, int threshold) => ended.Count <= threshold
        ? []
        : ended.Where(p => !p.IsTerminating()).OrderBy(p => p.Status?.Reason == "Evicted" ? 0 : 1).ThenBy(p => p.Metadata.CreationTimestamp).ThenBy(p => p.Metadata.Name, StringComparer.Ordinal).Take(ended.Count - threshold);

    private async Task<bool> IsNodeAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await client.GetAsync<V1Node>(null, name, cancellationToken);
            return true;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <param name="reason">As the metrics name it.</param>
    /// <param name="disruption">Why, for a pod that was not going by itself.</param>
    private async Task DeleteAsync(V1Pod pod, string reason, string? disruption, CancellationToken cancellationToken)
    {
        var (ns, name) = (pod.Metadata.NamespaceProperty, pod.Metadata.Name);
        metrics?.ForcedDeletions.With(ns, reason).Add();
        try
        {
            // Whoever waits for the pod's end must see one: nobody else will report it.
            if (!IsEnded(pod))
            {
                var patch = PodStatusPatches.Disruption(pod, Reason, disruption ?? "PodGC: the pod is terminating and no kubelet can end it", "Failed", timeProvider.GetUtcNow());
                await client.PatchAsync<V1Pod>(ns, name, patch, "status", cancellationToken);
            }
            await client.DeleteAsync<V1Pod>(ns, name, new DeleteOptions(GracePeriodSeconds: 0, PreconditionUid: pod.Metadata.Uid), cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already, or replaced by another pod of the name.
            return;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            metrics?.ForcedDeletionErrors.With(ns, reason).Add();
            throw;
        }
    }

    private void Queue(ControllerRunner runner, V1Pod? old, V1Pod pod)
    {
        if (IsEnded(pod) && (old is null || !IsEnded(old)))
            runner.Queue.Add(Ended);
        if (string.IsNullOrEmpty(pod.Spec.NodeName) ? pod.IsTerminating() : _nodes.HasSynced && (_nodes.Find("", pod.Spec.NodeName) is not { } node || (pod.IsTerminating() && IsOutOfService(node))))
            runner.Queue.Add(ObjectKey.Of(pod));
        else if (!_nodes.HasSynced)
            runner.Queue.Add(ObjectKey.Of(pod));
    }

    private void QueuePods(ControllerRunner runner, V1Node node, bool concerned)
    {
        if (!concerned)
            return;
        foreach (var pod in _pods.OnNode(node.Metadata.Name))
            runner.Queue.Add(ObjectKey.Of(pod));
    }

    private static bool IsOutOfService(V1Node node) =>
        NodeTaintPlan.StatusOf(node, "Ready") != "True" && node.Spec?.Taints?.Any(t => t.Key == OutOfService) == true;

    private static bool IsEnded(V1Pod pod) => pod.Status?.Phase is "Succeeded" or "Failed";

    private static IInformer<V1Pod> WithEndedIndex(IInformer<V1Pod> pods)
    {
        pods.AddIndex(EndedIndex, pod => IsEnded(pod) ? [EndedIndex] : []);
        return pods;
    }
}
