using System.Globalization;
using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>Columns of what runs pods, beside the most common kinds.</summary>
internal static class WorkloadColumns
{
    public static readonly Dictionary<GroupResource, TableColumn[]> ByResource = new()
    {
        [new("", "podtemplates")] =
        [
            Name, Column("Containers", o => Containers(o["template"], "name")), Column("Images", o => Containers(o["template"], "image")), Column("Pod Labels", o => Or(Pairs(o["template"]?["metadata"]?["labels"]))),
        ],
        [new("", "replicationcontrollers")] =
        [
            Name, Count("Desired", "spec", "replicas"), Count("Current", "status", "replicas"), Count("Ready", "status", "readyReplicas"), Age,
            Wide("Containers", o => Containers(o["spec"]?["template"], "name")), Wide("Images", o => Containers(o["spec"]?["template"], "image")), Wide("Selector", o => Or(Pairs(o["spec"]?["selector"]))),
        ],
        [new("apps", "daemonsets")] =
        [
            Name, Count("Desired", "status", "desiredNumberScheduled"), Count("Current", "status", "currentNumberScheduled"), Count("Ready", "status", "numberReady"),
            Count("Up-to-date", "status", "updatedNumberScheduled"), Count("Available", "status", "numberAvailable"), Column("Node Selector", o => Or(Pairs(o["spec"]?["template"]?["spec"]?["nodeSelector"]))), Age,
            .. Template(o => o["spec"]),
        ],
        [new("apps", "controllerrevisions")] =
        [
            Name, Column("Controller", Controller), new("Revision", "string", 0, (o, _) => o["revision"]?.DeepClone() ?? 0), Age,
        ],
        [new("batch", "jobs")] = [Name, Column("Status", JobStatus), Column("Completions", Completions), new("Duration", "string", 0, (o, now) => JobDuration(o, now)), Age, .. Template(o => o["spec"])],
        [new("batch", "cronjobs")] =
        [
            Name, Column("Schedule", o => Text(o, "spec", "schedule")), Column("Timezone", o => Or(Text(o, "spec", "timeZone"))),
            new("Suspend", "boolean", 0, (o, _) => o["spec"]?["suspend"] is JsonValue suspend ? suspend.GetValue<bool>() ? "True" : "False" : "<unset>"),
            new("Active", "integer", 0, (o, _) => (o["status"]?["active"] as JsonArray)?.Count ?? 0),
            new("Last Schedule", "string", 0, (o, now) => Text(o, "status", "lastScheduleTime") is { Length: > 0 } last ? Ages.Since(last, now) : "<none>"), Age,
            .. Template(o => o["spec"]?["jobTemplate"]?["spec"]),
        ],
        [new("autoscaling", "horizontalpodautoscalers")] =
        [
            Name, Column("Reference", o => $"{Text(o, "spec", "scaleTargetRef", "kind")}/{Text(o, "spec", "scaleTargetRef", "name")}"), Column("Targets", MetricCells.Targets),
            Column("MinPods", o => Unset(Text(o, "spec", "minReplicas"))), Amount("MaxPods", "spec", "maxReplicas"), Amount("Replicas", "status", "currentReplicas"), Age,
        ],
        // A Scale is no resource of its own: this is what the scale of any object shows.
        [new("autoscaling", "scales")] = [Name, Count("Desired", "spec", "replicas"), Count("Available", "status", "replicas"), Age],
        [new("policy", "poddisruptionbudgets")] =
        [
            Name, Column("Min Available", o => Text(o, "spec", "minAvailable") is { Length: > 0 } least ? least : "N/A"), Column("Max Unavailable", o => Text(o, "spec", "maxUnavailable") is { Length: > 0 } most ? most : "N/A"),
            Count("Allowed Disruptions", "status", "disruptionsAllowed"), Age,
        ],
    };

    private static string Containers(JsonNode? template, string field) => string.Join(',', Items(template?["spec"]?["containers"]).Select(c => Text(c, field)));

    private static TableColumn[] Template(Func<JsonObject, JsonNode?> spec) =>
    [
        Wide("Containers", o => Containers(spec(o)?["template"], "name")), Wide("Images", o => Containers(spec(o)?["template"], "image")), Wide("Selector", o => SelectorCells.Format(spec(o)?["selector"])),
    ];

    private static string Controller(JsonObject revision)
    {
        var owner = Items(revision["metadata"]?["ownerReferences"]).FirstOrDefault(o => Text(o, "controller") == "true");
        if (owner is null)
            return "<none>";
        var group = GroupVersion.Parse(Text(owner, "apiVersion")).Group;
        var kind = Text(owner, "kind").ToLowerInvariant();
        return $"{(group.Length == 0 ? kind : $"{kind}.{group}")}/{Text(owner, "name")}";
    }

    private static string JobStatus(JsonObject job)
    {
        if (Has("Complete"))
            return "Complete";
        if (Has("Failed"))
            return "Failed";
        if (Text(job, "metadata", "deletionTimestamp").Length > 0)
            return "Terminating";
        return Has("Suspended") ? "Suspended" : Has("FailureTarget") ? "FailureTarget" : "Running";

        bool Has(string type) => Items(job["status"]?["conditions"]).Any(c => Text(c, "type") == type && Text(c, "status") == "True");
    }

    private static string Completions(JsonObject job)
    {
        var succeeded = Number(job, "status", "succeeded");
        if (Text(job, "spec", "completions") is { Length: > 0 } wanted)
            return $"{succeeded}/{wanted}";
        return Number(job, "spec", "parallelism") is > 1 and var parallelism ? $"{succeeded}/1 of {parallelism}" : $"{succeeded}/1";
    }

    private static string JobDuration(JsonObject job, DateTimeOffset now)
    {
        if (Text(job, "status", "startTime") is not { Length: > 0 } start)
            return "";
        var end = DateTimeOffset.TryParse(Text(job, "status", "completionTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var completed) ? completed : now;
        return Ages.Since(start, end);
    }
}
