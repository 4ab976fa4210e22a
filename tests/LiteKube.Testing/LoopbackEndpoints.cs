namespace LiteKube.Testing;

/// <summary>What leads the API server to a server of this test.</summary>
public static class LoopbackEndpoints
{
    public static string Path(string ns) => $"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices";

    /// <summary>An EndpointSlice that says that a service is answered at this port of 127.0.0.1: as a name, since an address of loopback is refused.</summary>
    public static string Slice(string service, int port, string? name = null, bool isReady = true) => $$$"""
        {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"{{{name ?? service + "-1"}}}","labels":{"kubernetes.io/service-name":"{{{service}}}"}},"addressType":"FQDN","ports":[{"name":"","port":{{{port}}}}],"endpoints":[{"addresses":["127.0.0.1"],"conditions":{"ready":{{{(isReady ? "true" : "false")}}}}}]}
        """;
}
