using LiteKube.Controllers.EndpointSliceMirroring;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.EndpointSliceMirroring;

/// <summary>What Kubernetes' conformance suite asks of EndpointSliceMirroring, the test named as its spec.</summary>
public sealed class EndpointSliceMirroringConformanceTests : ServerTest
{
    private const string Endpoints = "/api/v1/namespaces/default/endpoints";

    [Fact]
    public async Task Should_mirror_a_custom_Endpoints_resource_through_create_update_and_delete()
    {
        await StartAsync(new EndpointSliceMirroringController(Client("endpointslicemirroring-controller"), Informers, Recorder("endpoint-slice-mirroring-controller"), TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        await using var slices = await Server.WatchAsync("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?watch=true&labelSelector=kubernetes.io%2Fservice-name%3Dcustom");
        await CreateAsync("/api/v1/namespaces/default/services", """{"metadata":{"name":"custom"},"spec":{"ports":[{"name":"example","port":80,"protocol":"TCP"}]}}""");
        await CreateAsync(Endpoints, """{"metadata":{"name":"custom"},"subsets":[{"ports":[{"name":"example","port":80}],"addresses":[{"ip":"10.1.2.3"}]}]}""");
        var created = await UntilAsync(slices, c => (string?)c["type"] == "ADDED", "the slice");
        Assert.Equal("""["10.1.2.3"]""", created["endpoints"]![0]!["addresses"]!.ToJsonString());
        Assert.Equal(("example", 80, "TCP"), ((string?)created["ports"]![0]!["name"], (int)created["ports"]![0]!["port"]!, (string?)created["ports"]![0]!["protocol"]));
        Assert.Equal("endpointslicemirroring-controller.k8s.io", (string?)created["metadata"]!["labels"]!["endpointslice.kubernetes.io/managed-by"]);

        await PatchAsync(Endpoints + "/custom", """{"subsets":[{"ports":[{"name":"example","port":8080}],"addresses":[{"ip":"10.2.3.4"}]}]}""");
        var updated = await UntilAsync(slices, c => (string?)c["object"]!["endpoints"]?[0]?["addresses"]?[0] == "10.2.3.4", "the new address");
        Assert.Equal((8080, Name(created)), ((int)updated["ports"]![0]!["port"]!, Name(updated)));

        await Server.DeleteAsync(Endpoints + "/custom");
        await UntilAsync(slices, c => (string?)c["type"] == "DELETED", "the end of the slice");
    }
}
