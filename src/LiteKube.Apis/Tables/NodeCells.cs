using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

internal static class NodeCells
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static string Status(JsonObject node)
    {
        var ready = Items(node["status"]?["conditions"]).FirstOrDefault(c => Text(c, "type") == "Ready");
        var status = ready is null ? "Unknown" : Text(ready, "status") == "True" ? "Ready" : "NotReady";
        return Text(node, "spec", "unschedulable") == "true" ? status + ",SchedulingDisabled" : status;
    }

    public static string Roles(JsonObject node) =>
        Or(string.Join(',', (node["metadata"]?["labels"] as JsonObject ?? []).Where(l => l.Key.StartsWith(RolePrefix, StringComparison.Ordinal)).Select(l => l.Key[RolePrefix.Length..]).Order(StringComparer.Ordinal)));

    public static string Address(JsonObject node, string type) =>
        Or(Items(node["status"]?["addresses"]).Where(a => Text(a, "type") == type).Select(a => Text(a, "address")).FirstOrDefault(""));
}
