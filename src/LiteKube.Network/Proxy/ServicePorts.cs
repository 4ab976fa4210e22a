using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using k8s.Models;

namespace LiteKube.Network.Proxy;

/// <param name="IsLocal">On this node.</param>
internal readonly record struct Endpoint(string Address, int Port, bool IsLocal) : IComparable<Endpoint>
{
    public int CompareTo(Endpoint other)
    {
        var byAddress = Netlink.Ipv4.ToNumber(IPAddress.Parse(Address)).CompareTo(Netlink.Ipv4.ToNumber(IPAddress.Parse(other.Address)));
        return byAddress != 0 ? byAddress : Port.CompareTo(other.Port);
    }
}

/// <summary>One port of one Service as the packet path needs it.</summary>
/// <param name="Id">"namespace/name/protocol/port-name": part of chain names.</param>
/// <param name="Protocol">tcp, udp or sctp.</param>
/// <param name="Endpoints">All usable ones, sorted.</param>
/// <param name="LocalEndpoints">Those on this node that may be used when the policy is Local, sorted.</param>
internal sealed record ServicePort(string Id, string Protocol, int Port, string ClusterIp, ImmutableArray<Endpoint> Endpoints, ImmutableArray<Endpoint> LocalEndpoints)
{
    public int NodePort { get; init; }
    public bool ExternalPolicyLocal { get; init; }
    public bool InternalPolicyLocal { get; init; }
    /// <summary>Seconds of ClientIP session affinity; 0 for none.</summary>
    public int AffinitySeconds { get; init; }
    public ImmutableArray<string> ExternalIps { get; init; } = [];
    public ImmutableArray<string> LoadBalancerIps { get; init; } = [];
    /// <summary>Who may use the load balancer's addresses; empty for everybody.</summary>
    public ImmutableArray<string> SourceRanges { get; init; } = [];

    public ImmutableArray<Endpoint> InternalEndpoints => InternalPolicyLocal ? LocalEndpoints : Endpoints;
}

/// <summary>Services and EndpointSlices to ports with endpoints (https://kubernetes.io/docs/reference/networking/virtual-ips/). Pure.</summary>
internal static class ServicePorts
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    private const string ProxyNameLabel = "service.kubernetes.io/service-proxy-name";
    private const int DefaultAffinitySeconds = 10800;

    public static List<ServicePort> Compute(IEnumerable<V1Service> services, IEnumerable<V1EndpointSlice> slices, string nodeName)
    {
        var byService = slices.Where(s => s.AddressType == "IPv4" && s.Metadata.Labels?.ContainsKey(ServiceNameLabel) == true)
            .ToLookup(s => (s.Metadata.NamespaceProperty, s.Metadata.Labels[ServiceNameLabel]));
        var ports = new List<ServicePort>();
        foreach (var service in services)
        {
            if (!IsProxied(service))
                continue;
            var own = byService[(service.Metadata.NamespaceProperty, service.Metadata.Name)].ToList();
            foreach (var port in service.Spec.Ports ?? [])
                ports.Add(Build(service, port, own, nodeName));
        }
        return ports;
    }

    private static bool IsProxied(V1Service service) =>
        service.Spec is { } spec && spec.Type != "ExternalName" && IsIpv4(spec.ClusterIP) && service.Metadata.Labels?.ContainsKey(ProxyNameLabel) != true;

    private static ServicePort Build(V1Service service, V1ServicePort port, List<V1EndpointSlice> slices, string nodeName)
    {
        var spec = service.Spec;
        var protocol = (port.Protocol ?? "TCP").ToLowerInvariant();
        var candidates = Candidates(slices, port.Name ?? "", port.Protocol ?? "TCP", nodeName);
        var external = spec.Type is "NodePort" or "LoadBalancer" || spec.ExternalIPs is { Count: > 0 };
        return new ServicePort($"{service.Metadata.NamespaceProperty}/{service.Metadata.Name}/{protocol}/{(string.IsNullOrEmpty(port.Name) ? port.Port.ToString(CultureInfo.InvariantCulture) : port.Name)}",
            protocol, port.Port, spec.ClusterIP, Usable(candidates), Usable(candidates.Where(c => c.Endpoint.IsLocal).ToList()))
        {
            NodePort = spec.Type is "NodePort" or "LoadBalancer" ? port.NodePort ?? 0 : 0,
            ExternalPolicyLocal = external && spec.ExternalTrafficPolicy == "Local",
            InternalPolicyLocal = spec.InternalTrafficPolicy == "Local",
            AffinitySeconds = spec.SessionAffinity == "ClientIP" ? spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? DefaultAffinitySeconds : 0,
            ExternalIps = [.. (spec.ExternalIPs ?? []).Where(IsIpv4).Order(StringComparer.Ordinal)],
            LoadBalancerIps = spec.Type == "LoadBalancer"
                ? [.. (service.Status?.LoadBalancer?.Ingress ?? []).Where(i => i.IpMode != "Proxy" && IsIpv4(i.Ip)).Select(i => i.Ip).Order(StringComparer.Ordinal)] : [],
            SourceRanges = spec.Type == "LoadBalancer"
                ? [.. (spec.LoadBalancerSourceRanges ?? []).Select(range => range.Trim()).Where(IsIpv4Network).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] : [],
        };
    }

    private readonly record struct Candidate(Endpoint Endpoint, bool Ready, bool ServingTerminating);

    private static List<Candidate> Candidates(List<V1EndpointSlice> slices, string portName, string protocol, string nodeName)
    {
        var candidates = new Dictionary<(string, int), Candidate>();
        foreach (var slice in slices)
        {
            foreach (var port in slice.Ports ?? [])
            {
                if (port.Port is not { } number || (port.Name ?? "") != portName || (port.Protocol ?? "TCP") != protocol)
                    continue;
                foreach (var endpoint in slice.Endpoints ?? [])
                {
                    if (endpoint.Addresses is not [var address, ..] || !IsIpv4(address))
                        continue;
                    var ready = endpoint.Conditions?.Ready ?? true;
                    var serving = endpoint.Conditions?.Serving ?? ready;
                    var candidate = new Candidate(new Endpoint(address, number, endpoint.NodeName == nodeName), ready, serving && endpoint.Conditions?.Terminating == true);
                    // While an endpoint moves from one slice to another both list it: the better one counts.
                    if (!candidates.TryGetValue((address, number), out var known) || !known.Ready && (ready || candidate.ServingTerminating))
                        candidates[(address, number)] = candidate;
                }
            }
        }
        return [.. candidates.Values];
    }

    /// <summary>The ready ones; when there are none, those that end but still serve, so that a roll-out of one replica loses no request.</summary>
    private static ImmutableArray<Endpoint> Usable(List<Candidate> candidates)
    {
        var ready = candidates.Where(c => c.Ready).Select(c => c.Endpoint).Order().ToImmutableArray();
        return ready.Length > 0 ? ready : [.. candidates.Where(c => c.ServingTerminating).Select(c => c.Endpoint).Order()];
    }

    private static bool IsIpv4(string? text) => IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork;

    private static bool IsIpv4Network(string text) => IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
}
