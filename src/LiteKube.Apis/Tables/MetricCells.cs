using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>A HorizontalPodAutoscaler's metrics as "current/target", two of them at most.</summary>
internal static class MetricCells
{
    private const int Most = 2;
    private const string Unknown = "<unknown>";

    public static string Targets(JsonObject autoscaler)
    {
        // autoscaling/v1 knows the CPU alone.
        if (Text(autoscaler, "apiVersion") == "autoscaling/v1")
            return Text(autoscaler, "spec", "targetCPUUtilizationPercentage") is { Length: > 0 } wanted ? $"cpu: {Percent(Text(autoscaler, "status", "currentCPUUtilizationPercentage"))}/{wanted}%" : "<none>";

        var specs = Items(autoscaler["spec"]?["metrics"]).ToList();
        var current = Items(autoscaler["status"]?["currentMetrics"]).ToList();
        if (specs.Count == 0)
            return "<none>";
        var texts = specs.Take(Most).Select((spec, i) => Target(spec, i < current.Count ? current[i] : null));
        return string.Join(", ", texts) + (specs.Count > Most ? $" + {specs.Count - Most} more..." : "");
    }

    private static string Target(JsonObject spec, JsonObject? current)
    {
        var (field, isResource) = Text(spec, "type") switch
        {
            "External" => ("external", false),
            "Pods" => ("pods", false),
            "Object" => ("object", false),
            "Resource" => ("resource", true),
            "ContainerResource" => ("containerResource", true),
            _ => ("", false),
        };
        if (field.Length == 0)
            return "<unknown type>";
        var name = isResource ? $"{Text(spec, field, "name")}: " : "";
        if (Text(spec, field, "target", "averageValue") is { Length: > 0 } average)
            return $"{name}{Known(Text(current, field, "current", "averageValue"))}/{average}{(field is "external" or "object" ? " (avg)" : "")}";
        if (!isResource)
            return $"{Known(Text(current, field, "current", "value"))}/{Text(spec, field, "target", "value")}";
        var wanted = Text(spec, field, "target", "averageUtilization");
        return $"{name}{Percent(Text(current, field, "current", "averageUtilization"))}/{(wanted.Length > 0 ? wanted + "%" : "<auto>")}";
    }

    private static string Percent(string number) => number.Length == 0 ? Unknown : number + "%";

    private static string Known(string text) => text.Length == 0 ? Unknown : text;
}
