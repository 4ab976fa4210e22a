using System.Net;
using k8s.Models;
using LiteKube.Network.Dns;
using LiteKube.Network.Proxy;
using Microsoft.Extensions.Logging.Abstractions;
using static LiteKube.Network.Tests.Kernel.TestHost;
using static LiteKube.Network.Tests.Samples;

namespace LiteKube.Network.Tests.Kernel;

public sealed class ClusterDnsTests
{
    [KernelFact]
    public Task A_pod_and_the_host_resolve_names_at_the_cluster_dns_address() => KernelScenario.RunAsync(Resolve);

    private static async Task Resolve()
    {
        var host = Create();
        // The address is free for DNS before the first pod, also on a machine without network.
        Shell("ip route del default");
        await host.SetUpAsync();
        var informers = new FakeInformers();
        informers.Of<V1Namespace>().Set(new V1Namespace { Metadata = new V1ObjectMeta { Name = "default" } });
        // A Service for the DNS itself, without endpoints: the proxy must not turn its clients away.
        informers.Of<V1Service>().Set(Service("kube-dns", "10.152.183.10", 53, "UDP"), Service("web", "10.152.183.20", 80));
        var dns = new DnsServer(DnsOptions.For(host.Options), informers, NullLoggerFactory.Instance, TimeProvider.System);
        await dns.StartAsync(CancellationToken.None);
        Assert.True(dns.Health.IsReady, dns.Health.Message);
        var proxy = new ServiceProxy(new ServiceProxyOptions(host.Options, "node-1"), informers, NullLoggerFactory.Instance, TimeProvider.System);
        await proxy.StartAsync(CancellationToken.None);
        var pod = await host.AddPodAsync();

        var resolvConf = new PodDns(host.Options.ClusterDns, "cluster.local", new HostResolvConf("/run/none", "/run/none"))
            .For(new V1Pod { Metadata = new V1ObjectMeta { NamespaceProperty = "default" }, Spec = new V1PodSpec() }).ResolvConf.ToString();
        await File.WriteAllTextAsync("/run/resolv.conf", resolvConf);
        Shell("mount --bind /run/resolv.conf /etc/resolv.conf");
        // glibc's own resolver, by a short name and the search list.
        Assert.StartsWith("10.152.183.20", Shell($"ip netns exec {pod.Name} getent ahostsv4 web"), StringComparison.Ordinal);
        Assert.StartsWith("10.152.183.20", Shell("getent ahostsv4 web.default.svc.cluster.local"), StringComparison.Ordinal);
        Assert.StartsWith("10.152.183.20", Shell($"ip netns exec {pod.Name} env RES_OPTIONS=use-vc getent ahostsv4 web"), StringComparison.Ordinal);
        Assert.Contains("web.default.svc.cluster.local", Shell("getent hosts 10.152.183.20"), StringComparison.Ordinal);
        await proxy.StopAsync(CancellationToken.None);
        await dns.StopAsync(CancellationToken.None);
    }
}
