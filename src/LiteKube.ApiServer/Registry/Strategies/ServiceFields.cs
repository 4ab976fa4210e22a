using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The fields of a Service that depend on each other.</summary>
internal static class ServiceFields
{
    public static bool NeedsClusterAddress(JsonObject? spec) => spec.Str("type") is "ClusterIP" or "NodePort" or "LoadBalancer" or "";

    public static bool NeedsNodePorts(JsonObject? spec) =>
        spec.Str("type") == "NodePort" || (spec.Str("type") == "LoadBalancer" && spec.BoolOrNull("allocateLoadBalancerNodePorts") != false);

    public static bool NeedsHealthCheckPort(JsonObject? spec) => spec.Str("type") == "LoadBalancer" && spec.Str("externalTrafficPolicy") == "Local";

    public static bool IsExternallyReachable(JsonObject? spec) => spec.Str("type") is "NodePort" or "LoadBalancer" || spec.Strings("externalIPs").Any();

    /// <summary>clusterIP and clusterIPs in step; the families of a cluster that has one.</summary>
    public static void Normalize(JsonObject spec)
    {
        if (!NeedsClusterAddress(spec))
            return;
        var addresses = spec.Strings("clusterIPs").ToList();
        if (spec.Str("clusterIP").Length == 0 && addresses.Count > 0)
            spec["clusterIP"] = addresses[0];
        else if (spec.Str("clusterIP").Length > 0 && addresses.Count == 0)
            spec["clusterIPs"] = new JsonArray(spec.Str("clusterIP"));
        if (spec.Arr("ipFamilies") is not { Count: > 0 })
            spec["ipFamilies"] = new JsonArray("IPv4");
        // What has neither address nor pods of its own may be of both families, which its endpoints decide.
        var isAnyones = spec.Str("clusterIP") == "None" && spec.Obj("selector") is not { Count: > 0 };
        if (spec.Str("ipFamilyPolicy").Length == 0)
            spec["ipFamilyPolicy"] = isAnyones || spec.Arr("ipFamilies")!.Count > 1 ? "RequireDualStack" : "SingleStack";
        if (isAnyones && spec.Str("ipFamilyPolicy") != "SingleStack" && spec.Arr("ipFamilies") is [var only])
            spec["ipFamilies"] = JsonFields.AsText(only) == "IPv6" ? new JsonArray("IPv6", "IPv4") : new JsonArray("IPv4", "IPv6");
    }

    /// <summary>A client that sends the object without what was allocated keeps it.</summary>
    public static void KeepAllocated(JsonObject spec, JsonObject before)
    {
        if (NeedsClusterAddress(spec) && NeedsClusterAddress(before))
        {
            if (spec.Str("clusterIP").Length == 0 && spec.Arr("clusterIPs") is not { Count: > 0 })
            {
                spec.SetOrRemove("clusterIP", before["clusterIP"]);
                spec.SetOrRemove("clusterIPs", before["clusterIPs"]);
            }
            // A client that knows only the older field changes both with it.
            else if (spec.Str("clusterIP") != before.Str("clusterIP") && spec["clusterIPs"].SameAs(before["clusterIPs"]))
            {
                spec["clusterIPs"] = spec.Str("clusterIP").Length == 0 ? new JsonArray() : new JsonArray(spec.Str("clusterIP"));
            }
            foreach (var field in (ReadOnlySpan<string>)["ipFamilies", "ipFamilyPolicy"])
            {
                if (!spec.Has(field))
                    spec.SetOrRemove(field, before[field]);
            }
        }
        if (NeedsNodePorts(spec) && NeedsNodePorts(before))
        {
            foreach (var port in spec.Items("ports").Where(p => p.Long("nodePort") == 0))
            {
                var same = before.Items("ports").FirstOrDefault(p => p.Str("protocol") == port.Str("protocol") && p.Long("port") == port.Long("port"));
                if (same is not null && same.Long("nodePort") != 0)
                    port["nodePort"] = same.Long("nodePort");
            }
        }
        if (NeedsHealthCheckPort(spec) && NeedsHealthCheckPort(before) && spec.Long("healthCheckNodePort") == 0)
            spec.SetOrRemove("healthCheckNodePort", before["healthCheckNodePort"]);
    }

    /// <summary>Fields that only the old type had and that the client sent back unchanged.</summary>
    public static void DropWhatTheTypeGaveUp(JsonObject spec, JsonObject before)
    {
        if (NeedsClusterAddress(before) && !NeedsClusterAddress(spec))
        {
            foreach (var field in (ReadOnlySpan<string>)["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
                DropUnchanged(field);
        }
        if (NeedsNodePorts(before) && !NeedsNodePorts(spec))
        {
            foreach (var port in spec.Items("ports"))
            {
                if (before.Items("ports").Any(p => p.Long("nodePort") == port.Long("nodePort")))
                    port.Remove("nodePort");
            }
        }
        if (NeedsHealthCheckPort(before) && !NeedsHealthCheckPort(spec))
            DropUnchanged("healthCheckNodePort");
        if (before.Str("type") == "LoadBalancer" && spec.Str("type") != "LoadBalancer")
        {
            DropUnchanged("allocateLoadBalancerNodePorts");
            DropUnchanged("loadBalancerClass");
        }
        if (IsExternallyReachable(before) && !IsExternallyReachable(spec))
            DropUnchanged("externalTrafficPolicy");

        void DropUnchanged(string field)
        {
            if (spec[field].SameAs(before[field]))
                spec.Remove(field);
        }
    }
}
