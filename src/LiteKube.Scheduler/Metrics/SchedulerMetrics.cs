using System.Globalization;
using System.Text;
using LiteKube.Client.Metrics;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Metrics;

/// <summary>kube-scheduler's metrics, by upstream's names, labels and buckets (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
internal sealed class SchedulerMetrics
{
    public const string Scheduled = "scheduled";
    public const string Unschedulable = "unschedulable";
    public const string Error = "error";
    private const int MostAttempts = 15;

    private readonly CounterFamily _attempts = new("scheduler_schedule_attempts_total", "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.", "result", "profile");
    private readonly HistogramFamily _attemptSeconds = new("scheduler_scheduling_attempt_duration_seconds", "Scheduling attempt latency in seconds (scheduling algorithm + binding)", HistogramFamily.Exponential(0.001, 2, 15), "result", "profile");
    private readonly HistogramFamily _algorithmSeconds = new("scheduler_scheduling_algorithm_duration_seconds", "Scheduling algorithm latency in seconds", HistogramFamily.Exponential(0.001, 2, 15));
    private readonly HistogramFamily _victims = new("scheduler_preemption_victims", "Number of selected preemption victims", HistogramFamily.Exponential(1, 2, 7));
    private readonly CounterFamily _preemptions = new("scheduler_preemption_attempts_total", "Total preemption attempts in the cluster till now");
    private readonly HistogramFamily _sliSeconds = new("scheduler_pod_scheduling_sli_duration_seconds", "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.", HistogramFamily.Exponential(0.01, 2, 20), "attempts");
    private readonly HistogramFamily _podAttempts = new("scheduler_pod_scheduling_attempts", "Number of attempts to successfully schedule a pod.", HistogramFamily.Exponential(1, 2, 5));
    private readonly HistogramFamily _extensionPointSeconds = new("scheduler_framework_extension_point_duration_seconds", "Latency for running all plugins of a specific extension point.", HistogramFamily.Exponential(0.0001, 2, 12), "extension_point", "status", "profile");
    private readonly HistogramFamily _pluginSeconds = new("scheduler_plugin_execution_duration_seconds", "Duration for running a plugin at a specific extension point.", HistogramFamily.Exponential(0.00001, 1.5, 20), "plugin", "extension_point", "status");
    private readonly CounterFamily _evaluations = new("scheduler_plugin_evaluation_total", "Number of attempts to schedule pods by each plugin and the extension point (available only in PreFilter, Filter, PreScore, and Score).", "plugin", "extension_point", "profile");
    private readonly CounterFamily _incoming = new("scheduler_queue_incoming_pods_total", "Number of pods added to scheduling queues by event and queue type.", "queue", "event");
    private readonly HistogramFamily _permitSeconds = new("scheduler_permit_wait_duration_seconds", "Duration of waiting on permit.", HistogramFamily.Exponential(0.001, 2, 15), "result");
    private readonly List<MetricFamily> _families;
    private readonly string[] _attemptNames = [.. Enumerable.Range(0, MostAttempts + 1).Select(count => count == MostAttempts ? "15+" : count.ToString(CultureInfo.InvariantCulture))];

    public SchedulerMetrics(Func<QueueCounts> queue, Func<(int Nodes, int Pods, int Assumed)> cache, Func<IReadOnlyDictionary<(string Plugin, string Profile), int>> unschedulable)
    {
        _families =
        [
            _attempts, _attemptSeconds, _algorithmSeconds, _victims, _preemptions, _sliSeconds, _podAttempts, _extensionPointSeconds, _pluginSeconds, _evaluations, _incoming, _permitSeconds,
            new GaugeFamily("scheduler_pending_pods",
                "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
                () => Pending(queue()), "queue"),
            new GaugeFamily("scheduler_unschedulable_pods",
                "The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.",
                () => unschedulable().Select(entry => (new[] { entry.Key.Plugin, entry.Key.Profile }, (double)entry.Value)), "plugin", "profile"),
            new GaugeFamily("scheduler_cache_size", "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.", () => Sizes(cache()), "type"),
        ];
        Victims = _victims.With();
        Preemptions = _preemptions.With();
        AlgorithmSeconds = _algorithmSeconds.With();
        PodAttempts = _podAttempts.With();
    }

    public Histogram Victims { get; }
    public Counter Preemptions { get; }
    public Histogram AlgorithmSeconds { get; }
    public Histogram PodAttempts { get; }

    public void Attempted(string result, string profile, TimeSpan time)
    {
        _attempts.With(result, profile).Add();
        _attemptSeconds.With(result, profile).Observe(time.TotalSeconds);
    }

    /// <param name="sinceFirst">Since the pod first entered the queue to be tried.</param>
    public void PodScheduled(int attempts, TimeSpan sinceFirst)
    {
        PodAttempts.Observe(attempts);
        _sliSeconds.With(_attemptNames[Math.Min(attempts, MostAttempts)]).Observe(sinceFirst.TotalSeconds);
    }

    public void Incoming(string queue, string change) => _incoming.With(queue, change).Add();

    public void WaitedOnPermit(string result, TimeSpan time) => _permitSeconds.With(result).Observe(time.TotalSeconds);

    public Histogram ExtensionPoint(string point, string status, string profile) => _extensionPointSeconds.With(point, status, profile);

    public Histogram Plugin(string plugin, string point, string status) => _pluginSeconds.With(plugin, point, status);

    public Counter Evaluations(string plugin, string point, string profile) => _evaluations.With(plugin, point, profile);

    public void Write(StringBuilder text)
    {
        foreach (var family in _families)
            family.Write(text);
    }

    private static IEnumerable<(string[], double)> Pending(QueueCounts counts) =>
    [
        (["active"], counts.Active),
        (["backoff"], counts.Backoff),
        (["gated"], counts.Gated),
        (["unschedulable"], counts.Unschedulable),
    ];

    private static IEnumerable<(string[], double)> Sizes((int Nodes, int Pods, int Assumed) sizes) =>
        [(["assumed_pods"], sizes.Assumed), (["nodes"], sizes.Nodes), (["pods"], sizes.Pods)];
}
