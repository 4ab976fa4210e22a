namespace LiteKube.ApiServer.FlowControl;

/// <summary>Why a request was turned away; upstream's label values by <see cref="FlowSeries.ReasonOf"/>.</summary>
internal enum FlowRejection
{
    ConcurrencyLimit,
    QueueFull,
    TimeOut,
}

/// <summary>Counts of the requests of one FlowSchema at one level. Guarded by the level's lock.</summary>
internal sealed class FlowSeries
{
    /// <summary>Upper bounds in seconds, upstream's.</summary>
    public static readonly double[] Bounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

    private readonly long[] _rejected = new long[3];

    public long Dispatched { get; set; }
    public int Waiting { get; set; }
    public int SeatsWaiting { get; set; }
    public int Executing { get; set; }
    public int SeatsExecuting { get; set; }
    public FlowHistogram WaitOfExecuted { get; } = new(Bounds);
    public FlowHistogram WaitOfRejected { get; } = new(Bounds);
    public FlowHistogram Execution { get; } = new(Bounds);

    public bool IsIdle => Waiting == 0 && Executing == 0;

    public void Reject(FlowRejection reason) => _rejected[(int)reason]++;

    public long Rejected(FlowRejection reason) => _rejected[(int)reason];

    public static string ReasonOf(FlowRejection reason) => reason switch
    {
        FlowRejection.ConcurrencyLimit => "concurrency-limit",
        FlowRejection.QueueFull => "queue-full",
        _ => "time-out",
    };
}

/// <summary>Counts by upper bound, the last without one.</summary>
internal sealed class FlowHistogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];

    public double Sum { get; private set; }
    public ReadOnlySpan<long> Counts => _counts;

    public void Observe(double seconds)
    {
        var bucket = 0;
        while (bucket < bounds.Length && seconds > bounds[bucket]) bucket++;
        _counts[bucket]++;
        Sum += seconds;
    }
}
