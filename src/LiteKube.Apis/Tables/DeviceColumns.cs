using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>Columns of devices (resource.k8s.io), pod certificates and storage migration.</summary>
internal static class DeviceColumns
{
    private static readonly TableColumn[] NameAndAge = [Name, Age];

    public static readonly Dictionary<GroupResource, TableColumn[]> ByResource = new()
    {
        [new("resource.k8s.io", "deviceclasses")] = NameAndAge,
        [new("resource.k8s.io", "devicetaintrules")] = NameAndAge,
        [new("resource.k8s.io", "resourceclaimtemplates")] = NameAndAge,
        [new("resource.k8s.io", "resourceclaims")] = [Name, Column("State", ClaimState), Age],
        [new("resource.k8s.io", "resourceslices")] =
        [
            Name, Column("Node", o => Text(o, "spec", "nodeName")), Column("Driver", o => Text(o, "spec", "driver")), Column("Pool", o => Text(o, "spec", "pool", "name")), Age,
        ],
        [new("certificates.k8s.io", "podcertificaterequests")] =
        [
            Name, Column("PodName", o => Text(o, "spec", "podName")), Column("ServiceAccountName", o => Text(o, "spec", "serviceAccountName")), Column("NodeName", o => Text(o, "spec", "nodeName")),
            Column("SignerName", o => Text(o, "spec", "signerName")), Column("State", RequestState),
        ],
        [new("storagemigration.k8s.io", "storageversionmigrations")] = [Name with { Format = "" }, Column("Resource", o => $"{Text(o, "spec", "resource", "resource")}.{Text(o, "spec", "resource", "group")}".TrimEnd('.'))],
    };

    private static string ClaimState(JsonObject claim)
    {
        var isDeleted = Text(claim, "metadata", "deletionTimestamp").Length > 0;
        var isAllocated = claim["status"]?["allocation"] is not null;
        var states = new List<string>();
        if (isDeleted)
            states.Add("deleted");
        if (isAllocated)
            states.Add("allocated");
        else if (!isDeleted)
            states.Add("pending");
        if (isAllocated && Size(claim["status"]?["reservedFor"]) > 0)
            states.Add("reserved");
        return string.Join(',', states);
    }

    private static string RequestState(JsonObject request) =>
        Items(request["status"]?["conditions"]).Select(c => Text(c, "type")).LastOrDefault(t => t is "Issued" or "Denied" or "Failed") ?? "Pending";
}
