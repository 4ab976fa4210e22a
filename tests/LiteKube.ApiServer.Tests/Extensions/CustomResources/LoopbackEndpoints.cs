using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Storage;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>A service's endpoint on this machine's loopback, which the API refuses and a test's webhook listens at: it goes into the store itself.</summary>
internal static class LoopbackEndpoints
{
    public static async Task PutAsync(TestApiServer server, string service, int port)
    {
        var slice = JsonNode.Parse($$$"""
            {"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"{{{service}}}-1","namespace":"default","labels":{"kubernetes.io/service-name":"{{{service}}}"}},
              "addressType":"IPv4","ports":[{"name":"","port":{{{port}}}}],"endpoints":[{"addresses":["127.0.0.1"]}]}
            """)!.AsObject();
        var encoded = ObjectWriter.WriteForStore(slice);
        await server.Store.PutAsync($"discovery.k8s.io/endpointslices/default/{service}-1", new ValueTemplate(encoded.Utf8, encoded.ResourceVersionOffset), 0, CancellationToken.None);
    }
}
