using System.Text;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.EndpointSlices;

/// <summary>What must change in a Service's slices for them to hold its pods as they stand: few writes before few slices. Pure.</summary>
internal sealed record EndpointSlicePlan(IReadOnlyList<V1EndpointSlice> Create, IReadOnlyList<V1EndpointSlice> Update, IReadOnlyList<V1EndpointSlice> Delete)
{
    public const string ServiceNameLabel = "kubernetes.io/service-name";
    public const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";
    public const string Controller = "endpointslice-controller.k8s.io";

    /// <summary>kube-controller-manager's --max-endpoints-per-slice.</summary>
    public const int MaxEndpoints = 100;

    /// <param name="zoneOf">A node's topology.kubernetes.io/zone, where it has one.</param>
    /// <param name="existing">The slices that this controller keeps for the Service.</param>
    public static EndpointSlicePlan Compute(V1Service service, IEnumerable<V1Pod> pods, Func<string, string?> zoneOf, IReadOnlyCollection<V1EndpointSlice> existing, string? triggerTime, int maxEndpoints = MaxEndpoints)
    {
        var writer = new SliceWriter(service, triggerTime, maxEndpoints);
        var serving = pods.Where(p => p.HasEndpoint()).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal).ToList();
        var families = ServicePods.Families(service);
        foreach (var family in families)
        {
            var slices = existing.Where(s => s.AddressType == family).OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal);
            ComputeFamily(writer, family, Group(service, serving, family, zoneOf), slices);
        }
        writer.Delete.AddRange(existing.Where(s => !families.Contains(s.AddressType)));
        return new EndpointSlicePlan(writer.Create, writer.Update, writer.Delete);
    }

    /// <summary>Pods that resolve the Service's ports to the same numbers share slices.</summary>
    private static SortedDictionary<string, PortGroup> Group(V1Service service, List<V1Pod> pods, string family, Func<string, string?> zoneOf)
    {
        var groups = new SortedDictionary<string, PortGroup>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            if (ServicePods.IpOf(pod, family) is not { } ip)
                continue;
            var ports = Ports(service, pod);
            var key = KeyOf(ports);
            if (!groups.TryGetValue(key, out var group))
                groups[key] = group = new PortGroup(ports, []);
            group.Endpoints.Add(Endpoint(service, pod, ip, zoneOf));
        }
        return groups;
    }

    private static void ComputeFamily(SliceWriter writer, string family, SortedDictionary<string, PortGroup> groups, IEnumerable<V1EndpointSlice> existing)
    {
        var byPorts = existing.ToLookup(s => KeyOf(s.Ports ?? []), StringComparer.Ordinal);
        // Slices that nothing is left in: they are filled anew before others are created.
        var spare = new List<V1EndpointSlice>(byPorts.Where(g => !groups.ContainsKey(g.Key)).SelectMany(g => g));
        var wanted = new List<(PortGroup Group, IEnumerable<V1Endpoint> Endpoints)>();
        var kept = 0;
        foreach (var (key, group) in groups)
        {
            var missing = FillExisting(writer, group, byPorts[key], spare, ref kept);
            wanted.AddRange(missing.Chunk(writer.MaxEndpoints).Select(chunk => (group, (IEnumerable<V1Endpoint>)chunk)));
        }
        if (kept == 0 && wanted.Count == 0)
        {
            // A Service without pods keeps one empty slice, so that watchers can tell it from one not yet looked at.
            var empty = spare.Find(s => s.Endpoints is not { Count: > 0 } && s.Ports is not { Count: > 0 });
            if (empty is not null)
            {
                spare.Remove(empty);
                if (!writer.IsCurrent(empty))
                    writer.Rewrite(empty, [], []);
            }
            else
            {
                wanted.Add((new PortGroup([], []), []));
            }
        }
        foreach (var (group, endpoints) in wanted)
        {
            if (spare.Count > 0)
            {
                writer.Rewrite(spare[0], group.Ports, endpoints);
                spare.RemoveAt(0);
            }
            else
            {
                writer.New(family, group.Ports, endpoints);
            }
        }
        writer.Delete.AddRange(spare);
    }

    /// <returns>The endpoints that found no room.</returns>
    private static IEnumerable<V1Endpoint> FillExisting(SliceWriter writer, PortGroup group, IEnumerable<V1EndpointSlice> slices, List<V1EndpointSlice> spare, ref int kept)
    {
        var missing = new Dictionary<string, V1Endpoint>(StringComparer.Ordinal);
        foreach (var endpoint in group.Endpoints)
            missing.TryAdd(KeyOf(endpoint), endpoint);
        var touched = new List<(V1EndpointSlice Slice, List<V1Endpoint> Endpoints)>();
        var untouched = new List<V1EndpointSlice>();
        foreach (var slice in slices)
        {
            var endpoints = new List<V1Endpoint>();
            var changed = !writer.IsCurrent(slice);
            foreach (var old in slice.Endpoints ?? [])
            {
                if (missing.Remove(KeyOf(old), out var endpoint))
                    endpoints.Add(endpoint);
                changed |= endpoint is null || !KubeJson.AreEqual(old, endpoint);
            }
            if (endpoints.Count == 0)
                spare.Add(slice);
            else if (changed)
                touched.Add((slice, endpoints));
            else
                untouched.Add(slice);
        }
        var rest = missing.Values.ToList();
        // Slices that are written anyway take what they can, the fullest first; else one write to one with room for all.
        foreach (var (_, endpoints) in touched.OrderByDescending(t => t.Endpoints.Count))
            Move(rest, endpoints, writer.MaxEndpoints);
        if (rest.Count > 0 && spare.Count == 0 && untouched.Where(s => s.Endpoints.Count + rest.Count <= writer.MaxEndpoints).MaxBy(s => s.Endpoints.Count) is { } roomy)
        {
            untouched.Remove(roomy);
            touched.Add((roomy, [.. roomy.Endpoints, .. rest]));
            rest.Clear();
        }
        kept += touched.Count + untouched.Count;
        foreach (var (slice, endpoints) in touched)
            writer.Rewrite(slice, group.Ports, endpoints);
        return rest;
    }

    private static void Move(List<V1Endpoint> from, List<V1Endpoint> to, int max)
    {
        var count = Math.Min(from.Count, Math.Max(0, max - to.Count));
        to.AddRange(from.Take(count));
        from.RemoveRange(0, count);
    }

    private static V1Endpoint Endpoint(V1Service service, V1Pod pod, string ip, Func<string, string?> zoneOf)
    {
        var serving = pod.IsReady();
        var terminating = pod.IsTerminating();
        var node = pod.Spec.NodeName is { Length: > 0 } name ? name : null;
        var ready = service.Spec.PublishNotReadyAddresses == true || (serving && !terminating);
        var zone = node is null ? null : zoneOf(node);
        return new V1Endpoint
        {
            Addresses = [ip],
            Conditions = new V1EndpointConditions
            {
                Ready = ready,
                Serving = serving,
                Terminating = terminating,
            },
            Hostname = ServicePods.HostnameIn(service, pod),
            NodeName = node,
            Zone = zone,
            TargetRef = ServicePods.ReferenceTo(pod),
            Hints = ready ? Hints(service, node, zone) : null,
        };
    }

    /// <summary>Whom an endpoint serves by preference (https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution).</summary>
    private static V1EndpointHints? Hints(V1Service service, string? node, string? zone)
    {
        if (service.Spec.TrafficDistribution is not ("PreferClose" or "PreferSameZone" or "PreferSameNode"))
            return null;
        IList<V1ForZone>? zones = zone is null ? null : [new V1ForZone { Name = zone }];
        IList<V1ForNode>? nodes = node is null || service.Spec.TrafficDistribution != "PreferSameNode" ? null : [new V1ForNode { Name = node }];
        return zones is null && nodes is null ? null : new V1EndpointHints { ForZones = zones, ForNodes = nodes };
    }

    private static List<Discoveryv1EndpointPort> Ports(V1Service service, V1Pod pod)
    {
        var ports = new List<Discoveryv1EndpointPort>();
        foreach (var port in service.Spec.Ports ?? [])
        {
            if (ServicePods.Resolve(port, pod) is { } number)
                ports.Add(new Discoveryv1EndpointPort { Name = port.Name ?? "", Port = number, Protocol = port.Protocol ?? "TCP", AppProtocol = port.AppProtocol });
        }
        return ports;
    }

    private static string KeyOf(IEnumerable<Discoveryv1EndpointPort> ports)
    {
        var key = new StringBuilder();
        foreach (var port in ports.OrderBy(p => p.Name ?? "", StringComparer.Ordinal))
            key.Append(port.Name).Append('/').Append(port.Port).Append('/').Append(port.Protocol).Append('/').Append(port.AppProtocol).Append(';');
        return key.ToString();
    }

    private static string KeyOf(V1Endpoint endpoint) => $"{endpoint.TargetRef?.Uid} {endpoint.Addresses?.FirstOrDefault()}";

    private sealed record PortGroup(List<Discoveryv1EndpointPort> Ports, List<V1Endpoint> Endpoints);
}
