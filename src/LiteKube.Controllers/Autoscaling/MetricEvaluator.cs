using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Apis.Values;

namespace LiteKube.Controllers.Autoscaling;

/// <param name="Replicas">Null when the metric could not be had.</param>
/// <param name="Name">As events name it.</param>
/// <param name="Reason">Why there is nothing, as the condition's reason.</param>
/// <param name="Message">The same in words.</param>
/// <param name="Prefix">What goes before the message where several metrics are told of.</param>
internal sealed record MetricResult(int? Replicas, string Name, V2MetricStatus Status, string? Reason = null, string? Message = null, string? Prefix = null);

/// <summary>Reads each metric of a spec and asks how many replicas it wants.</summary>
internal sealed class MetricEvaluator(MetricsReader reader)
{
    public async Task<MetricResult> EvaluateAsync(V2MetricSpec metric, string ns, ScaleTarget target, LabelSelector selector, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        try
        {
            return metric.Type switch
            {
                "Resource" => await ResourceAsync(metric.Resource, ns, target, selector, calculator, cancellationToken),
                "ContainerResource" => await ContainerAsync(metric.ContainerResource, ns, target, selector, calculator, cancellationToken),
                "Pods" => await PodsAsync(metric.Pods, ns, target, selector, calculator, cancellationToken),
                "Object" => await ObjectAsync(metric.ObjectProperty, ns, target, calculator, cancellationToken),
                "External" => await ExternalAsync(metric.External, ns, target, calculator, cancellationToken),
                _ => Failed("InvalidMetricSourceType", "", $"unknown metric source type \"{metric.Type}\""),
            };
        }
        catch (MetricException e)
        {
            return metric.Type switch
            {
                "Resource" => Failed("FailedGetResourceMetric", $"failed to get {metric.Resource.Name} resource metric value: ", $"failed to get {metric.Resource.Name} {(metric.Resource.Target.AverageValue is null ? "utilization" : "usage")}: {e.Message}"),
                "ContainerResource" => Failed("FailedGetContainerResourceMetric", $"failed to get {metric.ContainerResource.Container} container metric value: ",
                    $"failed to get {metric.ContainerResource.Name} {(metric.ContainerResource.Target.AverageValue is null ? "utilization" : "usage")}: {e.Message}"),
                "Pods" => Failed("FailedGetPodsMetric", "failed to get pods metric value: ", e.Message),
                "Object" => Failed("FailedGetObjectMetric", "failed to get object metric value: ", e.Message),
                _ => Failed("FailedGetExternalMetric", $"failed to get {metric.External.Metric.Name} external metric value: ", e.Message),
            };
        }
    }

    private async Task<MetricResult> ResourceAsync(V2ResourceMetricSource source, string ns, ScaleTarget target, LabelSelector selector, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        var (proposal, name) = await ResourceAsync(source.Name, null, source.Target, ns, target, selector, calculator, cancellationToken);
        return new MetricResult(proposal.Replicas, name, new V2MetricStatus { Type = "Resource", Resource = new V2ResourceMetricStatus { Name = source.Name, Current = Average(proposal) } });
    }

    private async Task<MetricResult> ContainerAsync(V2ContainerResourceMetricSource source, string ns, ScaleTarget target, LabelSelector selector, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        var (proposal, name) = await ResourceAsync(source.Name, source.Container, source.Target, ns, target, selector, calculator, cancellationToken);
        return new MetricResult(proposal.Replicas, name, new V2MetricStatus
        {
            Type = "ContainerResource",
            ContainerResource = new V2ContainerResourceMetricStatus { Name = source.Name, Container = source.Container, Current = Average(proposal) },
        });
    }

    private async Task<(ReplicaProposal, string)> ResourceAsync(string resource, string? container, V2MetricTarget wanted, string ns, ScaleTarget target, LabelSelector selector, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        if (wanted.AverageValue is null && wanted.AverageUtilization is null)
            throw new MetricException("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set");
        Dictionary<string, PodMetric> metrics;
        try
        {
            metrics = await reader.PodResourcesAsync(ns, selector, resource, container, cancellationToken);
        }
        catch (MetricException e)
        {
            throw new MetricException($"unable to get metrics for resource {resource}: {e.Message}");
        }
        if (wanted.AverageValue is { } value)
            return (calculator.ByAverage(target.SpecReplicas, Milli(value), metrics, resource), $"{resource} resource");
        var name = container is null ? $"{resource} resource utilization (percentage of request)" : $"{resource} container resource utilization (percentage of request)";
        return (calculator.ByUtilization(target.SpecReplicas, wanted.AverageUtilization!.Value, metrics, resource, container), name);
    }

    private async Task<MetricResult> PodsAsync(V2PodsMetricSource source, string ns, ScaleTarget target, LabelSelector selector, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        Dictionary<string, PodMetric> metrics;
        try
        {
            metrics = await reader.PodsAsync(ns, selector, source.Metric, cancellationToken);
        }
        catch (MetricException e)
        {
            throw new MetricException($"unable to get metric {source.Metric.Name}: {e.Message}");
        }
        var proposal = calculator.ByAverage(target.SpecReplicas, Milli(source.Target.AverageValue), metrics, "");
        return new MetricResult(proposal.Replicas, $"pods metric {source.Metric.Name}", new V2MetricStatus { Type = "Pods", Pods = new V2PodsMetricStatus { Metric = source.Metric, Current = Average(proposal) } });
    }

    private async Task<MetricResult> ObjectAsync(V2ObjectMetricSource source, string ns, ScaleTarget target, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        var about = source.DescribedObject;
        long value;
        try
        {
            value = await reader.ObjectAsync(ns, about, source.Metric, cancellationToken);
        }
        catch (MetricException e)
        {
            throw new MetricException($"unable to get metric {source.Metric.Name}: {about.Kind} on {ns} {about.Name}/{e.Message}");
        }
        var perPod = source.Target.Type == "AverageValue" && source.Target.AverageValue is not null;
        if (!perPod && source.Target.Value is null)
            throw new MetricException("invalid object metric source: neither a value target nor an average value target was set");
        var proposal = perPod ? calculator.ByValuePerPod(target.StatusReplicas, Milli(source.Target.AverageValue!), value) : calculator.ByValue(target.SpecReplicas, Milli(source.Target.Value!), value);
        var current = perPod ? Average(proposal) : new V2MetricValueStatus { Value = Quantity(proposal.Value) };
        return new MetricResult(proposal.Replicas, $"{about.Kind} metric {source.Metric.Name}", new V2MetricStatus { Type = "Object", ObjectProperty = new V2ObjectMetricStatus { DescribedObject = about, Metric = source.Metric, Current = current } });
    }

    private async Task<MetricResult> ExternalAsync(V2ExternalMetricSource source, string ns, ScaleTarget target, ReplicaCalculator calculator, CancellationToken cancellationToken)
    {
        if (source.Target.AverageValue is null && source.Target.Value is null)
            throw new MetricException("invalid external metric source: neither a value target nor an average value target was set");
        long value;
        try
        {
            value = await reader.ExternalAsync(ns, source.Metric, cancellationToken);
        }
        catch (MetricException e)
        {
            throw new MetricException($"unable to get external metric {ns}/{source.Metric.Name}/{Selector(source.Metric)}: {e.Message}");
        }
        var proposal = source.Target.AverageValue is { } average
            ? calculator.ByValuePerPod(target.StatusReplicas, Milli(average), value)
            : calculator.ByValue(target.SpecReplicas, Milli(source.Target.Value!), value);
        var current = source.Target.AverageValue is null ? new V2MetricValueStatus { Value = Quantity(proposal.Value) } : Average(proposal);
        return new MetricResult(proposal.Replicas, $"external metric {source.Metric.Name}({Selector(source.Metric)})", new V2MetricStatus { Type = "External", External = new V2ExternalMetricStatus { Metric = source.Metric, Current = current } });
    }

    // The status of a metric that could not be had is an empty one: statuses stand in the order of the spec's metrics.
    private static MetricResult Failed(string reason, string prefix, string message) => new(null, "", new V2MetricStatus { Type = "" }, reason, message, prefix);

    private static V2MetricValueStatus Average(ReplicaProposal proposal) => new() { AverageValue = Quantity(proposal.Value), AverageUtilization = proposal.Utilization };

    private static ResourceQuantity Quantity(long milli) => new(Apis.Values.Quantity.FromMilli(milli).ToString());

    private static long Milli(ResourceQuantity value) => Apis.Values.Quantity.Parse(value.ToString()).ToMilli();

    private static string Selector(V2MetricIdentifier metric) => metric.Selector is null ? "nil" : LabelSelector.From(metric.Selector).ToString();
}
