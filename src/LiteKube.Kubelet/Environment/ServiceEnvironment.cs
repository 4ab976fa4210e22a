using System.Globalization;
using k8s.Models;

namespace LiteKube.Kubelet.Environment;

/// <summary>
/// The variables that tell a container where services are: <c>NAME_SERVICE_HOST</c>, <c>NAME_SERVICE_PORT</c> and the
/// Docker-link style ones (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
/// </summary>
internal static class ServiceEnvironment
{
    /// <summary>default/kubernetes always; the services of the pod's own namespace when <paramref name="serviceLinks"/>.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> For(string ns, bool serviceLinks, IEnumerable<V1Service> services)
    {
        var chosen = new SortedDictionary<string, V1Service>(StringComparer.Ordinal);
        foreach (var service in services)
        {
            if (string.IsNullOrEmpty(service.Spec?.ClusterIP) || service.Spec.ClusterIP == "None" || service.Spec.Ports is not { Count: > 0 })
                continue;
            var isMaster = service.Metadata is { NamespaceProperty: "default", Name: "kubernetes" };
            if (isMaster)
                chosen.TryAdd(service.Metadata.Name, service);
            else if (serviceLinks && service.Metadata.NamespaceProperty == ns)
                chosen[service.Metadata.Name] = service;
        }

        var result = new List<KeyValuePair<string, string>>();
        foreach (var service in chosen.Values)
            AddService(result, service);
        return result;
    }

    private static void AddService(List<KeyValuePair<string, string>> result, V1Service service)
    {
        var prefix = VariableName(service.Metadata.Name);
        var host = service.Spec.ClusterIP;
        var ports = service.Spec.Ports;
        result.Add(new(prefix + "_SERVICE_HOST", host));
        result.Add(new(prefix + "_SERVICE_PORT", Text(ports[0].Port)));
        foreach (var port in ports.Where(p => !string.IsNullOrEmpty(p.Name)))
            result.Add(new($"{prefix}_SERVICE_PORT_{VariableName(port.Name)}", Text(port.Port)));

        var address = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        for (var i = 0; i < ports.Count; i++)
        {
            var protocol = string.IsNullOrEmpty(ports[i].Protocol) ? "TCP" : ports[i].Protocol;
            var scheme = protocol.ToLowerInvariant();
            var url = $"{scheme}://{address}:{Text(ports[i].Port)}";
            if (i == 0)
                result.Add(new(prefix + "_PORT", url));
            var link = $"{prefix}_PORT_{Text(ports[i].Port)}_{protocol.ToUpperInvariant()}";
            result.Add(new(link, url));
            result.Add(new(link + "_PROTO", scheme));
            result.Add(new(link + "_PORT", Text(ports[i].Port)));
            result.Add(new(link + "_ADDR", host));
        }
    }

    private static string VariableName(string name)
    {
        var result = name.Replace('-', '_').Replace('.', '_').ToUpperInvariant();
        return char.IsAsciiDigit(result[0]) ? "_" + result : result;
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
