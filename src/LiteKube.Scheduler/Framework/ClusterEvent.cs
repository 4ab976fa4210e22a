namespace LiteKube.Scheduler.Framework;

/// <summary>What can happen in a cluster that makes a rejected pod schedulable.</summary>
[Flags]
public enum ClusterEvent
{
    None = 0,
    NodeAdd = 1 << 0,
    NodeAllocatable = 1 << 1,
    NodeLabel = 1 << 2,
    /// <summary>Taints changed, or the node is no longer cordoned.</summary>
    NodeTaint = 1 << 3,
    NodeCondition = 1 << 4,
    NodeAnnotation = 1 << 5,
    /// <summary>A node was removed: a topology domain may have gone.</summary>
    NodeDelete = 1 << 6,
    AssignedPodAdd = 1 << 7,
    AssignedPodLabel = 1 << 8,
    AssignedPodScaleDown = 1 << 9,
    /// <summary>Something else about a pod on a node changed.</summary>
    AssignedPodOther = 1 << 10,
    AssignedPodDelete = 1 << 11,
    /// <summary>A waiting pod was created.</summary>
    PodAdd = 1 << 12,
    PodLabel = 1 << 13,
    PodScaleDown = 1 << 14,
    PodGatesEliminated = 1 << 15,
    PodToleration = 1 << 16,
    /// <summary>Something else about the waiting pod itself changed.</summary>
    PodOther = 1 << 17,
    PersistentVolumeClaim = 1 << 18,
    PersistentVolume = 1 << 19,
    StorageClass = 1 << 20,
    CsiNode = 1 << 21,
    CsiDriver = 1 << 22,
    CsiStorageCapacity = 1 << 23,
    VolumeAttachment = 1 << 24,
    Namespace = 1 << 25,

    NodeAny = NodeAdd | NodeAllocatable | NodeLabel | NodeTaint | NodeCondition | NodeAnnotation,
    AssignedPodUpdate = AssignedPodLabel | AssignedPodScaleDown | AssignedPodOther,
    PodUpdate = PodLabel | PodScaleDown | PodGatesEliminated | PodToleration | PodOther,
    All = ~0,
}

/// <param name="Old">The object before (null for an addition); a PodInfo for pods, a model otherwise.</param>
/// <param name="New">The object after (null for a removal).</param>
public readonly record struct ClusterChange(ClusterEvent Event, object? Old, object? New)
{
    /// <summary>How kube-scheduler's metrics name what moved a pod: "AssignedPodDelete", "NodeAdd".</summary>
    public string Label => Event switch
    {
        ClusterEvent.NodeAllocatable => "NodeUpdateNodeAllocatable",
        ClusterEvent.NodeLabel => "NodeUpdateNodeLabel",
        ClusterEvent.NodeTaint => "NodeUpdateNodeTaint",
        ClusterEvent.NodeCondition => "NodeUpdateNodeCondition",
        ClusterEvent.NodeAnnotation => "NodeUpdateNodeAnnotation",
        ClusterEvent.AssignedPodLabel => "AssignedPodUpdatePodLabel",
        ClusterEvent.AssignedPodScaleDown => "AssignedPodUpdatePodScaleDown",
        ClusterEvent.AssignedPodOther => "AssignedPodUpdate",
        ClusterEvent.PodAdd => "UnschedulablePodAdd",
        ClusterEvent.PodLabel => "UnschedulablePodUpdatePodLabel",
        ClusterEvent.PodScaleDown => "UnschedulablePodUpdatePodScaleDown",
        ClusterEvent.PodGatesEliminated => "UnschedulablePodUpdatePodSchedulingGatesEliminated",
        ClusterEvent.PodToleration => "UnschedulablePodUpdatePodToleration",
        ClusterEvent.PodOther => "UnschedulablePodUpdate",
        ClusterEvent.CsiNode => "CSINode" + Action,
        ClusterEvent.CsiDriver => "CSIDriver" + Action,
        ClusterEvent.CsiStorageCapacity => "CSIStorageCapacity" + Action,
        ClusterEvent.PersistentVolumeClaim or ClusterEvent.PersistentVolume or ClusterEvent.StorageClass or ClusterEvent.VolumeAttachment or ClusterEvent.Namespace => Event + Action,
        _ => Event.ToString(),
    };

    private string Action => Old is null ? "Add" : New is null ? "Delete" : "Update";
}

/// <summary>Reasons for a pod to enter a queue that are no changes of the cluster, as kube-scheduler's metrics name them.</summary>
internal static class QueueEvents
{
    public const string ScheduleAttemptFailure = "ScheduleAttemptFailure";
    public const string BackoffComplete = "BackoffComplete";
    public const string PopFromBackoffQ = "PopFromBackoffQ";
    public const string ForceActivate = "ForceActivate";
    public const string UnschedulableTimeout = "UnschedulableTimeout";
    public const string PodAdd = "UnschedulablePodAdd";
    public const string PodUpdate = "UnschedulablePodUpdate";
}
