using System.Globalization;
using System.Net;
using System.Net.Sockets;
using k8s.Models;

namespace LiteKube.Network.Dns;

/// <summary>
/// Answers for the cluster's own names by the Kubernetes DNS specification 1.1
/// (https://github.com/kubernetes/dns/blob/master/docs/specification.md), from memory and without waiting.
/// </summary>
internal sealed class ClusterZone(DnsName zone, IPAddress server, IReadOnlyList<IPNetwork> reverseNetworks, uint ttlSeconds, ClusterIndex index)
{
    private const string SchemaVersion = "1.1.0";
    private static readonly DnsName InAddrArpa = DnsName.Parse("in-addr.arpa");

    private readonly DnsName _nameServer = Under(zone, "ns", "dns")!;
    private uint _rotation;

    /// <returns>null when the name is for the upstream resolvers. A CNAME to a name outside the zone is left for the caller to follow.</returns>
    public DnsAnswer? Resolve(DnsName name, DnsType type)
    {
        if (name.IsWithin(zone))
            return ResolveForward(name, type);
        return name.IsWithin(InAddrArpa) && name.Labels.Length == 6 ? ResolveReverse(name, type) : null;
    }

    private DnsAnswer ResolveForward(DnsName name, DnsType type)
    {
        var below = name.Below(zone);
        return below switch
        {
            [] => Apex(name, type),
            ["dns-version"] => Data(name, type, [new TextRecord(name, SchemaVersion, ttlSeconds)]),
            ["dns"] or ["svc"] or ["pod"] => NoData,
            ["ns", "dns"] => Data(name, type, [new AddressRecord(name, server, ttlSeconds)]),
            [var ns, "svc" or "pod"] => index.HasNamespace(ns) ? NoData : NoName,
            [var ip, var ns, "pod"] => index.HasNamespace(ns) && PodAddress(ip) is { } address ? Data(name, type, [new AddressRecord(name, address, ttlSeconds)]) : NoName,
            [var service, var ns, "svc"] => OfService(name, type, ns, service),
            [var part, var service, var ns, "svc"] => BelowService(name, type, ns, service, part),
            [['_', .. var port], ['_', .. var protocol], var service, var ns, "svc"] => OfPort(name, type, ns, service, port, protocol),
            _ => NoName,
        };
    }

    private DnsAnswer Apex(DnsName name, DnsType type) => type switch
    {
        DnsType.Soa => Answered([Soa]),
        DnsType.Ns => Answered([new NameRecord(name, DnsType.Ns, _nameServer, ttlSeconds)]) with { Additional = [new AddressRecord(_nameServer, server, ttlSeconds)] },
        _ => NoData,
    };

    private DnsAnswer OfService(DnsName name, DnsType type, string ns, string serviceName)
    {
        if (index.Service(ns, serviceName) is not { Spec: { } spec } service)
            return NoName;
        if (spec.Type == "ExternalName")
            return DnsName.TryParse(spec.ExternalName ?? "") is { } target ? Answered([new NameRecord(name, DnsType.Cname, target, ttlSeconds)]) : NoData;
        if (!IsHeadless(service))
        {
            if (type == DnsType.Srv)
                return ServiceRecords(name, [.. (spec.Ports ?? []).Select(port => (name, port.Port))], Addresses(name, service));
            return Data(name, type, Addresses(name, service));
        }
        // As with CoreDNS, a headless Service is not there while nothing stands behind it.
        var endpoints = Endpoints(service).ToList();
        if (endpoints.Count == 0)
            return NoName;
        if (type == DnsType.Srv)
            return EndpointServiceRecords(name, service, endpoints, _ => true);
        return Data(name, type, Rotate(endpoints.Select(e => e.Address).Distinct().Select(address => (DnsRecord)new AddressRecord(name, address, ttlSeconds)).ToList()));
    }

    private DnsAnswer BelowService(DnsName name, DnsType type, string ns, string serviceName, string part)
    {
        if (index.Service(ns, serviceName) is not { Spec: { } spec } service || spec.Type == "ExternalName")
            return NoName;
        if (part is "_tcp" or "_udp" or "_sctp")
            return (spec.Ports ?? []).Any(p => (p.Protocol ?? "TCP").Equals(part[1..], StringComparison.OrdinalIgnoreCase)) ? NoData : NoName;
        var addresses = Endpoints(service).Where(e => e.Hostname == part).Select(e => e.Address).Distinct()
            .Select(address => (DnsRecord)new AddressRecord(name, address, ttlSeconds)).ToList();
        return addresses.Count == 0 ? NoName : Data(name, type, Rotate(addresses));
    }

    private DnsAnswer OfPort(DnsName name, DnsType type, string ns, string serviceName, string port, string protocol)
    {
        if (index.Service(ns, serviceName) is not { Spec: { } spec } service || spec.Type == "ExternalName")
            return NoName;
        var owner = Under(zone, serviceName, ns, "svc")!;
        if (IsHeadless(service))
        {
            var answer = EndpointServiceRecords(name, service, Endpoints(service).ToList(), p => p.Name == port && (p.Protocol ?? "TCP").Equals(protocol, StringComparison.OrdinalIgnoreCase));
            return answer.Answers.Count == 0 ? NoName : type is DnsType.Srv or DnsType.Any ? answer : NoData;
        }
        var matching = (spec.Ports ?? []).Where(p => p.Name == port && (p.Protocol ?? "TCP").Equals(protocol, StringComparison.OrdinalIgnoreCase)).ToList();
        if (matching.Count == 0)
            return NoName;
        return type is DnsType.Srv or DnsType.Any ? ServiceRecords(name, [.. matching.Select(p => (owner, p.Port))], Addresses(owner, service)) : NoData;
    }

    private DnsAnswer ServiceRecords(DnsName name, List<(DnsName Target, int Port)> targets, IReadOnlyList<DnsRecord> addresses) =>
        targets.Count == 0 ? NoData : Answered([.. targets.Select(t => Srv(name, t.Target, t.Port, targets.Count))]) with { Additional = addresses };

    private DnsAnswer EndpointServiceRecords(DnsName name, V1Service service, List<(IPAddress Address, string Hostname, V1EndpointSlice Slice)> endpoints, Func<Discoveryv1EndpointPort, bool> wanted)
    {
        var targets = endpoints.SelectMany(e => (e.Slice.Ports ?? []).Where(p => p.Port is not null && wanted(p)).Select(p => (e.Address, Owner: EndpointName(service, e.Hostname), Port: p.Port!.Value)))
            .Where(t => t.Owner is not null).Distinct().ToList();
        return targets.Count == 0 ? NoData : Answered(Rotate(targets.Select(t => Srv(name, t.Owner!, t.Port, targets.Count)).ToList())) with
        {
            Additional = [.. targets.Select(t => new AddressRecord(t.Owner!, t.Address, ttlSeconds)).Distinct()],
        };
    }

    private DnsRecord Srv(DnsName name, DnsName target, int port, int count) =>
        new ServiceRecord(name, 0, (ushort)Math.Max(1, 100 / count), (ushort)port, target, ttlSeconds);

    private DnsAnswer? ResolveReverse(DnsName name, DnsType type)
    {
        var l = name.Labels;
        if (!IPAddress.TryParse($"{l[3]}.{l[2]}.{l[1]}.{l[0]}", out var address) || address.AddressFamily != AddressFamily.InterNetwork)
            return null;
        var owners = new List<DnsName>();
        if (index.ServiceOf(address) is { } service)
            owners.AddRange(Under(zone, service.Metadata.Name, service.Metadata.NamespaceProperty, "svc") is { } owner ? [owner] : []);
        else
            owners.AddRange(index.ServicesWithEndpoint(address).Where(IsHeadless).SelectMany(s => Endpoints(s).Where(e => e.Address.Equals(address)).Select(e => EndpointName(s, e.Hostname))).OfType<DnsName>().Distinct());
        if (owners.Count > 0)
            return Data(name, type, [.. owners.Select(owner => new NameRecord(name, DnsType.Ptr, owner, ttlSeconds))]);
        return reverseNetworks.Any(network => network.Contains(address)) ? NoName : null;
    }

    private static bool IsHeadless(V1Service service) => service.Spec.ClusterIP == "None" || service.Spec.ClusterIP is null or "" && service.Spec.Type != "ExternalName";

    private List<DnsRecord> Addresses(DnsName owner, V1Service service) =>
        [.. (service.Spec.ClusterIPs ?? [service.Spec.ClusterIP]).Select(text => IPAddress.TryParse(text, out var ip) ? ip : null).OfType<IPAddress>().Select(ip => new AddressRecord(owner, ip, ttlSeconds))];

    private IEnumerable<(IPAddress Address, string Hostname, V1EndpointSlice Slice)> Endpoints(V1Service service)
    {
        foreach (var slice in index.Slices(service).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal))
        {
            foreach (var endpoint in slice.Endpoints ?? [])
            {
                if (endpoint.Conditions?.Ready == false && service.Spec.PublishNotReadyAddresses != true)
                    continue;
                foreach (var text in endpoint.Addresses ?? [])
                {
                    if (IPAddress.TryParse(text, out var address))
                        yield return (address, string.IsNullOrEmpty(endpoint.Hostname) ? text.Replace('.', '-').Replace(':', '-') : endpoint.Hostname.ToLowerInvariant(), slice);
                }
            }
        }
    }

    private DnsName? EndpointName(V1Service service, string hostname) => Under(zone, hostname, service.Metadata.Name, service.Metadata.NamespaceProperty, "svc");

    private static DnsName? Under(DnsName zone, params string[] labels) => DnsName.TryCreate([.. labels, .. zone.Labels]);

    private static IPAddress? PodAddress(string label)
    {
        var parts = label.Split('-');
        return parts.Length == 4 && parts.All(p => byte.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _)) && IPAddress.TryParse(label.Replace('-', '.'), out var address) ? address : null;
    }

    // Clients take the first answer: another one each time spreads them.
    private List<DnsRecord> Rotate(List<DnsRecord> records)
    {
        if (records.Count < 2)
            return records;
        var start = (int)(Interlocked.Increment(ref _rotation) % (uint)records.Count);
        return [.. records[start..], .. records[..start]];
    }

    private DnsAnswer Data(DnsName name, DnsType type, IReadOnlyList<DnsRecord> records)
    {
        var matching = records.Where(r => type == DnsType.Any || r.Type == type).ToList();
        return matching.Count == 0 ? NoData : Answered(matching);
    }

    private static DnsAnswer Answered(IReadOnlyList<DnsRecord> records) => new(DnsResponseCode.NoError) { Answers = records, IsAuthoritative = true };

    private StartOfAuthority Soa => new(zone, _nameServer, Under(zone, "hostmaster")!, 1, ttlSeconds);

    /// <summary>The name exists, but has nothing of this type.</summary>
    private DnsAnswer NoData => new(DnsResponseCode.NoError) { Authority = [Soa], IsAuthoritative = true };

    private DnsAnswer NoName => new(DnsResponseCode.NameError) { Authority = [Soa], IsAuthoritative = true };
}
