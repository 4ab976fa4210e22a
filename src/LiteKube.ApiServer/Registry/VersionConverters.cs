using System.Text.Json.Nodes;
using LiteKube.Apis;

namespace LiteKube.ApiServer.Registry;

/// <summary>The kinds that are served in a version other than the stored one.</summary>
internal static class VersionConverters
{
    public static IVersionConverter Between(GroupVersionKind stored, GroupVersionKind served) => (stored, served) switch
    {
        ({ Group: "", Kind: "Event" }, { Group: "events.k8s.io" }) => new RenamingConverter(stored, served, EventFields),
        ({ Group: "autoscaling", Version: "v2" }, { Version: "v1" }) => new AutoscalerV1Converter(stored, served),
        _ => new RenamingConverter(stored, served, []),
    };

    private static readonly (string Stored, string Served)[] EventFields =
    [
        ("involvedObject", "regarding"),
        ("message", "note"),
        ("reportingComponent", "reportingController"),
        ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
    ];
}

/// <summary>Versions that differ in apiVersion and in the names of top-level fields only.</summary>
internal sealed class RenamingConverter(GroupVersionKind stored, GroupVersionKind served, (string Stored, string Served)[] fields) : IVersionConverter
{
    public JsonObject FromStored(JsonObject value) => Convert(value, served, static (f, name) => f.Stored == name ? f.Served : null);

    public JsonObject ToStored(JsonObject value) => Convert(value, stored, static (f, name) => f.Served == name ? f.Stored : null);

    private JsonObject Convert(JsonObject value, GroupVersionKind target, Func<(string Stored, string Served), string, string?> rename)
    {
        var result = new JsonObject { ["kind"] = target.Kind, ["apiVersion"] = target.ApiVersion };
        foreach (var (name, node) in value)
        {
            if (name is "kind" or "apiVersion") continue;
            var to = name;
            foreach (var field in fields)
            {
                if (rename(field, name) is { } renamed) to = renamed;
            }
            result[to] = node?.DeepClone();
        }
        return result;
    }
}

/// <summary>HorizontalPodAutoscaler: v1 knows one metric, CPU utilization, and keeps the others of v2 in an annotation (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/).</summary>
internal sealed class AutoscalerV1Converter(GroupVersionKind stored, GroupVersionKind served) : IVersionConverter
{
    private const string MetricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";
    private const string BehaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior";
    private const string ConditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";
    private const string CurrentMetricsAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics";

    public JsonObject FromStored(JsonObject value)
    {
        var result = Retype(value, served);
        if (result["spec"] is JsonObject spec)
        {
            if (Take(spec, "metrics") is JsonArray metrics)
            {
                if (TakeCpu(metrics, "target") is { } target) spec["targetCPUUtilizationPercentage"] = target;
                Annotate(result, MetricsAnnotation, metrics);
            }
            Annotate(result, BehaviorAnnotation, Take(spec, "behavior"));
        }
        if (result["status"] is JsonObject status)
        {
            if (Take(status, "currentMetrics") is JsonArray current)
            {
                if (TakeCpu(current, "current") is { } utilization) status["currentCPUUtilizationPercentage"] = utilization;
                Annotate(result, CurrentMetricsAnnotation, current);
            }
            Annotate(result, ConditionsAnnotation, Take(status, "conditions"));
        }
        return result;
    }

    public JsonObject ToStored(JsonObject value)
    {
        var result = Retype(value, stored);
        if (result["spec"] is JsonObject spec)
        {
            var metrics = TakeAnnotation(result, MetricsAnnotation) as JsonArray ?? [];
            if (Take(spec, "targetCPUUtilizationPercentage") is { } target) metrics.Insert(0, CpuMetric("target", target, "Utilization"));
            if (metrics.Count > 0) spec["metrics"] = metrics;
            if (TakeAnnotation(result, BehaviorAnnotation) is { } behavior) spec["behavior"] = behavior;
        }
        if (result["status"] is JsonObject status)
        {
            var current = TakeAnnotation(result, CurrentMetricsAnnotation) as JsonArray ?? [];
            if (Take(status, "currentCPUUtilizationPercentage") is { } utilization) current.Insert(0, CpuMetric("current", utilization, null));
            if (current.Count > 0) status["currentMetrics"] = current;
            if (TakeAnnotation(result, ConditionsAnnotation) is { } conditions) status["conditions"] = conditions;
        }
        return result;
    }

    private static JsonObject Retype(JsonObject value, GroupVersionKind target)
    {
        var result = (JsonObject)value.DeepClone();
        result["apiVersion"] = target.ApiVersion;
        return result;
    }

    private static JsonObject CpuMetric(string field, JsonNode utilization, string? type)
    {
        var amount = new JsonObject();
        if (type is not null) amount["type"] = type;
        amount["averageUtilization"] = utilization;
        return new() { ["type"] = "Resource", ["resource"] = new JsonObject { ["name"] = "cpu", [field] = amount } };
    }

    private static JsonNode? TakeCpu(JsonArray metrics, string field)
    {
        for (var i = 0; i < metrics.Count; i++)
        {
            if (metrics[i] is not JsonObject metric || metric.Text("type") != "Resource" || metric["resource"] is not JsonObject resource) continue;
            if (resource.Text("name") != "cpu" || resource[field] is not JsonObject amount || amount["averageUtilization"] is not { } utilization) continue;
            metrics.RemoveAt(i);
            return utilization.DeepClone();
        }
        return null;
    }

    private static JsonNode? Take(JsonObject value, string field)
    {
        value.Remove(field, out var node);
        return node;
    }

    private static void Annotate(JsonObject value, string key, JsonNode? content)
    {
        if (content is null or JsonArray { Count: 0 }) return;
        var metadata = value.Metadata();
        if (metadata["annotations"] is not JsonObject annotations) metadata["annotations"] = annotations = [];
        annotations[key] = content.ToJsonString();
    }

    private static JsonNode? TakeAnnotation(JsonObject value, string key)
    {
        if (value["metadata"]?["annotations"] is not JsonObject annotations || annotations.Text(key) is not { Length: > 0 } text) return null;
        annotations.Remove(key);
        try
        {
            return JsonNode.Parse(text);
        }
        catch (System.Text.Json.JsonException)
        {
            throw ApiException.BadRequest($"the annotation {key} does not hold JSON");
        }
    }
}
