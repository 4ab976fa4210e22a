using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler;

/// <summary>What of a pod or node changed that scheduling looks at, one event each.</summary>
internal static class Changes
{
    public static IEnumerable<ClusterEvent> Of(PodInfo old, PodInfo pod, bool isAssigned)
    {
        var any = false;
        if (!SameMap(old.Labels, pod.Labels))
        {
            any = true;
            yield return isAssigned ? ClusterEvent.AssignedPodLabel : ClusterEvent.PodLabel;
        }
        if (IsScaledDown(old.Requests, pod.Requests))
        {
            any = true;
            yield return isAssigned ? ClusterEvent.AssignedPodScaleDown : ClusterEvent.PodScaleDown;
        }
        if (!isAssigned && old.Pod.Spec.SchedulingGates is { Count: > 0 } && pod.Pod.Spec.SchedulingGates is not { Count: > 0 })
        {
            any = true;
            yield return ClusterEvent.PodGatesEliminated;
        }
        // They can be added and not be changed: their number tells.
        if (!isAssigned && old.Tolerations.Count != pod.Tolerations.Count)
        {
            any = true;
            yield return ClusterEvent.PodToleration;
        }
        if (!any)
            yield return isAssigned ? ClusterEvent.AssignedPodOther : ClusterEvent.PodOther;
    }

    public static IEnumerable<ClusterEvent> Of(V1Node old, V1Node node)
    {
        if (old.Spec?.Unschedulable == true && node.Spec?.Unschedulable != true)
            yield return ClusterEvent.NodeTaint;
        if (!SameQuantities(old.Status?.Allocatable, node.Status?.Allocatable))
            yield return ClusterEvent.NodeAllocatable;
        if (!SameMap(old.Metadata.Labels, node.Metadata.Labels))
            yield return ClusterEvent.NodeLabel;
        if (!SameTaints(old.Spec?.Taints ?? [], node.Spec?.Taints ?? []))
            yield return ClusterEvent.NodeTaint;
        if (!SameConditions(old.Status?.Conditions ?? [], node.Status?.Conditions ?? []))
            yield return ClusterEvent.NodeCondition;
        if (!SameMap(old.Metadata.Annotations, node.Metadata.Annotations))
            yield return ClusterEvent.NodeAnnotation;
    }

    public static bool IsScaledDown(Resources old, Resources now) =>
        now.MilliCpu < old.MilliCpu || now.MemoryBytes < old.MemoryBytes || now.EphemeralStorageBytes < old.EphemeralStorageBytes
        || old.Others?.Any(entry => now.Get(entry.Key) < entry.Value) == true;

    private static bool SameTaints(IList<V1Taint> left, IList<V1Taint> right) =>
        left.Select(Identity).SequenceEqual(right.Select(Identity));

    private static (string?, string?, string?) Identity(V1Taint taint) => (taint.Key, taint.Value, taint.Effect);

    private static bool SameConditions(IList<V1NodeCondition> left, IList<V1NodeCondition> right) =>
        left.Count == right.Count && left.All(condition => right.Any(other => other.Type == condition.Type && other.Status == condition.Status));

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
