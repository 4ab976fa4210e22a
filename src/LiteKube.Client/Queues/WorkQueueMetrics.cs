using System.Collections.Concurrent;
using System.Text;
using LiteKube.Client.Metrics;

namespace LiteKube.Client.Queues;

/// <summary>Kubernetes' workqueue_* metrics by queue name, of all queues of the process (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
public sealed class WorkQueueMetrics
{
    private const string Label = "name";
    private static readonly double[] Bounds = HistogramFamily.Exponential(1e-8, 10, 12);
    private static readonly CounterFamily AllAdds = new("workqueue_adds_total", "Total number of adds handled by workqueue", Label);
    private static readonly CounterFamily AllRetries = new("workqueue_retries_total", "Total number of retries handled by workqueue", Label);
    private static readonly HistogramFamily AllQueueSeconds = new("workqueue_queue_duration_seconds", "How long in seconds an item stays in workqueue before being requested.", Bounds, Label);
    private static readonly HistogramFamily AllWorkSeconds = new("workqueue_work_duration_seconds", "How long in seconds processing an item from workqueue takes.", Bounds, Label);
    private static readonly ConcurrentDictionary<WorkQueueMetrics, bool> Open = [];
    private static readonly GaugeFamily[] Gauges =
    [
        new("workqueue_depth", "Current depth of workqueue", () => Sum(static queue => Interlocked.Read(ref queue._depth)), Label),
        new("workqueue_unfinished_work_seconds", "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.", () => Sum(static queue => queue._running().Sum(static time => time.TotalSeconds)), Label),
        new("workqueue_longest_running_processor_seconds", "How many seconds has the longest running processor for workqueue been running.", () => Sum(static queue => queue._running().Select(static time => time.TotalSeconds).DefaultIfEmpty().Max()), Label),
    ];

    private readonly string _name;
    private readonly Func<IReadOnlyList<TimeSpan>> _running;
    private readonly Counter _adds;
    private readonly Counter _retries;
    private readonly Histogram _queueSeconds;
    private readonly Histogram _workSeconds;
    private long _depth;

    /// <param name="running">For how long the keys that are worked on have been.</param>
    internal WorkQueueMetrics(string name, Func<IReadOnlyList<TimeSpan>> running)
    {
        (_name, _running) = (name, running);
        (_adds, _retries) = (AllAdds.With(name), AllRetries.With(name));
        (_queueSeconds, _workSeconds) = (AllQueueSeconds.With(name), AllWorkSeconds.With(name));
        Open[this] = true;
    }

    /// <summary>Adds the families in Prometheus' text form.</summary>
    public static void Write(StringBuilder text)
    {
        AllAdds.Write(text);
        foreach (var gauge in Gauges)
            gauge.Write(text);
        AllQueueSeconds.Write(text);
        AllRetries.Write(text);
        AllWorkSeconds.Write(text);
    }

    internal void Added() => _adds.Add();
    internal void Retried() => _retries.Add();
    internal void Depth(int change) => Interlocked.Add(ref _depth, change);
    internal void Waited(TimeSpan time) => _queueSeconds.Observe(time.TotalSeconds);
    internal void Worked(TimeSpan time) => _workSeconds.Observe(time.TotalSeconds);

    /// <summary>The queue is shut down: nothing waits in it any more.</summary>
    internal void Close() => Open.TryRemove(this, out _);

    private static IEnumerable<(string[] Labels, double Value)> Sum(Func<WorkQueueMetrics, double> value) =>
        Open.Keys.GroupBy(static queue => queue._name, StringComparer.Ordinal).OrderBy(static group => group.Key, StringComparer.Ordinal).Select(group => (new[] { group.Key }, group.Sum(value)));
}
