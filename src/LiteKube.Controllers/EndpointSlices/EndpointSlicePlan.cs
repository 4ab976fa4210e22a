using System.Globalization;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.EndpointSlices;

/// <summary>A Service's endpoints as its pods stand. Pure.</summary>
internal static class EndpointSlicePlan
{
    /// <summary>Upstream's --max-endpoints-per-slice.</summary>
    public const int MaxEndpoints = 100;

    public sealed record Group(IReadOnlyList<Discoveryv1EndpointPort> Ports, IReadOnlyList<V1Endpoint> Endpoints);

    /// <summary>Endpoints grouped by the port numbers that their pods resolve the Service's ports to.</summary>
    public static IReadOnlyList<Group> Compute(V1Service service, IEnumerable<V1Pod> pods)
    {
        var groups = new SortedDictionary<string, (List<Discoveryv1EndpointPort> Ports, List<V1Endpoint> Endpoints)>(StringComparer.Ordinal);
        foreach (var pod in pods.OrderBy(p => p.Metadata.Name, StringComparer.Ordinal))
        {
            if (string.IsNullOrEmpty(pod.Status?.PodIP) || pod.Status.Phase is "Succeeded" or "Failed")
                continue;
            var ports = Ports(service, pod);
            // A pod without the named port serves none of it; headless services may have no ports at all.
            if (ports.Count == 0 && service.Spec.Ports is { Count: > 0 })
                continue;
            var key = string.Join(';', ports.Select(p => $"{p.Name}/{p.Port}/{p.Protocol}"));
            if (!groups.TryGetValue(key, out var group))
                groups[key] = group = (ports, []);
            group.Endpoints.Add(Endpoint(service, pod));
        }
        return [.. groups.Values.Select(g => new Group(g.Ports, g.Endpoints))];
    }

    private static V1Endpoint Endpoint(V1Service service, V1Pod pod)
    {
        var serving = pod.IsReady();
        var terminating = pod.IsTerminating();
        return new V1Endpoint
        {
            Addresses = [pod.Status.PodIP],
            Conditions = new V1EndpointConditions { Ready = service.Spec.PublishNotReadyAddresses == true || (serving && !terminating), Serving = serving, Terminating = terminating },
            Hostname = !string.IsNullOrEmpty(pod.Spec.Hostname) && pod.Spec.Subdomain == service.Metadata.Name ? pod.Spec.Hostname : null,
            NodeName = pod.Spec.NodeName,
            TargetRef = new V1ObjectReference { Kind = "Pod", Name = pod.Metadata.Name, NamespaceProperty = pod.Metadata.NamespaceProperty, Uid = pod.Metadata.Uid },
        };
    }

    private static List<Discoveryv1EndpointPort> Ports(V1Service service, V1Pod pod)
    {
        var ports = new List<Discoveryv1EndpointPort>();
        foreach (var port in service.Spec.Ports ?? [])
        {
            if (Resolve(port, pod) is { } number)
                ports.Add(new Discoveryv1EndpointPort { Name = port.Name ?? "", Port = number, Protocol = port.Protocol ?? "TCP", AppProtocol = port.AppProtocol });
        }
        return ports;
    }

    private static int? Resolve(V1ServicePort port, V1Pod pod)
    {
        var target = port.TargetPort?.Value;
        if (string.IsNullOrEmpty(target) || target == "0")
            return port.Port;
        if (int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number;
        var containers = pod.Spec.Containers.Concat((pod.Spec.InitContainers ?? []).Where(c => c.RestartPolicy == "Always"));
        return containers.SelectMany(c => c.Ports ?? []).FirstOrDefault(p => p.Name == target && (p.Protocol ?? "TCP") == (port.Protocol ?? "TCP"))?.ContainerPort;
    }

    public static bool Same(V1EndpointSlice slice, Group group, IReadOnlyList<V1Endpoint> endpoints, IDictionary<string, string> labels) =>
        KubeJson.AreEqual(
            new V1EndpointSlice { AddressType = "IPv4", Endpoints = slice.Endpoints ?? [], Ports = slice.Ports ?? [], Metadata = new V1ObjectMeta { Labels = slice.Metadata.Labels } },
            new V1EndpointSlice { AddressType = "IPv4", Endpoints = [.. endpoints], Ports = [.. group.Ports], Metadata = new V1ObjectMeta { Labels = labels } });
}
