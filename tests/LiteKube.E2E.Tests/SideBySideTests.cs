using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>Two clusters on one machine, told apart by nothing but --data-dir.</summary>
public sealed class SideBySideTests
{
    [Fact]
    public async Task Two_clusters_share_a_machine_and_know_nothing_of_each_other()
    {
        var clusters = await Task.WhenAll(LiteKubeCluster.StartAsync(), LiteKubeCluster.StartAsync());
        var (one, two) = (clusters[0], clusters[1]);
        var reset = false;
        try
        {
            (await two.KubectlAsync("create", "namespace", "only-in-two")).Success();
            Assert.DoesNotContain("only-in-two", (await one.KubectlAsync("get", "namespaces", "-o", "name")).Success());
            await one.ImportTestImageAsync();
            Assert.Contains("busybox", (await one.LiteKubeAsync(["images", "list"])).Success());
            Assert.DoesNotContain("busybox", (await two.LiteKubeAsync(["images", "list"])).Success());
            await two.ImportTestImageAsync();

            foreach (var (cluster, version) in ((LiteKubeCluster, string)[])[(one, "one"), (two, "two")])
            {
                await cluster.ApplyAsync(Manifests.WebApp("default", "web", 2, version));
                await cluster.ApplyAsync(Manifests.Sleeper("default", "client"));
            }
            foreach (var cluster in clusters)
            {
                (await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=90s")).Success();
                await cluster.WaitAsync("default", "pod/client", "condition=Ready");
                Assert.Single((await cluster.GetAsync("default", "node", ".items[*].metadata.name")).Split(' '));
                Assert.Equal(3, (await cluster.GetAsync("default", "pod", ".items[*].metadata.name")).Split(' ').Length);
            }
            Assert.NotEqual(await one.GetAsync("default", "service/kubernetes", ".spec.clusterIP"), await two.GetAsync("default", "service/kubernetes", ".spec.clusterIP"));
            Assert.Empty((await PodAddressesAsync(one)).Intersect(await PodAddressesAsync(two)));

            await ServesAsync(one, "one");
            await ServesAsync(two, "two");
            await ShareNoNodePortAsync(one, two);

            await one.DisposeAsync();
            reset = true;
            Assert.Empty(await LeftOfAsync(one));
            await ServesAsync(two, "two");
            (await two.LiteKubeAsync(["status"])).Success();
        }
        finally
        {
            if (!reset)
                await one.DisposeAsync();
            await two.DisposeAsync();
        }
    }

    /// <summary>By ClusterIP and NodePort from the host, and by name from a pod.</summary>
    private static async Task ServesAsync(LiteKubeCluster cluster, string version)
    {
        var clusterIp = await cluster.GetAsync("default", "service/web", ".spec.clusterIP");
        Assert.StartsWith(version + " web-", (await Run.Shell($"curl -sS -m 10 http://{clusterIp}/")).Success());
        var (nodeIp, nodePort) = (await cluster.GetAsync("default", "node", ".items[0].status.addresses[0].address"), await cluster.GetAsync("default", "service/web", ".spec.ports[0].nodePort"));
        Assert.StartsWith(version + " web-", (await Run.Shell($"curl -sS -m 10 http://{nodeIp}:{nodePort}/")).Success());
        Assert.StartsWith(version + " web-", (await cluster.ExecAsync("default", "client", "timeout 10 wget -q -O - http://web.default.svc.cluster.local/")).Success());
    }

    private static async Task ShareNoNodePortAsync(LiteKubeCluster one, LiteKubeCluster two)
    {
        // Fifty more in each, taken in turns: by chance alone some would be the same two times in three.
        for (var i = 0; i < 2; i++)
        {
            foreach (var cluster in (LiteKubeCluster[])[one, two])
            {
                await cluster.ApplyAsync(string.Join("\n---\n", Enumerable.Range(25 * i, 25).Select(n => $$"""
                    apiVersion: v1
                    kind: Service
                    metadata: {name: s{{n}} }
                    spec: {type: NodePort, ports: [{port: 80}]}
                    """)));
                var ports = (await NodePortsAsync(cluster)).Split(' ');
                await Wait.ForAsync("a socket for each node port", () => Run.Shell("ss -Hltn"), ran => ports.All(port => ran.Out.Contains($":{port} ", StringComparison.Ordinal)));
            }
        }
        Assert.Empty((await NodePortsAsync(one)).Split(' ').Intersect((await NodePortsAsync(two)).Split(' ')));
    }

    private static Task<string> NodePortsAsync(LiteKubeCluster cluster) => cluster.GetAsync("default", "service", ".items[*].spec.ports[*].nodePort");

    private static async Task<string[]> PodAddressesAsync(LiteKubeCluster cluster) =>
        (await cluster.GetAsync("default", "pod", ".items[*].status.podIP")).Split(' ');

    /// <summary>Whatever on the machine carries the name of the instance.</summary>
    private static async Task<string[]> LeftOfAsync(LiteKubeCluster cluster)
    {
        var suffix = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(cluster.DataDir)))[..6];
        var left = await Run.Shell($"""
            ls -d {cluster.DataDir} /run/litekube-{suffix} 2>/dev/null
            pgrep -af -e '{cluster.DataDir}[/ ]' -e '/run/litekube-{suffix}/' | grep -v pgrep
            grep -e '{cluster.DataDir}/' -e 'litekube-{suffix}/' /proc/self/mountinfo
            nft list tables | grep {suffix}
            ip -o link | grep lk{suffix}
            find /sys/fs/cgroup -type d -name '*{suffix}*'
            true
            """);
        return left.Success().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
