using System.Diagnostics.Metrics;

namespace LiteKube.Client.Queues;

/// <summary>Kubernetes' workqueue_* metrics, by queue name, on the meter "LiteKube.WorkQueue".</summary>
internal sealed class WorkQueueMetrics(string name)
{
    public const string MeterName = "LiteKube.WorkQueue";
    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Adds = Meter.CreateCounter<long>("workqueue_adds_total");
    private static readonly Counter<long> Retries = Meter.CreateCounter<long>("workqueue_retries_total");
    private static readonly UpDownCounter<long> Waiting = Meter.CreateUpDownCounter<long>("workqueue_depth");
    private static readonly Histogram<double> QueueSeconds = Meter.CreateHistogram<double>("workqueue_queue_duration_seconds", "s");
    private static readonly Histogram<double> WorkSeconds = Meter.CreateHistogram<double>("workqueue_work_duration_seconds", "s");
    private readonly KeyValuePair<string, object?> _tag = new("name", name);

    public void Added() => Adds.Add(1, _tag);
    public void Retried() => Retries.Add(1, _tag);
    public void Depth(int change) => Waiting.Add(change, _tag);
    public void Waited(TimeSpan time) => QueueSeconds.Record(time.TotalSeconds, _tag);
    public void Worked(TimeSpan time) => WorkSeconds.Record(time.TotalSeconds, _tag);
}
