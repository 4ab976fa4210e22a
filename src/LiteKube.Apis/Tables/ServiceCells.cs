using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

internal static class ServiceCells
{
    public static string ClusterIp(JsonObject service) => Or((service["spec"]?["clusterIPs"] as JsonArray)?.Select(a => Text(a)).FirstOrDefault() ?? Text(service, "spec", "clusterIP"));

    public static string ExternalIp(JsonObject service)
    {
        var external = (service["spec"]?["externalIPs"] as JsonArray)?.Select(a => Text(a)) ?? [];
        switch (Text(service, "spec", "type"))
        {
            case "ClusterIP" or "NodePort":
                return Or(string.Join(',', external));
            case "LoadBalancer":
                var balanced = Items(service["status"]?["loadBalancer"]?["ingress"]).Select(i => Text(i, "ip") is { Length: > 0 } ip ? ip : Text(i, "hostname"));
                var all = string.Join(',', balanced.Where(a => a.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Concat(external));
                return all.Length == 0 ? "<pending>" : all;
            case "ExternalName":
                return Text(service, "spec", "externalName");
            default:
                return "<unknown>";
        }
    }

    public static string Ports(JsonObject service) =>
        Or(string.Join(',', Items(service["spec"]?["ports"]).Select(p => Number(p, "nodePort") is > 0 and var node ? $"{Text(p, "port")}:{node}/{Text(p, "protocol")}" : $"{Text(p, "port")}/{Text(p, "protocol")}")));

    public static string Endpoints(JsonObject endpoints)
    {
        var all = Items(endpoints["subsets"]).SelectMany(s => Size(s["ports"]) == 0
            ? Items(s["addresses"]).Select(a => Text(a, "ip"))
            : Items(s["ports"]).SelectMany(p => Items(s["addresses"]).Select(a => HostPort(Text(a, "ip"), Text(p, "port")))));
        return Limited([.. all], 3);
    }

    public static string SlicePorts(JsonObject slice) =>
        Items(slice["ports"]).Select(p => Text(p, "port") is { Length: > 0 } number ? number : p["name"] is { } name ? Text(name) : "*").ToList() is { Count: > 0 } ports ? Limited(ports, 3) : "<unset>";

    public static string SliceEndpoints(JsonObject slice) =>
        Items(slice["endpoints"]).SelectMany(e => (e["addresses"] as JsonArray ?? []).Select(a => Text(a))).ToList() is { Count: > 0 } addresses ? Limited(addresses, 3) : "<unset>";

    private static string HostPort(string address, string port) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";

    private static string Limited(List<string> values, int most) =>
        values.Count == 0 ? "<none>" : values.Count <= most ? string.Join(',', values) : $"{string.Join(',', values.Take(most))} + {values.Count - most} more...";
}
