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

    [Fact]
    public async Task Each_type_of_patch_is_taken_and_an_apply_meets_its_conflict()
    {
        using var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(server.Kubeconfig));
        const string ns = "csharp-patches";
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = ns } });
        var template = new V1PodTemplateSpec { Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["a"] = "b" } }, Spec = new V1PodSpec { Containers = [new V1Container { Name = "one", Image = "i:1" }] } };
        await client.AppsV1.CreateNamespacedDeploymentAsync(new V1Deployment { Metadata = new V1ObjectMeta { Name = "d" }, Spec = new V1DeploymentSpec { Replicas = 0, Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["a"] = "b" } }, Template = template } }, ns);

        const string two = """{"spec":{"template":{"spec":{"containers":[{"name":"two","image":"i:2"}]}}}}""";
        Assert.Equal("two=i:2 one=i:1", await PatchAsync(two, V1Patch.PatchType.StrategicMergePatch));
        Assert.Equal("two=i:2", await PatchAsync(two, V1Patch.PatchType.MergePatch));
        Assert.Equal("two=i:3", await PatchAsync("""[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"i:3"}]""", V1Patch.PatchType.JsonPatch));
        const string applied = """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"template":{"spec":{"containers":[{"name":"two","image":"i:4"}]}}}}""";
        var refused = await Assert.ThrowsAsync<HttpOperationException>(() => PatchAsync(applied, V1Patch.PatchType.ApplyPatch));
        Assert.Equal(HttpStatusCode.Conflict, refused.Response.StatusCode);
        Assert.Contains("FieldManagerConflict", refused.Response.Content);
        Assert.Equal("two=i:4", await PatchAsync(applied, V1Patch.PatchType.ApplyPatch, force: true));

        var scale = await client.AppsV1.ReadNamespacedDeploymentScaleAsync("d", ns);
        scale.Spec.Replicas = 2;
        // The controller writes the status meanwhile.
        scale.Metadata.ResourceVersion = null;
        Assert.Equal(2, (await client.AppsV1.ReplaceNamespacedDeploymentScaleAsync(scale, "d", ns)).Spec.Replicas);
        var review = await client.AuthorizationV1.CreateSelfSubjectAccessReviewAsync(new V1SelfSubjectAccessReview { Spec = new V1SelfSubjectAccessReviewSpec { ResourceAttributes = new V1ResourceAttributes { Verb = "get", Resource = "pods", NamespaceProperty = ns } } });
        Assert.True(review.Status.Allowed);

        async Task<string> PatchAsync(string patch, V1Patch.PatchType type, bool? force = null)
        {
            var patched = await client.AppsV1.PatchNamespacedDeploymentAsync(new V1Patch(patch, type), "d", ns, fieldManager: "csharp", force: type == V1Patch.PatchType.ApplyPatch ? force : null);
            return string.Join(' ', patched.Spec.Template.Spec.Containers.Select(c => $"{c.Name}={c.Image}"));
        }
    }

    [Fact]
    public async Task It_runs_commands_and_reads_logs()
    {
        const string ns = "csharp-stream";
        using var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(server.Kubeconfig));
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = ns } });
        await server.Api.PostAsync($"/api/v1/namespaces/{ns}/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await using var kubelet = await FakeKubelet.WithPodAsync(server, "node-of-csharp-stream", ns);

        var (said, complained) = ("", "");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var code = await client.NamespacedPodExecAsync("p", ns, "c", ["sh", "-c", "echo out; echo err >&2; exit 3"], false, async (_, output, error) =>
        {
            (said, complained) = (await new StreamReader(output).ReadToEndAsync(), await new StreamReader(error).ReadToEndAsync());
        }, limit.Token);
        Assert.Equal((3, "out\n", "err\n"), (code, said, complained));

        await using var log = await client.CoreV1.ReadNamespacedPodLogAsync("p", ns, tailLines: 2);
        Assert.Equal("second line\nthird line\n", await new StreamReader(log).ReadToEndAsync());
    }
}
