using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>client-go's informer, as kubectl 1.35 has it inside: it lists by watching (https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/3157-watch-list).</summary>
public sealed class InformerTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Fact]
    public async Task An_informer_of_client_go_has_its_list_from_the_watch_and_falls_back_to_none()
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, "1.35", "watch-list");
        await kubectl.OkAsync("run", "p", "--image=busybox");
        var waiting = kubectl.RunAsync(["wait", "--for=condition=Ready", "pod/p", "--timeout=30s", "-v=7"]);
        var patched = await server.Api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods/p/status", """{"status":{"conditions":[{"type":"Ready","status":"True"}]}}""", "application/strategic-merge-patch+json");
        Assert.True(patched.StatusCode == System.Net.HttpStatusCode.OK, patched.Body);
        var ran = await waiting;
        Assert.Equal("pod/p condition met\n", ran.Success());
        var requests = ran.Error.Split('\n').Where(line => line.Contains("verb=\"GET\"", StringComparison.Ordinal) && line.Contains("/pods?", StringComparison.Ordinal)).ToList();
        // The pod may have been ready at the first look: then no informer was needed.
        Assert.All(requests, line => Assert.Contains("sendInitialEvents=true", line));
        Assert.DoesNotContain("falling back", ran.Error);

        var timedOut = await kubectl.RunAsync(["wait", "--for=condition=Never", "pod/p", "--timeout=2s", "-v=7"]);
        Assert.Contains("timed out waiting for the condition on pods/p", timedOut.Failure().Error);
        Assert.Contains("resourceVersionMatch=NotOlderThan&sendInitialEvents=true", timedOut.Error);
        Assert.DoesNotContain("falling back", timedOut.Error);
    }
}
