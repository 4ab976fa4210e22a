namespace LiteKube.Scheduler.Framework;

/// <summary>What can happen in a cluster that makes a rejected pod schedulable.</summary>
[Flags]
public enum ClusterEvent
{
    None = 0,
    NodeAdd = 1 << 0,
    NodeAllocatable = 1 << 1,
    NodeLabel = 1 << 2,
    NodeTaint = 1 << 3,
    NodeCondition = 1 << 4,
    AssignedPodAdd = 1 << 5,
    /// <summary>Labels changed or requests shrank.</summary>
    AssignedPodUpdate = 1 << 6,
    AssignedPodDelete = 1 << 7,
    /// <summary>The waiting pod itself changed.</summary>
    PodUpdate = 1 << 8,
    PersistentVolumeClaim = 1 << 9,
    PersistentVolume = 1 << 10,
    StorageClass = 1 << 11,
    Namespace = 1 << 12,
    /// <summary>A node was removed: a topology domain may have gone.</summary>
    NodeDelete = 1 << 13,

    NodeAny = NodeAdd | NodeAllocatable | NodeLabel | NodeTaint | NodeCondition,
    All = ~0,
}

/// <param name="Old">The object before (null for an addition); a PodInfo for pods, a model otherwise.</param>
/// <param name="New">The object after (null for a removal).</param>
public readonly record struct ClusterChange(ClusterEvent Event, object? Old, object? New);
