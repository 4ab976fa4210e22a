using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.Libraries;

/// <summary>The C# client of the Kubernetes project, over TLS from a kubeconfig.</summary>
public sealed class CSharpClientTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Fact]
    public async Task It_creates_pages_patches_watches_and_deletes()
    {
        using var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(server.Kubeconfig));
        const string ns = "csharp-client";
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = ns } });
        for (var i = 0; i < 5; i++)
            await client.CoreV1.CreateNamespacedConfigMapAsync(new V1ConfigMap { Metadata = new V1ObjectMeta { Name = $"c{i}", Labels = new Dictionary<string, string> { ["app"] = "x" } }, Data = new Dictionary<string, string> { ["k"] = "1" } }, ns);

        var names = new List<string>();
        string? next = null;
        do
        {
            var page = await client.CoreV1.ListNamespacedConfigMapAsync(ns, labelSelector: "app=x", limit: 2, continueParameter: next);
            Assert.InRange(page.Items.Count, 1, 2);
            names.AddRange(page.Items.Select(c => c.Metadata.Name));
            next = page.Metadata.ContinueProperty;
        }
        while (!string.IsNullOrEmpty(next));
        Assert.Equal(["c0", "c1", "c2", "c3", "c4"], names);

        var from = (await client.CoreV1.ListNamespacedConfigMapAsync(ns)).Metadata.ResourceVersion;
        var patched = await client.CoreV1.PatchNamespacedConfigMapAsync(new V1Patch("""{"data":{"k":"2"}}""", V1Patch.PatchType.MergePatch), "c0", ns);
        Assert.Equal("2", patched.Data["k"]);
        await client.CoreV1.DeleteNamespacedConfigMapAsync("c1", ns);

        // As an informer resumes: from a version in the past, each change once, in order.
        await using var watch = await server.Api.WatchAsync($"/api/v1/namespaces/{ns}/configmaps?watch=true&labelSelector=app%3Dx&resourceVersion={from}");
        Assert.Equal(["MODIFIED c0", "DELETED c1"], await watch.TakeAsync(2));

        var refused = await Assert.ThrowsAsync<HttpOperationException>(() => client.CoreV1.ReadNamespacedConfigMapAsync("c1", ns));
        Assert.Equal(HttpStatusCode.NotFound, refused.Response.StatusCode);
        Assert.Contains("configmaps \\\"c1\\\" not found", refused.Response.Content);
        await client.CoreV1.DeleteCollectionNamespacedConfigMapAsync(ns, labelSelector: "app=x");
        Assert.Empty((await client.CoreV1.ListNamespacedConfigMapAsync(ns, labelSelector: "app=x")).Items);
    }
}
