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

    public static string Roles(JsonObject node)
    {
        var roles = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in node["metadata"]?["labels"] as JsonObject ?? [])
        {
            var role = key.StartsWith(RolePrefix, StringComparison.Ordinal) ? key[RolePrefix.Length..] : key == "kubernetes.io/role" ? Text(value) : "";
            if (role.Length > 0)
                roles.Add(role);
        }
        return Or(string.Join(',', roles));
    }

    public static string Info(JsonObject node, string field) => Text(node, "status", "nodeInfo", field) is { Length: > 0 } text ? text : "<unknown>";

    public static string Address(JsonObject node, string type) =>
        Or(Items(node["status"]?["addresses"]).Where(a => Text(a, "type") == type).Select(a => Text(a, "address")).FirstOrDefault(""));
}
