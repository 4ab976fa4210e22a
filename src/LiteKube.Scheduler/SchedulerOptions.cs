using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler;

public sealed record SchedulerOptions
{
    /// <summary>Pods with this spec.schedulerName are scheduled; it is also the source of the events.</summary>
    public string SchedulerName { get; init; } = "default-scheduler";

    /// <summary>Of a large cluster's nodes only some are looked at for a pod; 0 lets their number decide (from 50 % down to 5 %, never fewer than 100).</summary>
    public int PercentageOfNodesToScore { get; init; }

    /// <summary>Bind requests under way at a time.</summary>
    public int MaxBindsInFlight { get; init; } = 64;

    public QueueOptions Queue { get; init; } = new();

    /// <summary>Seeds the choice between nodes of equal score; null for a random one.</summary>
    public int? Seed { get; init; }
}
