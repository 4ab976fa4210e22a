using System.Net;
using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Environment;
using LiteKube.Kubelet.PodWorkers;
using ContainerResources = LiteKube.Kubelet.PodWorkers.ContainerResources;

namespace LiteKube.Kubelet.Tests.PodWorkers;

public sealed class PodConfigTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lk-");

    [Fact]
    public void A_cluster_first_pod_asks_the_cluster_and_then_searches_like_the_host()
    {
        var dns = Dns("nameserver 127.0.0.53\nsearch lan example.org.\noptions timeout:1\n").For(Pod());
        Assert.Equal(["10.152.183.10"], dns.Servers);
        Assert.Equal(["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan", "example.org"], dns.Searches);
        Assert.Equal(["ndots:5"], dns.Options);
    }

    [Fact]
    public void A_host_network_pod_asks_the_hosts_resolvers_and_dnsConfig_adds_to_every_policy()
    {
        var resolver = Dns("# comment\nnameserver 192.0.2.53\nnameserver 192.0.2.54\noptions timeout:1\n");
        Assert.Equal(["192.0.2.53", "192.0.2.54"], resolver.For(Pod(p => p.Spec.HostNetwork = true)).Servers);
        Assert.Equal(["10.152.183.10"], resolver.For(Pod(p => (p.Spec.HostNetwork, p.Spec.DnsPolicy) = (true, "ClusterFirstWithHostNet"))).Servers);
        var own = resolver.For(Pod(p =>
        {
            p.Spec.DnsPolicy = "None";
            p.Spec.DnsConfig = new V1PodDNSConfig { Nameservers = ["1.1.1.1"], Searches = ["my.lan"], Options = [new V1PodDNSConfigOption { Name = "ndots", Value = "2" }, new V1PodDNSConfigOption { Name = "edns0" }] };
        }));
        Assert.Equal("1.1.1.1|my.lan|ndots:2 edns0", $"{own.Servers[0]}|{own.Searches[0]}|{string.Join(' ', own.Options)}");
    }

    [Fact]
    public void The_hosts_file_names_the_pod_and_its_aliases_as_the_kubelet_writes_them()
    {
        var files = new PodFiles(Options());
        var pod = Pod(p => (p.Spec.Hostname, p.Spec.Subdomain, p.Spec.HostAliases) = ("web", "sub", [new V1HostAlias { Ip = "123.45.67.89", Hostnames = ["foo", "bar"] }]));
        Assert.Equal("""
            # Kubernetes-managed hosts file.
            127.0.0.1	localhost
            ::1	localhost ip6-localhost ip6-loopback
            fe00::0	ip6-localnet
            fe00::0	ip6-mcastprefix
            fe00::1	ip6-allnodes
            fe00::2	ip6-allrouters
            10.1.0.2	web.sub.shop.svc.cluster.local	web

            # Entries added by HostAliases.
            123.45.67.89	foo	bar

            """, files.HostsText(pod, ["10.1.0.2"], ""));
        Assert.StartsWith("# Kubernetes-managed hosts file (host network).\nhost file\n", files.HostsText(Pod(p => p.Spec.HostNetwork = true), [], "host file\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0L, null, null, "container's runAsUser breaks non-root policy (pod: \"p_shop(u)\", container: c)")]
    [InlineData(null, 0L, "", "container has runAsNonRoot and image will run as root (pod: \"p_shop(u)\", container: c)")]
    [InlineData(null, null, "www", "container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root (pod: \"p_shop(u)\", container: c)")]
    [InlineData(null, 5L, "", null)]
    [InlineData(7L, 0L, "", null)]
    public void A_container_that_must_not_be_root_is_held_to_it(long? asked, long? imageUser, string? imageName, string? refusal)
    {
        var container = new V1Container { Name = "c", SecurityContext = new V1SecurityContext { RunAsNonRoot = true, RunAsUser = asked } };
        var image = new Image { Uid = imageUser is { } uid ? new Int64Value { Value = uid } : null, Username = imageName ?? "" };
        LinuxContainerSecurityContext Settings() => SecuritySettings.ForContainer(Pod(), container, image, "/seccomp", null);
        if (refusal is null)
            Assert.Equal(asked ?? imageUser, Settings().RunAsUser.Value);
        else
            Assert.Equal(refusal, Assert.Throws<ConfigException>(() => Settings()).Message);
    }

    [Theory]
    [InlineData("100m", "200m", "64Mi", 102, 20000, 67108864, 999)]
    [InlineData(null, null, null, 2, 0, 0, 1000)]
    [InlineData("1", "1", "512Mi", 1024, 100000, 536870912, -997)]
    public void Requests_and_limits_become_cgroup_values_by_class(string? request, string? limit, string? memory, long shares, long quota, long memoryLimit, long oomScore)
    {
        static Dictionary<string, ResourceQuantity> List(string? cpu, string? memory)
        {
            var list = new Dictionary<string, ResourceQuantity>();
            if (cpu is not null)
                list["cpu"] = new ResourceQuantity(cpu);
            if (memory is not null)
                list["memory"] = new ResourceQuantity(memory);
            return list;
        }

        var pod = Pod(p => p.Spec.Containers[0].Resources = new V1ResourceRequirements { Requests = List(request, request == limit ? memory : null), Limits = List(limit, memory) });
        var resources = new ContainerResources(memoryCapacityBytes: 1L << 40, isCgroupV2: false).For(pod, pod.Spec.Containers[0]);
        Assert.Equal((shares, quota, memoryLimit, oomScore), (resources.CpuShares, resources.CpuQuota, resources.MemoryLimitInBytes, resources.OomScoreAdj));
    }

    [Fact]
    public void A_pod_needs_its_largest_init_container_or_the_sum_of_the_others_whichever_is_more()
    {
        static V1Container With(string name, string cpu, string? restartPolicy = null) => new()
        {
            Name = name,
            RestartPolicy = restartPolicy,
            Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new(cpu) } },
        };

        var pod = Pod(p =>
        {
            p.Spec.Containers = [With("a", "100m"), With("b", "100m")];
            p.Spec.InitContainers = [With("big", "500m"), With("side", "50m", "Always"), With("later", "460m")];
        });
        Assert.Equal(510, ContainerResources.Effective(pod, "cpu", limits: false)!.Value.ToMilli());
        Assert.Null(ContainerResources.Effective(pod, "cpu", limits: true));
    }

    [Fact]
    public void The_end_of_a_log_is_its_last_lines_without_the_runtimes_prefix()
    {
        var path = Path.Combine(_directory.FullName, "0.log");
        File.WriteAllText(path, string.Concat(Enumerable.Range(1, 100).Select(n => $"2026-01-01T00:00:00.000000000Z stdout F line {n}\n")) + "2026-01-01T00:00:00.000000000Z stderr P half");
        Assert.Equal("line 99\nline 100\nhalf", LogTail.Read(path, lines: 3, bytes: 2048));
        Assert.Equal("00\nhalf", LogTail.Read(path, lines: 3, bytes: 7));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private PodDns Dns(string resolvConf)
    {
        var path = Path.Combine(_directory.FullName, "resolv.conf");
        File.WriteAllText(path, resolvConf);
        return new PodDns(Options() with { ResolvConfPath = path, ClusterDns = [IPAddress.Parse("10.152.183.10")] });
    }

    private KubeletOptions Options() => new()
    {
        NodeName = "n",
        DataDir = _directory.FullName,
        RunDir = _directory.FullName,
        NodeIps = [IPAddress.Loopback],
        CniBinDir = "/cni",
        CniConfDir = "/cni",
    };

    private static V1Pod Pod(Action<V1Pod>? change = null)
    {
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = "p", NamespaceProperty = "shop", Uid = "u" },
            Spec = new V1PodSpec { Containers = [new V1Container { Name = "c" }] },
        };
        change?.Invoke(pod);
        return pod;
    }
}
