using k8s.Models;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Queue;

/// <summary>A pod on its way through the queue, from its arrival until it is bound or deleted.</summary>
public sealed class QueuedPod(PodInfo pod)
{
    private static readonly IReadOnlySet<string> None = new HashSet<string>();

    public PodInfo Pod { get; internal set; } = pod;

    /// <summary>When it last entered the queue: on its arrival, or with its last rejection.</summary>
    public DateTimeOffset QueuedAt { get; internal set; }

    /// <summary>When it first became active; null while it never was (gated).</summary>
    public DateTimeOffset? FirstActiveAt { get; internal set; }

    /// <summary>Times it was tried.</summary>
    public int Attempts { get; internal set; }

    /// <summary>Attempts that ended in rejection so far.</summary>
    public int Rejections { get; internal set; }

    /// <summary>Attempts in a row that ended in an error, most recently.</summary>
    public int Errors { get; internal set; }

    /// <summary>Arrival order, for equal times.</summary>
    internal long Sequence { get; set; }

    /// <summary>Plugins whose events bring it back.</summary>
    internal IReadOnlySet<string> RejectedBy { get; set; } = None;

    /// <summary>Of these the ones that bring it back at once, without backoff.</summary>
    internal IReadOnlySet<string> PendingBy { get; set; } = None;

    /// <summary>The PreEnqueue plugin that holds it back.</summary>
    internal string? GatedBy { get; set; }

    internal bool IsGated => GatedBy is not null;

    public V1Pod Object => Pod.Pod;
}
