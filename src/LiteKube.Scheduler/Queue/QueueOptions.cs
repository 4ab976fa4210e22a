using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Queue;

/// <param name="InitialBackoff">After a pod's first rejection; doubles with each.</param>
/// <param name="UnschedulableFlush">A rejected pod is tried again after this, even if nothing happened that could help it.</param>
public sealed record QueueOptions(TimeSpan InitialBackoff, TimeSpan MaxBackoff, TimeSpan UnschedulableFlush)
{
    /// <summary>kube-scheduler's: 1 s to 10 s, 5 minutes.</summary>
    public QueueOptions() : this(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5)) { }
}

/// <summary>What the queue asks of a profile's plugins.</summary>
public sealed record QueuePlugins(IQueueSortPlugin Sort, Func<PodInfo, PluginStatus?> PreEnqueue, IReadOnlyDictionary<string, IEnqueueExtensions> Extensions);

/// <param name="Unschedulable">Tried and rejected.</param>
/// <param name="Gated">Held back before they were tried.</param>
public readonly record struct QueueCounts(int Active, int Backoff, int Unschedulable, int Gated);
