using System.Diagnostics.Metrics;

namespace LiteKube.Scheduler;

/// <summary>kube-scheduler's metrics, on the meter "LiteKube.Scheduler".</summary>
internal static class SchedulerMetrics
{
    private static readonly Meter Meter = new("LiteKube.Scheduler");
    private static readonly Counter<long> Attempts = Meter.CreateCounter<long>("scheduler_schedule_attempts_total");
    private static readonly Histogram<double> Seconds = Meter.CreateHistogram<double>("scheduler_scheduling_attempt_duration_seconds", "s");

    public const string Scheduled = "scheduled";
    public const string Unschedulable = "unschedulable";
    public const string Error = "error";

    public static void Attempted(string result, TimeSpan time)
    {
        var tag = new KeyValuePair<string, object?>("result", result);
        Attempts.Add(1, tag);
        Seconds.Record(time.TotalSeconds, tag);
    }
}
