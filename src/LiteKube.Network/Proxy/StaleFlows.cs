using System.Collections.Immutable;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Proxy;

/// <summary>
/// UDP has no end of a connection: a client that keeps sending from one port stays translated to the endpoint it
/// first got, also when that is gone, or when there was none yet. Those entries are deleted after each change.
/// </summary>
internal sealed class StaleFlows
{
    private readonly Dictionary<(string Address, int Port), HashSet<(string, int)>> _byAddress = [];
    private readonly Dictionary<int, HashSet<(string, int)>> _byNodePort = [];
    private readonly HashSet<(string, int)> _gone = [];

    private StaleFlows()
    {
    }

    /// <returns>null when no UDP client can be affected.</returns>
    public static StaleFlows? Between(IReadOnlyList<ServicePort> before, IReadOnlyList<ServicePort> after)
    {
        var stale = new StaleFlows();
        var current = after.Where(p => p.Protocol == "udp").ToDictionary(p => p.Id, StringComparer.Ordinal);
        var previous = before.Where(p => p.Protocol == "udp").ToDictionary(p => p.Id, StringComparer.Ordinal);
        foreach (var (id, old) in previous)
        {
            var now = current.GetValueOrDefault(id);
            var kept = now?.Endpoints ?? [];
            var gone = old.Endpoints.Except(kept).ToList();
            foreach (var endpoint in gone)
                stale._gone.Add((endpoint.Address, endpoint.Port));
            if (gone.Count > 0 || now is null || now.ClusterIp != old.ClusterIp || now.NodePort != old.NodePort)
                stale.Add(old, kept);
            if (now is not null && (old.Endpoints.IsEmpty && !kept.IsEmpty || now.NodePort != old.NodePort || now.ClusterIp != old.ClusterIp))
                stale.Add(now, kept);
        }
        foreach (var (id, now) in current)
        {
            if (!previous.ContainsKey(id) && !now.Endpoints.IsEmpty)
                stale.Add(now, now.Endpoints);
        }
        return stale._byAddress.Count == 0 && stale._byNodePort.Count == 0 ? null : stale;
    }

    public bool Contains(Flow flow)
    {
        if (flow.Protocol != Conntrack.Udp)
            return false;
        var endpoint = (flow.Endpoint.ToString(), (int)flow.EndpointPort);
        if (_byAddress.TryGetValue((flow.Destination.ToString(), flow.DestinationPort), out var usable))
            return !usable.Contains(endpoint);
        // Any local address will do for a NodePort: what counts is that it was translated to an endpoint that is gone, or not at all.
        return _byNodePort.TryGetValue(flow.DestinationPort, out usable) && !usable.Contains(endpoint) && (_gone.Contains(endpoint) || !flow.IsTranslated);
    }

    private void Add(ServicePort port, ImmutableArray<Endpoint> usable)
    {
        var endpoints = usable.Select(e => (e.Address, e.Port)).ToHashSet();
        foreach (var address in port.ExternalIps.Concat(port.LoadBalancerIps).Prepend(port.ClusterIp))
            _byAddress[(address, port.Port)] = endpoints;
        if (port.NodePort != 0)
            _byNodePort[port.NodePort] = endpoints;
    }
}
