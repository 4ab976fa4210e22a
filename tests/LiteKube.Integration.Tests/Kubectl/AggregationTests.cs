using LiteKube.Integration.Tests.Support;
using LiteKube.Testing.Extensions;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>What kubectl of three releases does with the API of an extension server.</summary>
public sealed class AggregationTests
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task An_extension_servers_resources_are_found_created_shown_explained_and_go_with_their_namespace(string release)
    {
        var server = new IntegrationServer();
        await server.InitializeAsync();
        await using var extension = await FakeExtensionServer.StartAsync((await server.Api.GetAsync("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")).Json);
        try
        {
            var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "flunders");
            await kubectl.ApplyAsync($$$"""
                apiVersion: v1
                kind: List
                items:
                - {apiVersion: v1, kind: Namespace, metadata: {name: wardle}}
                - {apiVersion: v1, kind: Service, metadata: {name: sample-api, namespace: wardle}, spec: {ports: [{port: 7443}]}}
                - {{{LoopbackEndpoints.Slice(FakeExtensionServer.Service, extension.Port).Trim()}}}
                - {{{extension.ApiService().ReplaceLineEndings(" ")}}}
                """, "--validate=false", "-n", "wardle");
            await kubectl.OkAsync("wait", "--for=condition=Available", $"apiservice/{FakeExtensionServer.Name}", "--timeout=30s");

            var services = await kubectl.OkAsync("get", "apiservices");
            Assert.Matches("^NAME +SERVICE +AVAILABLE +AGE\n", services);
            Assert.Matches("(?m)^v1alpha1.wardle.example.com +wardle/sample-api +True +[0-9]+s$", services);
            Assert.Matches("(?m)^v1.apps +Local +True +[0-9]+[sm]", services);
            Assert.Contains("wardle.example.com/v1alpha1\n", await kubectl.OkAsync("api-versions"));
            await DiscoveredAsync(kubectl);
            Assert.Equal("flunder.wardle.example.com/a created\n", await kubectl.OkWithAsync("""{"apiVersion":"wardle.example.com/v1alpha1","kind":"Flunder","metadata":{"name":"a"},"spec":{"reference":"r"}}""", "create", "--validate=false", "-f", "-"));
            Assert.Matches("^NAME +(CREATED AT|AGE)\na +", await kubectl.OkAsync("get", "flunders"));
            Assert.Equal("r", await kubectl.OkAsync("get", "fl", "a", "-o", "jsonpath={.spec.reference}"));
            Assert.Contains("flunders.wardle.example.com \"missing\" not found", await kubectl.FailAsync("get", "flunder", "missing"));
            await ExplainedAsync(kubectl);

            // The namespace controller finds and removes them as any other resource.
            await kubectl.OkAsync("delete", "namespace", kubectl.Namespace, "--timeout=50s");
            Assert.Contains(extension.Seen, s => s is { Method: "DELETE", User: "system:serviceaccount:kube-system:namespace-controller" });
            Assert.Equal("", (await kubectl.RunAsync(["get", "flunders", "-o", "name"])).Out);

            await server.Api.DeleteAsync("/apis/discovery.k8s.io/v1/namespaces/wardle/endpointslices/sample-api-1");
            await kubectl.OkAsync("wait", "--for=condition=Available=false", $"apiservice/{FakeExtensionServer.Name}", "--timeout=30s");
            Assert.Matches("(?m)^v1alpha1.wardle.example.com +wardle/sample-api +False \\(EndpointsNotFound\\) ", await kubectl.OkAsync("get", "apiservices"));
            Assert.Matches("(?i)unable to handle the request|stale GroupVersion|doesn't have a resource type|service unavailable", await kubectl.FailAsync("get", "flunders"));
            Assert.Matches("^NAME ", await kubectl.OkAsync("get", "namespaces"));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>Discovery of the resources themselves may come a moment after availability.</summary>
    private static async Task DiscoveredAsync(Kubectl kubectl)
    {
        for (var attempt = 0; ; attempt++)
        {
            var run = await kubectl.RunAsync(["api-resources", "--api-group=wardle.example.com", "--cached=false"]);
            if (run.ExitCode == 0 && run.Out.Contains("flunders", StringComparison.Ordinal))
            {
                Assert.Matches("(?m)^flunders +fl +.*true +Flunder$", run.Out);
                return;
            }
            Assert.True(attempt < 20, $"flunders are not discovered: {run.Out}{run.Error}");
        }
    }

    private static async Task ExplainedAsync(Kubectl kubectl)
    {
        for (var attempt = 0; ; attempt++)
        {
            var run = await kubectl.RunAsync(["explain", "flunders.spec"]);
            if (run.ExitCode == 0 && run.Out.Contains("KIND:", StringComparison.Ordinal))
            {
                Assert.Contains("Flunder", run.Out);
                return;
            }
            Assert.True(attempt < 20, $"flunders are not explained: {run.Out}{run.Error}");
        }
    }
}
