using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler;

/// <summary>Brings what the informers see into cache and queue.</summary>
internal sealed class ClusterEvents(SchedulerCache cache, SchedulingQueue queue, string schedulerName)
{
    private enum PodPlace
    {
        /// <summary>Finished, or another scheduler's.</summary>
        None,
        Waiting,
        OnNode,
    }

    public InformerHandler<V1Pod> PodHandler => new(pod => OnPod(null, pod), OnPod, OnPodDeleted);

    public InformerHandler<V1Node> NodeHandler => new(
        node =>
        {
            cache.SetNode(node);
            queue.Move(new ClusterChange(ClusterEvent.NodeAdd, null, node));
        },
        (old, node) =>
        {
            cache.SetNode(node);
            if (ChangesOf(old, node) is var change && change != ClusterEvent.None)
                queue.Move(new ClusterChange(change, old, node));
        },
        node =>
        {
            cache.RemoveNode(node.Metadata.Name);
            queue.Move(new ClusterChange(ClusterEvent.NodeDelete, node, null));
        });

    public InformerHandler<T> Handler<T>(ClusterEvent change) where T : class, k8s.IKubernetesObject<V1ObjectMeta> => new(
        value => queue.Move(new ClusterChange(change, null, value)),
        (old, value) => queue.Move(new ClusterChange(change, old, value)),
        value => queue.Move(new ClusterChange(change, value, null)));

    private void OnPod(V1Pod? old, V1Pod pod)
    {
        // A relist gives the same object again.
        if (ReferenceEquals(old, pod))
            return;
        var before = old is null ? PodPlace.None : PlaceOf(old);
        switch (PlaceOf(pod))
        {
            case PodPlace.Waiting when !cache.Contains(pod.Metadata.Uid):
                OnWaiting(before == PodPlace.Waiting ? old : null, pod);
                break;
            case PodPlace.OnNode:
                OnAssigned(before, old, pod);
                break;
            case PodPlace.None when before != PodPlace.None:
                OnPodDeleted(old!);
                break;
        }
    }

    private void OnWaiting(V1Pod? old, V1Pod pod)
    {
        if (old is null)
            queue.Add(new PodInfo(pod));
        else
            queue.Update(new PodInfo(old), new PodInfo(pod), mayHelp: IsSpecChanged(old, pod));
    }

    private void OnAssigned(PodPlace before, V1Pod? old, V1Pod pod)
    {
        var info = new PodInfo(pod);
        if (before == PodPlace.Waiting)
            queue.Delete(info.Uid);
        cache.SetPod(info);
        if (before != PodPlace.OnNode)
            queue.Move(new ClusterChange(ClusterEvent.AssignedPodAdd, null, info));
        else if (IsSpecChanged(old!, pod))
            queue.Move(new ClusterChange(ClusterEvent.AssignedPodUpdate, new PodInfo(old!), info));
    }

    private void OnPodDeleted(V1Pod pod)
    {
        switch (PlaceOf(pod, ignorePhase: true))
        {
            case PodPlace.OnNode:
                cache.RemovePod(pod.Metadata.Uid);
                queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, new PodInfo(pod), null));
                break;
            case PodPlace.Waiting:
                queue.Delete(pod.Metadata.Uid);
                break;
        }
    }

    private PodPlace PlaceOf(V1Pod pod, bool ignorePhase = false)
    {
        if (!ignorePhase && pod.Status?.Phase is "Succeeded" or "Failed")
            return PodPlace.None;
        if (!string.IsNullOrEmpty(pod.Spec.NodeName))
            return PodPlace.OnNode;
        return (pod.Spec.SchedulerName ?? schedulerName) == schedulerName ? PodPlace.Waiting : PodPlace.None;
    }

    private static bool IsSpecChanged(V1Pod old, V1Pod pod) =>
        !SameMap(old.Metadata.Labels, pod.Metadata.Labels) || !KubeJson.AreEqual(old.Spec, pod.Spec) || old.Metadata.DeletionTimestamp != pod.Metadata.DeletionTimestamp;

    private static ClusterEvent ChangesOf(V1Node old, V1Node node)
    {
        var change = ClusterEvent.None;
        if (!SameQuantities(old.Status?.Allocatable, node.Status?.Allocatable))
            change |= ClusterEvent.NodeAllocatable;
        if (!SameMap(old.Metadata.Labels, node.Metadata.Labels))
            change |= ClusterEvent.NodeLabel;
        if (old.Spec?.Unschedulable != node.Spec?.Unschedulable || !SameTaints(old.Spec?.Taints ?? [], node.Spec?.Taints ?? []))
            change |= ClusterEvent.NodeTaint;
        return change;
    }

    private static bool SameTaints(IList<V1Taint> left, IList<V1Taint> right) =>
        left.Select(Identity).SequenceEqual(right.Select(Identity));

    private static (string?, string?, string?) Identity(V1Taint taint) => (taint.Key, taint.Value, taint.Effect);

    private static bool SameMap(IDictionary<string, string>? left, IDictionary<string, string>? right)
    {
        if ((left?.Count ?? 0) != (right?.Count ?? 0))
            return false;
        foreach (var (key, value) in left ?? new Dictionary<string, string>())
        {
            if (!right!.TryGetValue(key, out var other) || other != value)
                return false;
        }
        return true;
    }

    private static bool SameQuantities(IDictionary<string, ResourceQuantity>? left, IDictionary<string, ResourceQuantity>? right)
    {
        if ((left?.Count ?? 0) != (right?.Count ?? 0))
            return false;
        foreach (var (key, value) in left ?? new Dictionary<string, ResourceQuantity>())
        {
            if (!right!.TryGetValue(key, out var other) || !value.Equals(other))
                return false;
        }
        return true;
    }
}
