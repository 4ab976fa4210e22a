using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Tables;

/// <param name="Priority">1: shown by -o wide only.</param>
internal sealed record TableColumn(string Name, string Type, int Priority, Func<JsonObject, DateTimeOffset, JsonNode?> Cell)
{
    /// <summary>"name": what kubectl puts before the name of a resource, and shows with -o name.</summary>
    public string Format { get; init; } = "";
}

/// <summary>The columns of each kind; a kind that is not named here shows its name and when it was created.</summary>
internal static class TableColumns
{
    public static readonly TableColumn Name = NameOf(o => Text(o, "metadata", "name"));
    public static readonly TableColumn Age = new("Age", "string", 0, (o, now) => Ages.Since(Text(o, "metadata", "creationTimestamp"), now));

    private static readonly Dictionary<GroupResource, TableColumn[]> ByResource = new()
    {
        [new("", "pods")] =
        [
            Name, Column("Ready", PodCells.Ready), Column("Status", PodCells.Status), new("Restarts", "string", 0, PodCells.Restarts), Age,
            Wide("IP", PodCells.Address), Wide("Node", o => Or(Text(o, "spec", "nodeName"))),
            Wide("Nominated Node", o => Or(Text(o, "status", "nominatedNodeName"))), Wide("Readiness Gates", PodCells.ReadinessGates),
        ],
        [new("", "nodes")] =
        [
            Name, Column("Status", NodeCells.Status), Column("Roles", NodeCells.Roles), Age, Column("Version", o => Text(o, "status", "nodeInfo", "kubeletVersion")),
            Wide("Internal-IP", o => NodeCells.Address(o, "InternalIP")), Wide("External-IP", o => NodeCells.Address(o, "ExternalIP")),
            Wide("OS-Image", o => NodeCells.Info(o, "osImage")), Wide("Kernel-Version", o => NodeCells.Info(o, "kernelVersion")), Wide("Container-Runtime", o => NodeCells.Info(o, "containerRuntimeVersion")),
        ],
        [new("apps", "deployments")] =
        [
            Name, Column("Ready", o => $"{Number(o, "status", "readyReplicas")}/{Number(o, "spec", "replicas")}"), Amount("Up-to-date", "status", "updatedReplicas"), Amount("Available", "status", "availableReplicas"), Age,
            .. TemplateColumns(),
        ],
        [new("apps", "replicasets")] = [Name, Count("Desired", "spec", "replicas"), Count("Current", "status", "replicas"), Count("Ready", "status", "readyReplicas"), Age, .. TemplateColumns()],
        [new("apps", "statefulsets")] = [Name, Column("Ready", o => $"{Number(o, "status", "readyReplicas")}/{Number(o, "spec", "replicas")}"), Age, .. TemplateColumns()[..2]],
        [new("", "services")] =
        [
            Name, Column("Type", o => Text(o, "spec", "type")), Column("Cluster-IP", ServiceCells.ClusterIp), Column("External-IP", ServiceCells.ExternalIp), Column("Port(s)", ServiceCells.Ports), Age,
            Wide("Selector", o => Or(Pairs(o["spec"]?["selector"]))),
        ],
        [new("", "namespaces")] = [Name, Column("Status", o => Text(o, "status", "phase")), Age],
        [new("", "configmaps")] = [Name, new("Data", "string", 0, (o, _) => Size(o["data"]) + Size(o["binaryData"])), Age],
        [new("", "secrets")] = [Name, Column("Type", o => Text(o, "type")), new("Data", "string", 0, (o, _) => Size(o["data"])), Age],
        [new("", "serviceaccounts")] = [Name, new("Secrets", "string", 0, (o, _) => Size(o["secrets"])), Age],
        [new("", "endpoints")] = [Name, Column("Endpoints", ServiceCells.Endpoints), Age],
        [new("discovery.k8s.io", "endpointslices")] = [Name, Column("AddressType", o => Text(o, "addressType")), Column("Ports", ServiceCells.SlicePorts), Column("Endpoints", ServiceCells.SliceEndpoints), Age],
        [new("", "events")] = EventColumns(),
        [new("events.k8s.io", "events")] = EventColumns(),
        [new("coordination.k8s.io", "leases")] = [Name, Column("Holder", o => Text(o, "spec", "holderIdentity")), Age],
        [new("storage.k8s.io", "storageclasses")] =
        [
            NameOf(o => Text(o, "metadata", "name") + (IsDefault(o) ? " (default)" : "")), Column("Provisioner", o => Text(o, "provisioner")),
            Column("ReclaimPolicy", o => Text(o, "reclaimPolicy") is { Length: > 0 } policy ? policy : "Delete"), Column("VolumeBindingMode", o => Text(o, "volumeBindingMode") is { Length: > 0 } mode ? mode : "Immediate"),
            new("AllowVolumeExpansion", "string", 0, (o, _) => o["allowVolumeExpansion"]?.DeepClone() ?? false), Age,
        ],
    };

    private static readonly TableColumn[] Others = [Name, new("Created At", "date", 0, (o, _) => o["metadata"]?["creationTimestamp"]?.DeepClone())];

    public static TableColumn[] Of(GroupResource resource) => ByResource.GetValueOrDefault(resource) ?? WorkloadColumns.ByResource.GetValueOrDefault(resource) ?? PlatformColumns.ByResource.GetValueOrDefault(resource) ?? DeviceColumns.ByResource.GetValueOrDefault(resource, Others);

    public static string Text(JsonNode? value, params ReadOnlySpan<string> path)
    {
        foreach (var step in path)
            value = (value as JsonObject)?[step];
        return value switch { null => "", JsonValue v when v.GetValueKind() == JsonValueKind.String => v.GetValue<string>(), _ => value.ToJsonString() };
    }

    public static int Number(JsonNode? value, params ReadOnlySpan<string> path) => int.TryParse(Text(value, path), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;

    public static IEnumerable<JsonObject> Items(JsonNode? list) => (list as JsonArray)?.OfType<JsonObject>() ?? [];

    public static string Or(string text) => text.Length == 0 ? "<none>" : text;

    public static string Unset(string text) => text.Length == 0 ? "<unset>" : text;

    public static string Pairs(JsonNode? map) => map is JsonObject pairs ? string.Join(',', pairs.Select(p => $"{p.Key}={Text(p.Value)}")) : "";

    public static int Size(JsonNode? value) => value switch { JsonObject map => map.Count, JsonArray list => list.Count, _ => 0 };

    public static TableColumn Column(string name, Func<JsonObject, string> cell) => new(name, "string", 0, (o, _) => cell(o));

    public static TableColumn Wide(string name, Func<JsonObject, string> cell) => new(name, "string", 1, (o, _) => cell(o));

    /// <summary>A number in a column that is declared as text.</summary>
    public static TableColumn Amount(string name, params string[] path) => new(name, "string", 0, (o, _) => Number(o, path));

    public static TableColumn NameOf(Func<JsonObject, string> cell, int priority = 0) => new("Name", "string", priority, (o, _) => cell(o)) { Format = "name" };

    public static TableColumn Count(string name, params string[] path) => new(name, "integer", 0, (o, _) => Number(o, path));

    private static TableColumn[] TemplateColumns() =>
    [
        Wide("Containers", o => string.Join(',', Items(o["spec"]?["template"]?["spec"]?["containers"]).Select(c => Text(c, "name")))),
        Wide("Images", o => string.Join(',', Items(o["spec"]?["template"]?["spec"]?["containers"]).Select(c => Text(c, "image")))),
        Wide("Selector", o => SelectorCells.Format(o["spec"]?["selector"])),
    ];

    private static bool IsDefault(JsonObject storageClass) =>
        Text(storageClass, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true" || Text(storageClass, "metadata", "annotations", "storageclass.beta.kubernetes.io/is-default-class") == "true";

    private static TableColumn[] EventColumns() =>
    [
        new("Last Seen", "string", 0, EventCells.LastSeen), Column("Type", o => Text(o, "type")), Column("Reason", o => Text(o, "reason")), Column("Object", EventCells.About),
        Wide("Subobject", o => Text(o["involvedObject"] ?? o["regarding"], "fieldPath")), Wide("Source", EventCells.Source),
        Column("Message", o => (Text(o, "message") is { Length: > 0 } message ? message : Text(o, "note")).Trim()),
        new("First Seen", "string", 1, EventCells.FirstSeen), new("Count", "string", 1, (o, _) => EventCells.Count(o)), NameOf(o => Text(o, "metadata", "name"), priority: 1),
    ];
}
