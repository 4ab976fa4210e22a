using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>The main job: an unmodified kubectl deploys an application that containerd runs and that answers over the network.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class DeploymentTests(SharedCluster shared)
{
    private readonly LiteKubeCluster _cluster = shared.Cluster;

    [Fact]
    public async Task A_deployment_of_three_and_its_service_answer_by_every_way_and_from_every_endpoint()
    {
        (await _cluster.KubectlAsync("create", "namespace", "serve")).Success();
        await _cluster.ApplyAsync(Manifests.WebApp("serve", "web", 3));
        await _cluster.ApplyAsync(Manifests.Sleeper("serve", "client"));
        (await _cluster.KubectlAsync("-n", "serve", "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        (await _cluster.KubectlAsync("-n", "serve", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")).Success();
        Assert.Equal("3", await Get("serve", "deployment/web", "{.status.readyReplicas}"));

        var clusterIp = await Get("serve", "service/web", "{.spec.clusterIP}");
        var nodePort = await Get("serve", "service/web", "{.spec.ports[0].nodePort}");
        var nodeIp = await Get("serve", "node", "{.items[0].status.addresses[?(@.type=='InternalIP')].address}");
        var pods = (await Get("serve", "pod", "{.items[*].metadata.name}", "-l", "app=web")).Split(' ').Order().ToList();

        Assert.Equal(pods, await AnsweringPods(() => Fetch($"http://{clusterIp}/")));
        Assert.Equal(pods, await AnsweringPods(() => Fetch($"http://{nodeIp}:{nodePort}/")));
        Assert.Equal(pods, await AnsweringPods(() => FetchFromPod("serve", "client", $"http://{clusterIp}/")));
        Assert.Equal(pods, await AnsweringPods(() => FetchFromPod("serve", "client", "http://web/")));
        Assert.StartsWith("v1 ", await FetchFromPod("serve", "client", "http://web.serve.svc.cluster.local/"));
        Assert.StartsWith("v1 ", await FetchFromPod("serve", "client", $"http://{nodeIp}:{nodePort}/"));
        // A pod reaches itself through its own service (hairpin): every endpoint asks until every endpoint answered.
        Assert.Equal(pods, await AnsweringPods(() => FetchFromPod("serve", pods[0], "http://web/")));
    }

    [Fact]
    public async Task A_rolling_update_under_constant_requests_fails_none_of_them_and_can_be_undone()
    {
        (await _cluster.KubectlAsync("create", "namespace", "roll")).Success();
        await _cluster.ApplyAsync(Manifests.WebApp("roll", "web", 3));
        (await _cluster.KubectlAsync("-n", "roll", "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        var url = $"http://{await Get("roll", "service/web", "{.spec.clusterIP}")}/";

        using var load = new RequestLoad(url);
        await load.UntilAnsweredAsync(50);
        await _cluster.ApplyAsync(Manifests.WebApp("roll", "web", 3, "v2"));
        (await _cluster.KubectlAsync("-n", "roll", "rollout", "status", "deployment/web", "--timeout=120s")).Success();
        await load.UntilAnsweredAsync(50);
        var (answered, failures) = await load.StopAsync();
        Assert.True(failures.Count == 0, $"{failures.Count} of {answered + failures.Count} requests failed, first: {failures.FirstOrDefault()}");
        await UntilAnsweredByAsync("v2", url);

        (await _cluster.KubectlAsync("-n", "roll", "rollout", "undo", "deployment/web")).Success();
        (await _cluster.KubectlAsync("-n", "roll", "rollout", "status", "deployment/web", "--timeout=120s")).Success();
        await UntilAnsweredByAsync("v1", url);
        var history = (await _cluster.KubectlAsync("-n", "roll", "rollout", "history", "deployment/web")).Success();
        Assert.Contains("2", history);
        Assert.Contains("3", history);
    }

    [Fact]
    public async Task A_deployment_scales_to_ten_and_to_none()
    {
        (await _cluster.KubectlAsync("create", "namespace", "scale")).Success();
        await _cluster.ApplyAsync(Manifests.WebApp("scale", "web", 1));
        (await _cluster.KubectlAsync("-n", "scale", "scale", "deployment/web", "--replicas=10")).Success();
        (await _cluster.KubectlAsync("-n", "scale", "rollout", "status", "deployment/web", "--timeout=120s")).Success();
        Assert.Equal("10", await Get("scale", "deployment/web", "{.status.readyReplicas}"));
        Assert.Equal(10, (await Get("scale", "endpointslice", "{.items[*].endpoints[?(@.conditions.ready)].addresses[0]}", "-l", "kubernetes.io/service-name=web")).Split(' ').Length);

        (await _cluster.KubectlAsync("-n", "scale", "scale", "deployment/web", "--replicas=0")).Success();
        (await _cluster.KubectlAsync("-n", "scale", "wait", "--for=delete", "pod", "-l", "app=web", "--timeout=120s")).Success();
        Assert.Equal("", await Get("scale", "pod", "{.items[*].metadata.name}", "-l", "app=web"));
    }

    [Fact]
    public async Task A_killed_container_is_restarted_and_a_deleted_pod_replaced()
    {
        (await _cluster.KubectlAsync("create", "namespace", "heal")).Success();
        await _cluster.ApplyAsync(Manifests.WebApp("heal", "web", 1));
        (await _cluster.KubectlAsync("-n", "heal", "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        var pod = await Get("heal", "pod", "{.items[0].metadata.name}");

        // PID 1 ignores TERM it has no handler for, so the web server is killed through the host.
        var id = (await Get("heal", $"pod/{pod}", "{.status.containerStatuses[0].containerID}"))["containerd://".Length..];
        await Run.Shell($"kill -9 $(for p in /proc/[0-9]*; do grep -qs {id} $p/cgroup && grep -qs httpd $p/cmdline && basename $p; done)");
        (await _cluster.KubectlAsync("-n", "heal", "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", $"pod/{pod}", "--timeout=60s")).Success();
        (await _cluster.KubectlAsync("-n", "heal", "wait", "--for=condition=Ready", $"pod/{pod}", "--timeout=60s")).Success();
        Assert.Equal("137", await Get("heal", $"pod/{pod}", "{.status.containerStatuses[0].lastState.terminated.exitCode}"));

        (await _cluster.KubectlAsync("-n", "heal", "delete", "pod", pod, "--timeout=60s")).Success();
        (await _cluster.KubectlAsync("-n", "heal", "rollout", "status", "deployment/web", "--timeout=60s")).Success();
        Assert.NotEqual(pod, await Get("heal", "pod", "{.items[0].metadata.name}"));
    }

    private async Task<string> Get(string ns, string what, string jsonPath, params string[] more) =>
        (await _cluster.KubectlAsync(["-n", ns, "get", what, "-o", $"jsonpath={jsonPath}", .. more])).Success().Trim();

    private static async Task<string> Fetch(string url)
    {
        using var client = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromSeconds(10) };
        return (await client.GetStringAsync(url)).Trim();
    }

    /// <summary>Pods of the old version may answer a moment longer than `rollout status` waits: the service learns of their end as they do.</summary>
    private static Task UntilAnsweredByAsync(string version, string url) =>
        Wait.ForAsync($"an answer of {version} at {url}", () => Fetch(url), answer => answer.StartsWith(version + " ", StringComparison.Ordinal));

    private async Task<string> FetchFromPod(string ns, string pod, string url) =>
        (await _cluster.KubectlAsync("-n", ns, "exec", pod, "--", "timeout", "10", "wget", "-q", "-O", "-", url)).Success().Trim();

    /// <summary>The pods that answered, after enough requests that each of three had its turn (all but one in 10^7 runs).</summary>
    private static async Task<List<string>> AnsweringPods(Func<Task<string>> fetch)
    {
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 40 && seen.Count < 3; i++)
            seen.Add((await fetch()).Split(' ')[1]);
        return [.. seen];
    }
}
