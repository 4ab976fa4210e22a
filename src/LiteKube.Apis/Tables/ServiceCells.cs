using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

internal static class ServiceCells
{
    public static string ExternalIp(JsonObject service)
    {
        var external = (service["spec"]?["externalIPs"] as JsonArray)?.Select(a => Text(a)) ?? [];
        var ingress = Items(service["status"]?["loadBalancer"]?["ingress"]).Select(i => Text(i, "ip") is { Length: > 0 } ip ? ip : Text(i, "hostname"));
        var all = string.Join(',', Text(service, "spec", "type") == "LoadBalancer" ? ingress.Concat(external) : external);
        return Text(service, "spec", "type") switch
        {
            "ExternalName" => Text(service, "spec", "externalName"),
            "LoadBalancer" when all.Length == 0 => "<pending>",
            _ => Or(all),
        };
    }

    public static string Ports(JsonObject service) =>
        Or(string.Join(',', Items(service["spec"]?["ports"]).Select(p => Number(p, "nodePort") is > 0 and var node ? $"{Text(p, "port")}:{node}/{Text(p, "protocol")}" : $"{Text(p, "port")}/{Text(p, "protocol")}")));

    public static string Endpoints(JsonObject endpoints)
    {
        var all = Items(endpoints["subsets"]).SelectMany(s => Items(s["addresses"]).SelectMany(a => Items(s["ports"]).Select(p => $"{Text(a, "ip")}:{Text(p, "port")}").DefaultIfEmpty(Text(a, "ip")))).ToList();
        return Limited(all, 3);
    }

    public static string SlicePorts(JsonObject slice) => Items(slice["ports"]).Select(p => Text(p, "port")).ToList() is { Count: > 0 } ports ? Limited(ports, 3) : "<unset>";

    public static string SliceEndpoints(JsonObject slice) =>
        Items(slice["endpoints"]).SelectMany(e => (e["addresses"] as JsonArray ?? []).Select(a => Text(a))).ToList() is { Count: > 0 } addresses ? Limited(addresses, 3) : "<unset>";

    private static string Limited(List<string> values, int most) =>
        values.Count == 0 ? "<none>" : values.Count <= most ? string.Join(',', values) : $"{string.Join(',', values.Take(most))} + {values.Count - most} more...";
}
