using k8s.Models;

namespace LiteKube.Network.Tests;

/// <summary>Services and EndpointSlices in few words.</summary>
internal static class Samples
{
    public static V1Service Service(string name, string clusterIp, int port, string protocol = "TCP", string? portName = null, Action<V1ServiceSpec>? with = null)
    {
        var service = new V1Service
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default" },
            Spec = new V1ServiceSpec
            {
                Type = "ClusterIP",
                ClusterIP = clusterIp,
                Ports = [new V1ServicePort { Port = port, Protocol = protocol, Name = portName }],
            },
        };
        with?.Invoke(service.Spec);
        return service;
    }

    public static V1EndpointSlice Slice(string service, int port, params V1Endpoint[] endpoints) => Slice(service, port, "TCP", null, endpoints);

    public static V1EndpointSlice Slice(string service, int port, string protocol, string? portName, params V1Endpoint[] endpoints) => new()
    {
        Metadata = new V1ObjectMeta { Name = $"{service}-1", NamespaceProperty = "default", Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = service } },
        AddressType = "IPv4",
        Ports = [new Discoveryv1EndpointPort { Port = port, Protocol = protocol, Name = portName ?? "" }],
        Endpoints = endpoints,
    };

    public static V1Endpoint Ready(string address, string node = "node-1", string? hostname = null) => new()
    {
        Addresses = [address],
        NodeName = node,
        Hostname = hostname,
        Conditions = new V1EndpointConditions { Ready = true, Serving = true, Terminating = false },
    };

    public static V1Endpoint Unready(string address, bool serving = false, bool terminating = false) => new()
    {
        Addresses = [address],
        NodeName = "node-1",
        Conditions = new V1EndpointConditions { Ready = false, Serving = serving, Terminating = terminating },
    };
}
