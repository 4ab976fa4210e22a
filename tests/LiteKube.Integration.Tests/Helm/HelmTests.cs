using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.HelmTests;

/// <summary>helm 4, applying on the server and on its own side, against the API alone: no pod ever runs.</summary>
public sealed class HelmTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [InlineData("--server-side=true")]
    [InlineData("--server-side=false")]
    public async Task A_chart_is_installed_upgraded_rolled_back_and_uninstalled(string side)
    {
        var helm = await Clients.HelmAsync();
        var kubectl = await Kubectl.InNewNamespaceAsync(server, "1.35", side.EndsWith("true", StringComparison.Ordinal) ? "helm-server" : "helm-client");
        var chart = await ChartAsync();
        Assert.Contains("1 chart(s) linted, 0 chart(s) failed", await Helm("lint", chart));
        Assert.Contains("kind: Deployment", await Helm("template", "r", chart));

        Assert.Contains("STATUS: deployed", await Helm("install", "r", chart, side));
        Assert.Equal("hello", await Greeting());
        Assert.Equal("Helm", await kubectl.JsonPathAsync("service/r", "{.metadata.labels.app\\.kubernetes\\.io/managed-by}"));
        Assert.Contains("greeting: hello", await Helm("get", "manifest", "r"));

        Assert.Contains("REVISION: 2", await Helm("upgrade", "r", chart, side, "--set", "greeting=bye,replicas=2"));
        Assert.Equal("bye 2", await Greeting() + " " + await kubectl.JsonPathAsync("deployment/r", "{.spec.replicas}"));
        Assert.Contains("Rollback was a success", await Helm("rollback", "r", "1", side));
        Assert.Equal("hello 1", await Greeting() + " " + await kubectl.JsonPathAsync("deployment/r", "{.spec.replicas}"));

        var history = await Helm("history", "r");
        Assert.Matches(@"(?s)^REVISION.*\n1 .*superseded.*\n2 .*superseded.*\n3 .*deployed.*Rollback to 1", history);
        Assert.Matches(@"(?m)^r\s+" + kubectl.Namespace + @"\s+3\s", await Helm("list"));

        Assert.Contains("release \"r\" uninstalled", await Helm("uninstall", "r"));
        await kubectl.RunAsync(["wait", "--for=delete", "deployment/r", "--timeout=20s"]);
        Assert.Equal("", await kubectl.OkAsync("get", "deployment,service,secret", "-o", "name"));

        async Task<string> Helm(params string[] arguments) => (await Run.Async(helm, ["-n", kubectl.Namespace, .. arguments], environment: server.Environment(), timeout: TimeSpan.FromSeconds(60))).Success();
        Task<string> Greeting() => kubectl.JsonPathAsync("configmap/r", "{.data.greeting}");
    }

    private async Task<string> ChartAsync()
    {
        var chart = Path.Combine(server.NewDirectory(), "web");
        Directory.CreateDirectory(Path.Combine(chart, "templates"));
        await File.WriteAllTextAsync(Path.Combine(chart, "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\nicon: https://example.com/i.png\n");
        await File.WriteAllTextAsync(Path.Combine(chart, "values.yaml"), "greeting: hello\nreplicas: 1\n");
        await File.WriteAllTextAsync(Path.Combine(chart, "templates", "all.yaml"), """
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: {{ .Release.Name }}
            data:
              greeting: {{ .Values.greeting }}
            ---
            apiVersion: v1
            kind: Secret
            metadata:
              name: {{ .Release.Name }}
            stringData:
              key: value
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: {{ .Release.Name }}
            spec:
              selector:
                app: {{ .Release.Name }}
              ports:
              - port: 80
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: {{ .Release.Name }}
            spec:
              replicas: {{ .Values.replicas }}
              selector:
                matchLabels:
                  app: {{ .Release.Name }}
              template:
                metadata:
                  labels:
                    app: {{ .Release.Name }}
                spec:
                  containers:
                  - name: c
                    image: web:1

            """);
        return chart;
    }
}
