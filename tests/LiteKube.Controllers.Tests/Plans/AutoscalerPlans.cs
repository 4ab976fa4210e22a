using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Controllers.Autoscaling;

namespace LiteKube.Controllers.Tests.Plans;

internal static class AutoscalerPlans
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The target's size is the autoscaler's status.currentReplicas. PodMetrics hold what pods use of a resource or of a
    /// metric of their own, MetricValue what is measured of an object or outside, ScaleHistory what was recommended and done before.
    /// </summary>
    public static string Autoscaler(PlanCase given)
    {
        var autoscaler = given.One<V2HorizontalPodAutoscaler>("HorizontalPodAutoscaler");
        var current = autoscaler.Status.CurrentReplicas ?? 0;
        var calculator = new ReplicaCalculator(given.Pods.ToList(), HorizontalPodAutoscalerController.TolerancesOf(autoscaler.Spec.Behavior), PlanCase.Now);
        var text = new PlanText();
        var recommended = 0;
        foreach (var metric in autoscaler.Spec.Metrics ?? [])
        {
            ReplicaProposal proposal;
            try
            {
                proposal = Propose(given, calculator, metric, current);
            }
            catch (MetricException e)
            {
                return text.Line($"no proposal: {e.Message}").ToString();
            }
            text.Line($"{metric.Type} proposes {proposal.Replicas} at {proposal.Value}m{(proposal.Utilization is { } utilization ? $" or {utilization}%" : "")}");
            recommended = Math.Max(recommended, proposal.Replicas);
        }
        var decision = ScaleLimits.Apply(autoscaler.Spec, History(given), current, recommended, PlanCase.Now);
        text.Line($"scale from {current} to {decision.Replicas}");
        text.Line($"AbleToScale {decision.Able.Reason}: {decision.Able.Message}");
        return text.Line($"ScalingLimited={decision.Limited.IsLimited} {decision.Limited.Reason}: {decision.Limited.Message}").ToString();
    }

    private static ReplicaProposal Propose(PlanCase given, ReplicaCalculator calculator, V2MetricSpec metric, int current)
    {
        switch (metric.Type)
        {
            case "Resource":
                return OfPods(given, calculator, metric.Resource.Name, null, metric.Resource.Target, current);
            case "ContainerResource":
                return OfPods(given, calculator, metric.ContainerResource.Name, metric.ContainerResource.Container, metric.ContainerResource.Target, current);
            case "Pods":
                return calculator.ByAverage(current, Milli(metric.Pods.Target.AverageValue), Metrics(given, metric.Pods.Metric.Name, null), "");
            default:
                var target = metric.External?.Target ?? metric.ObjectProperty.Target;
                var value = given.Raw("MetricValue").Sum(v => Milli((string)v["value"]!));
                return target.AverageValue is { } average ? calculator.ByValuePerPod(current, Milli(average), value) : calculator.ByValue(current, Milli(target.Value), value);
        }
    }

    private static ReplicaProposal OfPods(PlanCase given, ReplicaCalculator calculator, string resource, string? container, V2MetricTarget target, int current)
    {
        var metrics = Metrics(given, resource, container);
        return target.AverageValue is { } average
            ? calculator.ByAverage(current, Milli(average), metrics, resource)
            : calculator.ByUtilization(current, target.AverageUtilization!.Value, metrics, resource, container);
    }

    private static Dictionary<string, PodMetric> Metrics(PlanCase given, string name, string? container) => given.Raw("PodMetrics").ToDictionary(
        m => (string)m["metadata"]!["name"]!,
        m => new PodMetric(
            m["timestamp"] is { } time ? DateTimeOffset.Parse((string)time!, CultureInfo.InvariantCulture) : PlanCase.Now,
            Window,
            m["containers"]!.AsArray().Where(c => container is null || (string)c!["name"]! == container).Sum(c => Milli((string)c!["usage"]![name]!))));

    private static ScaleHistory History(PlanCase given)
    {
        var history = new ScaleHistory();
        foreach (var document in given.Raw("ScaleHistory"))
        {
            foreach (var entry in document["recommended"]?.AsArray() ?? [])
                history.Recommend(Number(entry, "replicas"), At(entry));
            foreach (var entry in document["scaled"]?.AsArray() ?? [])
                history.Scaled(Number(entry, "from"), Number(entry, "to"), At(entry));
        }
        return history;
    }

    private static DateTimeOffset At(JsonNode? entry) => PlanCase.Now.AddSeconds(-Number(entry, "secondsAgo"));

    private static int Number(JsonNode? entry, string name) => int.Parse(entry![name]!.ToJsonString(), CultureInfo.InvariantCulture);

    private static long Milli(ResourceQuantity quantity) => Milli(quantity.ToString());

    private static long Milli(string quantity) => Quantity.Parse(quantity).ToMilli();
}
