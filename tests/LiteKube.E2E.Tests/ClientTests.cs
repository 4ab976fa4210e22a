using System.Globalization;
using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>logs, exec, attach, cp and port-forward from kubectl releases that speak SPDY and WebSocket.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class ClientTests(SharedCluster shared)
{
    private readonly LiteKubeCluster _cluster = shared.Cluster;

    public static TheoryData<string> Kubectls => new("1.20", "1.32", "1.35");

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task A_kubectl_of_any_age_streams(string release)
    {
        var kubectl = await Clients.KubectlAsync(release);
        var ns = "stream-" + release.Replace('.', '-');
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync(Manifests.WebApp(ns, "web", 1));
        (await _cluster.KubectlAsync("-n", ns, "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        var pod = (await Kubectl("get", "pod", "-o", "jsonpath={.items[0].metadata.name}")).Success();

        Assert.Equal("out", (await Kubectl("exec", pod, "--", "echo", "out")).Success().Trim());
        Assert.Equal("from stdin", (await KubectlWith("from stdin", "exec", "-i", pod, "--", "cat")).Success());
        var failed = (await Kubectl("exec", pod, "--", "sh", "-c", "echo no >&2; exit 7")).Failure();
        Assert.Equal(7, failed.ExitCode);
        Assert.Contains("no", failed.Error);

        var directory = Directory.CreateTempSubdirectory("litekube-cp-").FullName;
        try
        {
            var sent = Path.Combine(directory, "sent");
            var bytes = new byte[300_000];
            Random.Shared.NextBytes(bytes);
            await File.WriteAllBytesAsync(sent, bytes);
            (await Kubectl("cp", sent, $"{pod}:/tmp/there")).Success();
            (await Kubectl("cp", $"{pod}:/tmp/there", Path.Combine(directory, "back"))).Success();
            Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(directory, "back")));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        await using var forward = await PortForward.StartAsync(kubectl, _cluster.ClientEnvironment, ns, $"pod/{pod}", 8080);
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        for (var i = 0; i < 3; i++)
            Assert.Equal($"v1 {pod}", (await http.GetStringAsync($"http://127.0.0.1:{forward.LocalPort}/")).Trim());

        Task<Ran> Kubectl(params string[] arguments) => _cluster.KubectlAsync(["-n", ns, .. arguments], input: null, kubectl);
        Task<Ran> KubectlWith(string input, params string[] arguments) => _cluster.KubectlAsync(["-n", ns, .. arguments], input, kubectl);
    }

    [Fact]
    public async Task Logs_are_followed_cut_and_kept_over_a_restart()
    {
        (await _cluster.KubectlAsync("create", "namespace", "logs")).Success();
        await _cluster.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: logs}
            spec:
              restartPolicy: Never
              containers: [{name: c, image: 'busybox:e2e', command: [sh, -c, 'for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done']}]
            """);
        (await _cluster.KubectlAsync("-n", "logs", "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/p", "--timeout=60s")).Success();
        Assert.Equal("line 1\nline 2\nline 3\nline 4\nline 5\n", (await _cluster.KubectlAsync("-n", "logs", "logs", "-f", "p")).Success());
        Assert.Equal("line 4\nline 5\n", (await _cluster.KubectlAsync("-n", "logs", "logs", "p", "--tail=2")).Success());
        Assert.Equal("line 1\nline 2\nline 3\nline 4\nline 5\n", (await _cluster.KubectlAsync("-n", "logs", "logs", "p", "--since=1h")).Success());
        var ended = (await _cluster.KubectlAsync("-n", "logs", "get", "pod", "p", "-o", "jsonpath={.status.containerStatuses[0].state.terminated.finishedAt}")).Success();
        var later = DateTime.Parse(ended, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind).AddSeconds(1).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        Assert.Equal("", (await _cluster.KubectlAsync("-n", "logs", "logs", "p", $"--since-time={later}")).Success());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT[^ ]+ line 1\n", (await _cluster.KubectlAsync("-n", "logs", "logs", "p", "--timestamps")).Success());
        Assert.Contains("container x is not valid for pod p", (await _cluster.KubectlAsync("-n", "logs", "logs", "p", "-c", "x")).Failure().Error);
    }

    [Fact]
    public async Task Helm_installs_upgrades_rolls_back_and_uninstalls_a_chart()
    {
        var helm = await Clients.HelmAsync();
        (await _cluster.KubectlAsync("create", "namespace", "charts")).Success();
        var chart = Directory.CreateTempSubdirectory("litekube-chart-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(chart, "templates"));
            await File.WriteAllTextAsync(Path.Combine(chart, "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n");
            await File.WriteAllTextAsync(Path.Combine(chart, "values.yaml"), "greeting: hello\n");
            await File.WriteAllTextAsync(Path.Combine(chart, "templates", "all.yaml"), """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: '{{ .Release.Name }}-greeting'}
                data: {greeting: '{{ .Values.greeting }}'}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: '{{ .Release.Name }}'}
                spec:
                  replicas: 1
                  selector:
                    matchLabels: {app: '{{ .Release.Name }}'}
                  template:
                    metadata:
                      labels: {app: '{{ .Release.Name }}'}
                      annotations: {greeting: '{{ .Values.greeting }}'}
                    spec:
                      terminationGracePeriodSeconds: 0
                      containers: [{name: c, image: 'busybox:e2e', command: [sleep, '100000']}]
                """);
            (await Helm("install", "r", chart, "--wait", "--timeout", "90s")).Success();
            Assert.Equal("hello", await Greeting());
            (await Helm("upgrade", "r", chart, "--set", "greeting=good evening", "--wait", "--timeout", "90s")).Success();
            Assert.Equal("good evening", await Greeting());
            (await Helm("rollback", "r", "1", "--wait", "--timeout", "90s")).Success();
            Assert.Equal("hello", await Greeting());
            Assert.Contains("deployed", (await Helm("list")).Success());
            (await Helm("uninstall", "r", "--wait", "--timeout", "90s")).Success();
            Assert.Equal("", (await _cluster.KubectlAsync("-n", "charts", "get", "deployment,pod", "-o", "name")).Success().Trim());
        }
        finally
        {
            Directory.Delete(chart, recursive: true);
        }

        Task<Ran> Helm(params string[] arguments) => Run.Async(helm, ["-n", "charts", .. arguments], environment: _cluster.ClientEnvironment);
        async Task<string> Greeting() => (await _cluster.KubectlAsync("-n", "charts", "get", "configmap", "r-greeting", "-o", "jsonpath={.data.greeting}")).Success();
    }
}
