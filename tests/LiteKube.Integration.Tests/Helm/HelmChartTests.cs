using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.HelmTests;

/// <summary>The rest of helm 4: CRDs of a chart, hooks, lookups, tests, waiting, dry runs, a failed upgrade that goes back.</summary>
public sealed class HelmChartTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Fact]
    public async Task A_chart_with_CRDs_hooks_lookups_and_tests_lives_its_whole_life()
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, "1.35", "helm-full");
        await kubectl.OkAsync("create", "configmap", "seen", "--from-literal=k=found");
        var chart = await ChartAsync();

        var installed = await HelmAsync(kubectl, "install", "r", chart, "--wait", "--timeout", "30s");
        Assert.Contains("STATUS: deployed", installed.Success());
        Assert.Equal("hello", await kubectl.JsonPathAsync("gizmo/r", "{.spec.a}"));
        Assert.Equal("""{"apps":"true","greeting":"hello","looked":"found","version":"v1.37.0"}""", await kubectl.JsonPathAsync("configmap/r", "{.data}"));
        Assert.Equal("1", await kubectl.JsonPathAsync("configmap/r-pre", "{.data.revision}"));
        Assert.Contains("greeting: hello", (await HelmAsync(kubectl, "get", "manifest", "r")).Success());
        Assert.Contains("name: r-test", (await HelmAsync(kubectl, "get", "hooks", "r")).Success());
        Assert.Contains("greeting: hello", (await HelmAsync(kubectl, "get", "values", "r", "--all")).Success());

        var dry = (await HelmAsync(kubectl, "upgrade", "r", chart, "--set", "greeting=dry", "--dry-run=server")).Success();
        Assert.Contains("greeting: dry", dry);
        Assert.Contains("looked: \"found\"", dry);
        Assert.Equal("hello", await kubectl.JsonPathAsync("configmap/r", "{.data.greeting}"));

        (await HelmAsync(kubectl, "upgrade", "r", chart, "--set", "greeting=bye", "--wait", "--timeout", "30s")).Success();
        Assert.Equal("bye 2", $"{await kubectl.JsonPathAsync("gizmo/r", "{.spec.a}")} {await kubectl.JsonPathAsync("configmap/r-pre", "{.data.revision}")}");

        await RunTestPodAsync(kubectl);

        Assert.Contains("Rollback was a success", (await HelmAsync(kubectl, "rollback", "r", "1", "--wait", "--timeout", "30s")).Success());
        Assert.Equal("hello", await kubectl.JsonPathAsync("gizmo/r", "{.spec.a}"));
        var status = (await HelmAsync(kubectl, "status", "r")).Success();
        Assert.Contains("REVISION: 3", status);
        Assert.Matches("==> v1/Gizmo\nNAME +AGE\nr +[0-9]+s", status);

        Assert.Contains("release \"r\" uninstalled", (await HelmAsync(kubectl, "uninstall", "r", "--wait", "--timeout", "30s")).Success());
        Assert.Contains("(NotFound)", await kubectl.FailAsync("get", "gizmo", "r"));
        // What hooks made is theirs, and CRDs outlive every release.
        Assert.Equal("configmap/r-post\nconfigmap/r-pre\n", await kubectl.OkAsync("get", "configmap", "r-post", "r-pre", "-o", "name"));
        Assert.Equal("", await kubectl.OkAsync("get", "secrets", "-o", "name"));
        await kubectl.OkAsync("get", "crd", "gizmos.helm.example.com");
    }

    [Fact]
    public async Task What_the_server_refuses_fails_the_release_and_a_failed_upgrade_goes_back()
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, "1.35", "helm-failed");
        var chart = Directory.CreateDirectory(Path.Combine(server.NewDirectory(), "plain")).FullName;
        Directory.CreateDirectory(Path.Combine(chart, "templates"));
        await File.WriteAllTextAsync(Path.Combine(chart, "Chart.yaml"), "apiVersion: v2\nname: plain\nversion: 1.0.0\n");
        await File.WriteAllTextAsync(Path.Combine(chart, "templates", "all.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {greeting: {{ .Values.greeting }}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: {{ .Values.port }}}]}\n");
        (await HelmAsync(kubectl, "install", "r", chart, "--set", "greeting=a,port=80")).Success();

        var typed = (await HelmAsync(kubectl, "upgrade", "r", chart, "--set", "greeting=1,port=80")).Failure().Error;
        Assert.Contains(".data.greeting: expected string, got &value.valueUnstructured{Value:1}", typed);
        var refused = (await HelmAsync(kubectl, "upgrade", "r", chart, "--set", "greeting=b,port=99999", "--rollback-on-failure", "--timeout", "20s")).Failure().Error;
        Assert.Contains("spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive", refused);
        Assert.Equal("a 80", $"{await kubectl.JsonPathAsync("configmap/kept", "{.data.greeting}")} {await kubectl.JsonPathAsync("service/s", "{.spec.ports[0].port}")}");
        Assert.Contains("deployed", (await HelmAsync(kubectl, "history", "r", "--max", "1")).Success());

        Assert.Contains("cannot reuse a name that is still in use", (await HelmAsync(kubectl, "install", "r", chart, "--set", "greeting=a,port=80")).Failure().Error);
        Assert.Contains("exists and cannot be imported into the current release", (await HelmAsync(kubectl, "install", "other", chart, "--set", "greeting=a,port=80")).Failure().Error);
        Assert.Contains("release: not found", (await HelmAsync(kubectl, "status", "nobody")).Failure().Error);
    }

    /// <summary>helm waits for the pod of its test; nothing runs pods here, so this says that it did.</summary>
    private async Task RunTestPodAsync(Kubectl kubectl)
    {
        await using var pods = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Dr-test");
        var testing = HelmAsync(kubectl, "test", "r", "--timeout", "30s");
        Assert.Equal(["ADDED r-test"], await pods.TakeAsync(1));
        var patched = await server.Api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods/r-test/status", """{"status":{"phase":"Succeeded"}}""");
        Assert.True(patched.StatusCode == System.Net.HttpStatusCode.OK, patched.Body);
        Assert.Matches("TEST SUITE: +r-test\n(?s).*Phase: +Succeeded", (await testing).Success());
    }

    private async Task<Ran> HelmAsync(Kubectl kubectl, params string[] arguments) =>
        await Run.Async(await Clients.HelmAsync(), ["-n", kubectl.Namespace, .. arguments], environment: server.Environment(), timeout: TimeSpan.FromSeconds(60));

    private async Task<string> ChartAsync()
    {
        var chart = Path.Combine(server.NewDirectory(), "full");
        foreach (var (path, text) in Files)
        {
            var file = Path.Combine(chart, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, text);
        }
        return chart;
    }

    private static readonly (string Path, string Text)[] Files =
    [
        ("Chart.yaml", "apiVersion: v2\nname: full\nversion: 1.0.0\n"),
        ("values.yaml", "greeting: hello\n"),
        ("crds/gizmo.yaml", """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: gizmos.helm.example.com}
            spec:
              group: helm.example.com
              scope: Namespaced
              names: {plural: gizmos, kind: Gizmo}
              versions:
              - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}}}
            """),
        ("templates/all.yaml", """
            apiVersion: helm.example.com/v1
            kind: Gizmo
            metadata:
              name: {{ .Release.Name }}
            spec:
              a: {{ .Values.greeting }}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: {{ .Release.Name }}
            data:
              looked: {{ (lookup "v1" "ConfigMap" .Release.Namespace "seen").data.k | default "nothing" | quote }}
              version: {{ .Capabilities.KubeVersion.Version }}
              apps: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
              greeting: {{ .Values.greeting }}

            """),
        ("templates/hooks.yaml", """
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: {{ .Release.Name }}-pre
              annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-5", "helm.sh/hook-delete-policy": before-hook-creation}
            data: {revision: "{{ .Release.Revision }}"}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: {{ .Release.Name }}-post
              annotations: {"helm.sh/hook": post-delete}

            """),
        ("templates/tests/pod.yaml", """
            apiVersion: v1
            kind: Pod
            metadata:
              name: {{ .Release.Name }}-test
              annotations: {"helm.sh/hook": test}
            spec:
              restartPolicy: Never
              containers: [{name: t, image: t}]

            """),
    ];
}
