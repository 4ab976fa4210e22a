using k8s.Models;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Queue;

/// <summary>A pod on its way through the queue, from its arrival until it is bound or deleted.</summary>
public sealed class QueuedPod(PodInfo pod)
{
    public PodInfo Pod { get; internal set; } = pod;

    /// <summary>When it last entered the queue.</summary>
    public DateTimeOffset QueuedAt { get; internal set; }

    /// <summary>When it was last rejected.</summary>
    public DateTimeOffset RejectedAt { get; internal set; }

    /// <summary>Attempts that ended in rejection or error so far.</summary>
    public int Attempts { get; internal set; }

    /// <summary>Arrival order, for equal times.</summary>
    internal long Sequence { get; set; }

    internal IReadOnlySet<string> RejectedBy { get; set; } = new HashSet<string>();

    /// <summary>Held back by a PreEnqueue plugin.</summary>
    internal bool IsGated { get; set; }

    public V1Pod Object => Pod.Pod;
}
