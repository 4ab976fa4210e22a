using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Metrics;

namespace LiteKube.Controllers.NodeLifecycle;

/// <summary>Nodes by zone, as node_collector_* count them.</summary>
internal static class NodeZones
{
    private static readonly string[] RegionLabels = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"];
    private static readonly string[] ZoneLabels = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

    public static void Register(ControllerMetrics metrics, IInformer<V1Node> nodes)
    {
        IEnumerable<(string[] Labels, double Value)> ByZone(Func<IReadOnlyList<V1Node>, double> value) =>
            nodes.List().GroupBy(Of, StringComparer.Ordinal).OrderBy(static zone => zone.Key, StringComparer.Ordinal).Select(zone => (new[] { zone.Key }, value([.. zone])));
        metrics.Gauge("node_collector_zone_size", "Gauge measuring number of registered Nodes per zones.", () => ByZone(static zone => zone.Count), "zone");
        metrics.Gauge("node_collector_zone_health", "Gauge measuring percentage of healthy nodes per zone.", () => ByZone(static zone => 100.0 * zone.Count(IsReady) / zone.Count), "zone");
        metrics.Gauge("node_collector_unhealthy_nodes_in_zone", "Gauge measuring number of not Ready Nodes per zones.", () => ByZone(static zone => zone.Count(static node => !IsReady(node))), "zone");
    }

    /// <summary>Region and zone with Kubernetes' separator between; "" for a node that names neither.</summary>
    public static string Of(V1Node node)
    {
        var (region, zone) = (Label(node, RegionLabels), Label(node, ZoneLabels));
        return region.Length + zone.Length == 0 ? "" : $"{region}:\0:{zone}";
    }

    /// <summary>Pods that do not tolerate it are to leave the node.</summary>
    public static bool IsEvicted(V1Node node) =>
        node.Spec?.Taints?.Any(static taint => taint.Effect == "NoExecute" && taint.Key is "node.kubernetes.io/not-ready" or "node.kubernetes.io/unreachable") == true;

    private static bool IsReady(V1Node node) => NodeTaintPlan.StatusOf(node, "Ready") == "True";

    private static string Label(V1Node node, string[] names) =>
        names.Select(name => node.Metadata.Labels?.TryGetValue(name, out var value) == true ? value : null).FirstOrDefault(static value => !string.IsNullOrEmpty(value)) ?? "";
}
