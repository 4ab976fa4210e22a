using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>What kubectl of three releases says of what it writes.</summary>
public sealed class WritingTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string Deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 1
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - {name: a, image: 'a:1', env: [{name: X, value: '1'}]}
              - {name: b, image: 'b:1'}
        """;

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Objects_are_created_applied_replaced_and_edited(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "write");
        Assert.Equal("configmap/a created\n", await kubectl.OkAsync("create", "configmap", "a", "--from-literal=k=v"));
        Assert.Equal("secret/s created\n", await kubectl.OkAsync("create", "secret", "generic", "s", "--from-literal=k=v"));
        Assert.Equal("serviceaccount/sa created\n", await kubectl.OkAsync("create", "serviceaccount", "sa"));
        Assert.Equal("dg==", await kubectl.JsonPathAsync("secret/s", "{.data.k}"));

        const string manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {one: '1', two: '2'}\n";
        Assert.Equal("configmap/b created\n", await kubectl.ApplyAsync(manifest));
        Assert.Equal("configmap/b unchanged\n", await kubectl.ApplyAsync(manifest));
        Assert.Equal("configmap/b configured\n", await kubectl.ApplyAsync(manifest.Replace(", two: '2'", "")));
        Assert.Equal("{\"one\":\"1\"}", await kubectl.JsonPathAsync("configmap/b", "{.data}"));

        Assert.Equal("configmap/b replaced\n", await kubectl.OkWithAsync(manifest.Replace("one", "three"), "replace", "-f", "-"));
        Assert.Equal("{\"three\":\"1\",\"two\":\"2\"}", await kubectl.JsonPathAsync("configmap/b", "{.data}"));

        var edited = await kubectl.RunAsync(["edit", "configmap/b"], editor: "sed -i s/three/four/");
        Assert.Equal("configmap/b edited\n", edited.Success());
        Assert.Equal("1", await kubectl.JsonPathAsync("configmap/b", "{.data.four}"));

        Assert.Contains("server dry run", await kubectl.ApplyAsync("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: never}\n", "--dry-run=server"));
        Assert.Contains("(NotFound)", await kubectl.FailAsync("get", "configmap", "never"));
        Assert.Equal("pod/p created (server dry run)\n", await kubectl.OkAsync("run", "p", "--image=busybox", "--dry-run=server"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Patches_of_each_type_labels_and_annotations_are_taken(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "patch");
        await kubectl.ApplyAsync(Deployment);
        Assert.Equal("deployment.apps/web patched\n", await kubectl.OkAsync("patch", "deployment", "web", "-p", """{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:2"}]}}}}"""));
        Assert.Equal("a:1 b:2", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[?(@.name=='a')].image} {.spec.template.spec.containers[?(@.name=='b')].image}"));
        Assert.Equal("deployment.apps/web patched\n", await kubectl.OkAsync("patch", "deployment", "web", "--type=merge", "-p", """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"c:1"}]}}}}"""));
        Assert.Equal("c", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[*].name}"));
        Assert.Equal("deployment.apps/web patched\n", await kubectl.OkAsync("patch", "deployment", "web", "--type=json", "-p", """[{"op":"test","path":"/spec/replicas","value":1},{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"d","image":"d:1"}}]"""));
        Assert.Equal("c d", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[*].name}"));
        Assert.Equal("deployment.apps/web patched (no change)\n", await kubectl.OkAsync("patch", "deployment", "web", "-p", """{"spec":{"replicas":1}}"""));
        Assert.Contains("deployment/web", (await kubectl.OkAsync("set", "env", "deployment/web", "Y=2", "-c", "c")).Replace(".apps", ""));
        Assert.Equal("2", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[0].env[0].value}"));

        Assert.Equal("deployment.apps/web labeled\n", await kubectl.OkAsync("label", "deployment", "web", "tier=front"));
        Assert.Contains("already has a value (front), and --overwrite is false", await kubectl.FailAsync("label", "deployment", "web", "tier=back"));
        Assert.Equal("deployment.apps/web labeled\n", await kubectl.OkAsync("label", "deployment", "web", "tier=back", "--overwrite"));
        Assert.Matches("deployment.apps/web (un)?labeled\n", await kubectl.OkAsync("label", "deployment", "web", "tier-"));
        Assert.Equal("deployment.apps/web annotated\n", await kubectl.OkAsync("annotate", "deployment", "web", "note=hello there"));
        Assert.Equal("hello there", await kubectl.JsonPathAsync("deployment/web", "{.metadata.annotations.note}"));
        Assert.Equal("", await kubectl.JsonPathAsync("deployment/web", "{.metadata.labels.tier}"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Diff_prune_and_kustomize_work(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "apply");
        string Map(string name, string value) => $"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, labels: {{set: one}}}}\ndata: {{k: '{value}'}}\n---\n";
        await kubectl.ApplyAsync(Map("a", "1") + Map("b", "1"));
        var diff = await kubectl.RunAsync(["diff", "-f", "-"], Map("a", "2"));
        Assert.Equal(1, diff.ExitCode);
        Assert.Contains("-  k: \"1\"", diff.Out);
        Assert.Contains("+  k: \"2\"", diff.Out);
        Assert.Equal(0, (await kubectl.RunAsync(["diff", "-f", "-"], Map("a", "1"))).ExitCode);

        var pruned = await kubectl.ApplyAsync(Map("a", "1"), "--prune", "-l", "set=one", release == "1.20" ? "--prune-whitelist=core/v1/ConfigMap" : "--prune-allowlist=core/v1/ConfigMap");
        Assert.Equal("configmap/a unchanged\nconfigmap/b pruned\n", pruned);

        var directory = server.NewDirectory();
        await File.WriteAllTextAsync(Path.Combine(directory, "kustomization.yaml"), """
            namePrefix: k-
            configMapGenerator:
            - name: generated
              literals: [greeting=hello]
            resources: [service.yaml]
            """);
        await File.WriteAllTextAsync(Path.Combine(directory, "service.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n");
        var applied = await kubectl.OkAsync("apply", "-k", directory);
        Assert.Matches("configmap/k-generated-[a-z0-9]+ created\nservice/k-s created\n", applied);
        Assert.Matches("configmap \"k-generated-[a-z0-9]+\" deleted.*\nservice \"k-s\" deleted.*\n", await kubectl.OkAsync("delete", "-k", directory));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Objects_are_deleted_with_their_dependents_or_without(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "delete");
        await kubectl.ApplyAsync("""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: 'y'}}}
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: b, labels: {x: 'y'}}}
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
            """);
        Assert.Matches("configmap \"a\" deleted.*\nconfigmap \"b\" deleted.*\n", await kubectl.OkAsync("delete", "configmap", "-l", "x=y"));
        Assert.Contains("configmap \"c\" force deleted", await kubectl.OkAsync("delete", "configmap", "c", "--grace-period=0", "--force"));
        Assert.Equal("", await kubectl.OkAsync("delete", "configmap", "c", "--ignore-not-found"));

        // kubectl 1.20 has the cascades of later releases already.
        foreach (var cascade in (string[])["background", "foreground", "orphan"])
        {
            await kubectl.ApplyAsync(Deployment);
            await kubectl.OkAsync("wait", "--for=condition=Progressing", "deployment/web", "--timeout=20s");
            var set = await kubectl.JsonPathAsync("replicaset", "{.items[0].metadata.name}");
            Assert.Contains("deployment.apps \"web\" deleted", await kubectl.OkAsync("delete", "deployment", "web", $"--cascade={cascade}"));
            if (cascade == "orphan")
            {
                Assert.Equal("", await kubectl.JsonPathAsync($"replicaset/{set}", "{.metadata.ownerReferences}"));
                Assert.Contains("deleted", await kubectl.OkAsync("delete", "replicaset", set));
            }
            else
            {
                await kubectl.RunAsync(["wait", "--for=delete", $"replicaset/{set}", "--timeout=20s"]);
                Assert.Equal("", await kubectl.OkAsync("get", "replicaset", "-o", "name"));
            }
        }
        Assert.Contains($"namespace \"{kubectl.Namespace}\" deleted", await kubectl.OkAsync("delete", "namespace", kubectl.Namespace));
    }
}
