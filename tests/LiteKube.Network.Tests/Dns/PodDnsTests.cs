using System.Net;
using k8s.Models;
using LiteKube.Network.Dns;

namespace LiteKube.Network.Tests.Dns;

public sealed class PodDnsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("resolv").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private PodDnsResult For(string? policy, string host = "search corp.example\nnameserver 192.0.2.53\n", bool hostNetwork = false, V1PodDNSConfig? config = null, string? systemd = null)
    {
        var (hostFile, systemdFile) = (Path.Combine(_directory, "host"), Path.Combine(_directory, "systemd"));
        File.WriteAllText(hostFile, host);
        if (systemd is not null)
            File.WriteAllText(systemdFile, systemd);
        return new PodDns(IPAddress.Parse("10.152.183.10"), "cluster.local", new HostResolvConf(hostFile, systemdFile)).For(new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = "p", NamespaceProperty = "ns" },
            Spec = new V1PodSpec { DnsPolicy = policy, HostNetwork = hostNetwork, DnsConfig = config },
        });
    }

    private const string Cluster = "search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.152.183.10\noptions ndots:5\n";
    private const string Host = "search corp.example\nnameserver 192.0.2.53\n";

    [Theory]
    [InlineData(null, false, Cluster)]
    [InlineData("ClusterFirst", false, Cluster)]
    [InlineData("ClusterFirst", true, Host)]
    [InlineData("ClusterFirstWithHostNet", true, Cluster)]
    [InlineData("Default", false, Host)]
    public void A_policy_gives_its_resolvers(string? policy, bool hostNetwork, string expected) =>
        Assert.Equal(expected, For(policy, hostNetwork: hostNetwork).ResolvConf.ToString());

    [Fact]
    public void A_pod_s_own_settings_are_merged_or_with_None_stand_alone()
    {
        var own = new V1PodDNSConfig
        {
            Nameservers = ["1.1.1.1", "10.152.183.10"],
            Searches = ["my.example", "corp.example"],
            Options = [new V1PodDNSConfigOption { Name = "ndots", Value = "2" }, new V1PodDNSConfigOption { Name = "edns0" }],
        };
        Assert.Equal("search ns.svc.cluster.local svc.cluster.local cluster.local corp.example my.example\nnameserver 10.152.183.10\nnameserver 1.1.1.1\noptions ndots:2 edns0\n", For("ClusterFirst", config: own).ResolvConf.ToString());
        Assert.Equal("search my.example corp.example\nnameserver 1.1.1.1\nnameserver 10.152.183.10\noptions ndots:2 edns0\n", For("None", config: own).ResolvConf.ToString());
    }

    [Fact]
    public void A_loopback_resolver_is_replaced_by_what_it_asks_or_else_by_the_cluster_dns()
    {
        Assert.Equal("search lan\nnameserver 192.0.2.1\n", For("Default", host: "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n", systemd: "nameserver 192.0.2.1\n").ResolvConf.ToString());
        File.Delete(Path.Combine(_directory, "systemd"));
        Assert.Equal("nameserver 10.152.183.10\n", For("Default", host: "nameserver 127.0.0.1\n").ResolvConf.ToString());
        Assert.Equal("nameserver 192.0.2.1\n", For("Default", host: "nameserver 127.0.0.1\nnameserver 192.0.2.1\n").ResolvConf.ToString());
    }

    [Fact]
    public void What_exceeds_a_limit_is_left_out_and_said()
    {
        var result = For("None", config: new V1PodDNSConfig
        {
            Nameservers = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"],
            Searches = [.. Enumerable.Range(0, 40).Select(i => $"s{i}.example")],
        });
        Assert.Equal(3, result.ResolvConf.Nameservers.Count);
        Assert.Equal(32, result.ResolvConf.Searches.Count);
        Assert.Equal(2, result.Warnings.Count);
        Assert.StartsWith("Nameserver limits were exceeded", result.Warnings[0], StringComparison.Ordinal);
    }
}
