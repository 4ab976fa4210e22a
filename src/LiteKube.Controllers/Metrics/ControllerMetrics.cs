using System.Text;
using LiteKube.Client.Metrics;
using LiteKube.Client.Queues;

namespace LiteKube.Controllers.Metrics;

/// <summary>kube-controller-manager's metrics under its names (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
internal sealed class ControllerMetrics
{
    private readonly List<MetricFamily> _families = [];

    public ControllerMetrics()
    {
        Jobs = new JobMetrics(this);
        EndpointSlices = new EndpointSliceMetrics(this);
        CronJobCreationSkew = Histogram("cronjob_controller_cronjob_job_creation_skew_duration_seconds",
            "Time between when a cronjob is scheduled to be run, and when the corresponding job is created", HistogramFamily.Exponential(1, 2, 10)).With();
        JobDeletionSeconds = Histogram("ttl_after_finished_controller_job_deletion_duration_seconds",
            "The time it took to delete the job since it became eligible for deletion", HistogramFamily.Exponential(0.1, 2, 14)).With();
        GarbageCollectorSyncErrors = Counter("garbagecollector_controller_resources_sync_error_total", "Number of garbage collector resources sync errors").With();
        NodeHealthSeconds = Histogram("node_collector_update_node_health_duration_seconds",
            "Duration in seconds for NodeController to update the health of a single node.", HistogramFamily.Exponential(0.001, 4, 8)).With();
        NodeEvictions = Counter("node_collector_evictions_total", "Number of Node evictions that happened since current instance of NodeController started.", "zone");
        TaintDeletions = Counter("taint_eviction_controller_pod_deletions_total", "Total number of Pods deleted by TaintEvictionController since its start.").With();
        TaintDeletionSeconds = Histogram("taint_eviction_controller_pod_deletion_duration_seconds",
            "Latency, in seconds, between the time when a taint effect has been activated for the Pod and its deletion via TaintEvictionController.", [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240]).With();
        ForcedDeletions = Counter("pod_gc_collector_force_delete_pods_total", "Number of pods that are being forcefully deleted since the Pod GC Controller started.", "namespace", "reason");
        ForcedDeletionErrors = Counter("pod_gc_collector_force_delete_pod_errors_total", "Number of errors encountered when forcefully deleting the pods since the Pod GC Controller started.", "namespace", "reason");
    }

    public JobMetrics Jobs { get; }
    public EndpointSliceMetrics EndpointSlices { get; }
    public Histogram CronJobCreationSkew { get; }
    public Histogram JobDeletionSeconds { get; }
    public Counter GarbageCollectorSyncErrors { get; }
    public Histogram NodeHealthSeconds { get; }
    public CounterFamily NodeEvictions { get; }
    public Counter TaintDeletions { get; }
    public Histogram TaintDeletionSeconds { get; }
    public CounterFamily ForcedDeletions { get; }
    public CounterFamily ForcedDeletionErrors { get; }

    public CounterFamily Counter(string name, string help, params string[] labels) => Add(new CounterFamily(name, help, labels));

    public HistogramFamily Histogram(string name, string help, double[] bounds, params string[] labels) => Add(new HistogramFamily(name, help, bounds, labels));

    /// <param name="read">Asked when the metrics are read.</param>
    public void Gauge(string name, string help, Func<IEnumerable<(string[] Labels, double Value)>> read, params string[] labels) => Add(new GaugeFamily(name, help, read, labels));

    /// <summary>In Prometheus' text form, with those of all work queues.</summary>
    public void Write(StringBuilder text)
    {
        foreach (var family in _families)
            family.Write(text);
        WorkQueueMetrics.Write(text);
    }

    private T Add<T>(T family) where T : MetricFamily
    {
        _families.Add(family);
        return family;
    }
}
