using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>What starts, stops and dies around the pods, and what they notice of it: nothing.</summary>
public sealed class LifecycleTests(LifecycleTests.OwnCluster own) : IClassFixture<LifecycleTests.OwnCluster>
{
    private readonly LiteKubeCluster _cluster = own.Cluster;

    [Fact]
    public async Task A_machine_without_a_network_or_an_image_becomes_ready_and_serves_what_is_imported()
    {
        await using var unplugged = await Enclosure.StartAsync();
        Assert.Equal("lo", (await unplugged.ShellAsync("ls /sys/class/net; ip -br link | cut -d' ' -f1")).Success().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        await using var cluster = await LiteKubeCluster.StartInAsync(unplugged);
        Assert.Equal("True", await cluster.GetAsync("default", "node", ".items[0].status.conditions[?(@.type=='Ready')].status"));
        var images = (await cluster.LiteKubeAsync(["images", "list"])).Success();
        Assert.Equal(2, images.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length); // The heading, and the pause image that the program writes itself.

        await cluster.ImportTestImageAsync();
        await cluster.ApplyAsync(Manifests.WebApp("default", "web", 2));
        await cluster.ApplyAsync(Manifests.Sleeper("default", "client"));
        (await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=90s")).Success();
        await cluster.WaitAsync("default", "pod/client", "condition=Ready");
        var clusterIp = await cluster.GetAsync("default", "service/web", ".spec.clusterIP");
        Assert.StartsWith("v1 web-", (await unplugged.ShellAsync($"curl -sS -m 10 http://{clusterIp}/")).Success());
        Assert.StartsWith("v1 web-", (await cluster.ExecAsync("default", "client", "timeout 10 wget -q -O - http://web.default.svc.cluster.local/")).Success());
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("kill -9")]
    public async Task A_server_that_comes_back_finds_the_same_pods_which_served_all_the_while(string end)
    {
        var ns = "back-" + (end == "stop" ? "stopped" : "killed");
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync(Manifests.WebApp(ns, "web", 2));
        (await _cluster.KubectlAsync("-n", ns, "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        var url = $"http://{await _cluster.GetAsync(ns, "service/web", ".spec.clusterIP")}/";
        var before = await PodsAsync(ns);

        using var load = new RequestLoad(url);
        await load.UntilAnsweredAsync(20);
        if (end == "stop")
            (await _cluster.LiteKubeAsync(["stop"])).Success();
        else
            await KillAsync(await _cluster.ServerProcessAsync());
        Assert.Equal(3, (await _cluster.LiteKubeAsync(["status"])).ExitCode);
        await load.UntilAnsweredAsync(20);
        await _cluster.StartAgainAsync();
        await load.UntilAnsweredAsync(20);
        var (answered, failures) = await load.StopAsync();

        Assert.True(failures.Count == 0, $"{failures.Count} of {answered + failures.Count} requests failed, first: {failures.FirstOrDefault()}");
        Assert.Equal(before, await PodsAsync(ns));
        // And it governs them again: the old pods can be scaled away.
        (await _cluster.KubectlAsync("-n", ns, "scale", "deployment/web", "--replicas=1")).Success();
        await _cluster.WaitAsync(ns, "deployment/web", "jsonpath={.status.replicas}=1");
    }

    [Fact]
    public async Task A_killed_containerd_restarts_no_container_and_loses_nothing()
    {
        const string ns = "containerd";
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync(Manifests.WebApp(ns, "web", 2));
        (await _cluster.KubectlAsync("-n", ns, "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        var before = await PodsAsync(ns);
        var pod = (await _cluster.GetAsync(ns, "pod", ".items[0].metadata.name"));

        using var load = new RequestLoad($"http://{await _cluster.GetAsync(ns, "service/web", ".spec.clusterIP")}/");
        await load.UntilAnsweredAsync(20);
        var killed = await _cluster.ContainerdProcessAsync();
        await KillAsync(killed);
        await Wait.ForAsync("another containerd", async () => (await Run.Shell($"pgrep -f -- '^[^ ]*containerd --config {_cluster.DataDir}/'")).Out.Trim(), pid => pid.Length > 0 && pid != killed);
        (await _cluster.LiteKubeAsync(["status", "--wait-ready", "--timeout", "60s"])).Success();
        await load.UntilAnsweredAsync(20);
        var (answered, failures) = await load.StopAsync();

        Assert.True(failures.Count == 0, $"{failures.Count} of {answered + failures.Count} requests failed, first: {failures.FirstOrDefault()}");
        Assert.Equal("alive\n", (await Wait.ForAsync("exec in an old container", () => _cluster.ExecAsync(ns, pod, "echo alive"), ran => ran.ExitCode == 0)).Out);
        Assert.Equal(before, await PodsAsync(ns));
        await _cluster.ApplyAsync(Manifests.Sleeper(ns, "new"));
        await _cluster.WaitAsync(ns, "pod/new", "condition=Ready");
    }

    [Fact]
    public async Task Writes_acknowledged_before_a_kill_are_there_after_it()
    {
        (await _cluster.KubectlAsync("create", "namespace", "durable")).Success();
        // A shell writes as fast as kubectl answers, noting each answer, until the server is shot under it.
        var notes = Path.Combine(_cluster.DataDir, "acknowledged");
        var writer = Run.Shell($"i=0; while kubectl --kubeconfig {_cluster.Kubeconfig} -n durable create configmap c$i --from-literal=n=$i; do echo c$i >> {notes}; i=$((i+1)); done; false");
        await Wait.ForAsync("the tenth write", () => Task.FromResult(File.Exists(notes) ? File.ReadAllLines(notes).Length : 0), count => count >= 10);
        await KillAsync(await _cluster.ServerProcessAsync());
        (await writer).Failure();
        await _cluster.StartAgainAsync();

        var kept = (await _cluster.GetAsync("durable", "configmap", ".items[*].metadata.name")).Split(' ');
        Assert.Empty(File.ReadAllLines(notes).Except(kept));
    }

    /// <summary>What must not change: names, container ids, restarts, addresses.</summary>
    private async Task<string> PodsAsync(string ns) => (await _cluster.KubectlAsync("-n", ns, "get", "pods", "-l", "app=web", "-o",
        "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{\"\\n\"}{end}")).Success();

    private static async Task KillAsync(string process)
    {
        (await Run.Shell("kill -9 " + process)).Success();
        await Wait.ForAsync($"the end of process {process}", () => Task.FromResult(Directory.Exists("/proc/" + process)), exists => !exists);
    }

    public sealed class OwnCluster : IAsyncLifetime
    {
        internal LiteKubeCluster Cluster { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Cluster = await LiteKubeCluster.StartAsync();
            await Cluster.ImportTestImageAsync();
        }

        public async Task DisposeAsync() => await Cluster.DisposeAsync();
    }
}
