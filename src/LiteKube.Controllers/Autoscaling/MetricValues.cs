namespace LiteKube.Controllers.Autoscaling;

/// <param name="Window">Over which it was measured.</param>
/// <param name="Value">In thousandths.</param>
internal readonly record struct PodMetric(DateTimeOffset Timestamp, TimeSpan Window, long Value);

/// <summary>A metric cannot be had, or nothing can be said from it. The message is what the HorizontalPodAutoscaler's condition says.</summary>
internal sealed class MetricException(string message) : Exception(message);

/// <param name="Replicas">As many as the metric asks for.</param>
/// <param name="Value">The metric as it stands, per pod where the target is per pod; in thousandths.</param>
/// <param name="Utilization">In percent of the pods' requests; null for other targets.</param>
internal readonly record struct ReplicaProposal(int Replicas, long Value, int? Utilization = null);

/// <summary>By how much a metric may differ from its target before anything is done (KEP-4951).</summary>
internal readonly record struct Tolerances(double Down, double Up)
{
    public static readonly Tolerances Default = new(0.1, 0.1);

    public bool Include(double ratio) => ratio >= 1.0 - Down && ratio <= 1.0 + Up;
}
