using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Proxy;

/// <summary>Reads the names that proxy paths use, [scheme:]name[:port], and finds what they mean.</summary>
internal sealed class ProxyTargets(IObjectReader objects, NodeLocator nodes)
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";

    public ProxyTarget Find(RequestInfo info)
    {
        var (scheme, name, port) = Split(info.Name);
        return info.Resource switch
        {
            "pods" => Pod(info.Namespace, scheme, name, port),
            "services" => Service(info.Namespace, scheme, name, port),
            _ => Node(scheme, name, port),
        };
    }

    private static (string Scheme, string Name, string Port) Split(string text) => text.Split(':') switch
    {
        [var name] => ("", name, ""),
        [var name, var port] => ("", name, port),
        [var scheme and ("http" or "https" or ""), var name, var port] => (scheme, name, port),
        _ => throw ApiException.BadRequest($"invalid proxy request \"{text}\""),
    };

    private ProxyTarget Pod(string ns, string scheme, string name, string port)
    {
        var pod = nodes.Pod(ns, name);
        var number = port.Length > 0 ? PortOf(pod, port) : pod.Obj("spec").Items("containers").SelectMany(c => c.Items("ports")).Select(p => (int)p.Long("containerPort")).FirstOrDefault();
        var address = pod.Obj("status").Str("podIP");
        if (!IsProxyable(address)) throw ApiException.BadRequest("address not allowed");
        return new(scheme == "https" ? "https" : "http", address, number > 0 ? number : scheme == "https" ? 443 : 80, IsKubelet: false);
    }

    private static int PortOf(JsonObject pod, string port)
    {
        if (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        var named = pod.Obj("spec").Items("containers").SelectMany(c => c.Items("ports")).FirstOrDefault(p => p.Str("name") == port);
        return named is not null ? (int)named.Long("containerPort") : throw ApiException.BadRequest($"invalid port \"{port}\"");
    }

    private ProxyTarget Service(string ns, string scheme, string name, string port)
    {
        var service = objects.Get(CoreResources.Services, ns, name) ?? throw ApiException.NotFound(CoreResources.Services, name);
        var ports = service.Obj("spec").Items("ports").ToList();
        JsonObject? chosen;
        if (port.Length == 0) chosen = ports.Count == 1 ? ports[0] : ports.Find(p => p.Str("name").Length == 0);
        else chosen = ports.Find(p => p.Str("name") == port || p.Long("port").ToString(CultureInfo.InvariantCulture) == port);
        if (chosen is null) throw Unavailable($"no service port \"{port}\" found for service \"{name}\"");

        var candidates = Endpoints(ns, name, chosen);
        candidates.RemoveAll(c => !IsProxyable(c.Address));
        if (candidates.Count == 0) throw Unavailable($"no endpoints available for service \"{name}\"");
        var (host, number) = candidates[Random.Shared.Next(candidates.Count)];
        return new(scheme == "https" ? "https" : "http", host, number, IsKubelet: false);
    }

    /// <summary>Where a service's port is answered, for the server's own calls of webhooks.</summary>
    public (string Host, int Port) FindEndpoint(string ns, string name, int port)
    {
        var service = objects.Get(CoreResources.Services, ns, name) ?? throw new ApiException(503, "ServiceUnavailable", $"service \"{name}\" not found");
        if (service.Obj("spec").Str("type") == "ExternalName") return (service.Obj("spec").Str("externalName"), port);
        var chosen = service.Obj("spec").Items("ports").FirstOrDefault(p => p.Long("port") == port) ?? throw Unavailable($"no service port {port.ToString(CultureInfo.InvariantCulture)} found for service \"{name}\"");
        var candidates = Endpoints(ns, name, chosen);
        return candidates.Count > 0 ? candidates[Random.Shared.Next(candidates.Count)] : throw Unavailable($"no endpoints available for service \"{name}\"");
    }

    private List<(string Address, int Port)> Endpoints(string ns, string name, JsonObject port)
    {
        var candidates = new List<(string Address, int Port)>();
        foreach (var slice in objects.List(CoreResources.EndpointSlices, ns))
        {
            if (!slice.Labels().TryGetValue(ServiceNameLabel, out var owner) || owner != name) continue;
            var target = slice.Items("ports").FirstOrDefault(p => p.Str("name") == port.Str("name"));
            if (target is null) continue;
            foreach (var endpoint in slice.Items("endpoints"))
            {
                if (endpoint.Obj("conditions").BoolOrNull("ready") == false) continue;
                foreach (var address in endpoint.Strings("addresses")) candidates.Add((address, (int)target.Long("port")));
            }
        }
        return candidates;
    }

    private ProxyTarget Node(string scheme, string name, string port)
    {
        var kubelet = nodes.Kubelet(name);
        if (port.Length == 0 || port == kubelet.Port.ToString(CultureInfo.InvariantCulture)) return kubelet;
        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) throw ApiException.BadRequest($"invalid port \"{port}\"");
        if (!IsProxyable(kubelet.Host)) throw ApiException.BadRequest("address not allowed");
        // Only the kubelet itself is shown our certificate.
        return new(scheme == "https" ? "https" : "http", kubelet.Host, number, IsKubelet: false);
    }

    /// <summary>The proxy must not lead to this machine's own loopback and link-local services.</summary>
    private static bool IsProxyable(string address) =>
        IPAddress.TryParse(address, out var ip) && !IPAddress.IsLoopback(ip) && !ip.IsIPv6LinkLocal && !ip.IsIPv6Multicast
        && ip.MapToIPv4().GetAddressBytes() is not ([169, 254, ..] or [0, 0, 0, 0]) && !(ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && ip.GetAddressBytes()[0] >= 224);

    private static ApiException Unavailable(string message) => new(503, "ServiceUnavailable", message);
}
