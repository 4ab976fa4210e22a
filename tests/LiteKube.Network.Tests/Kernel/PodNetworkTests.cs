using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LiteKube.Network.Cni;
using LiteKube.Network.Netlink;
using Microsoft.Extensions.Logging.Abstractions;
using static LiteKube.Network.Tests.Kernel.TestHost;

namespace LiteKube.Network.Tests.Kernel;

public sealed class PodNetworkTests
{
    [KernelFact]
    public Task Pods_reach_each_other_the_host_and_the_host_them() => KernelScenario.RunAsync(PodsTalk);

    private static async Task PodsTalk()
    {
        var host = Create();
        await host.SetUpAsync();
        var a = await host.AddPodAsync();
        var b = await host.AddPodAsync();
        Assert.Equal(("10.1.0.2", "10.1.0.3"), (a.Address.ToString(), b.Address.ToString()));
        Serve(a.Name, 80, "a");
        Serve(b.Name, 80, "b");
        Serve(null, 81, "host");
        Assert.Equal("b 10.1.0.2", await AskAsync(a.Name, b.Address, 80));
        Assert.Equal("a 10.1.0.3", await AskAsync(b.Name, a.Address, 80));
        Assert.Equal("a 10.1.0.1", await AskAsync(null, a.Address, 80));
        Assert.Equal("host 10.1.0.2", await AskAsync(a.Name, NodeAddress, 81));
        Assert.Equal("a 127.0.0.1", await AskAsync(a.Name, IPAddress.Loopback, 80));
        Assert.Contains("mtu 1400", Shell($"ip -n {a.Name} link show eth0"), StringComparison.Ordinal);
    }

    [KernelFact]
    public Task The_plugin_adds_checks_deletes_and_may_be_asked_twice() => KernelScenario.RunAsync(PluginLifecycle);

    private static async Task PluginLifecycle()
    {
        var host = Create();
        await host.SetUpAsync();
        var pod = await host.AddPodAsync();
        Assert.Equal((0, ""), await host.CniAsync("CHECK", pod));
        Shell($"ip -n {pod.Name} route del default");
        var (code, output) = await host.CniAsync("CHECK", pod);
        Assert.Equal(1, code);
        Assert.Contains("the default route by 10.1.0.1 is gone", output, StringComparison.Ordinal);

        // As after a runtime that crashed between its call and noting the result.
        Shell($"ip -n {pod.Name} link del eth0");
        var (again, result) = await host.CniAsync("ADD", pod, version: "0.4.0");
        Assert.True(again == 0, result);
        using var json = JsonDocument.Parse(result);
        Assert.Equal("10.1.0.2/32", json.RootElement.GetProperty("ips")[0].GetProperty("address").GetString());
        Assert.Equal("4", json.RootElement.GetProperty("ips")[0].GetProperty("version").GetString());
        Assert.Equal(pod.Namespace, json.RootElement.GetProperty("interfaces")[2].GetProperty("sandbox").GetString());

        Shell($"ip netns del {pod.Name}");
        Assert.Equal((0, ""), await host.CniAsync("DEL", pod));
        Assert.Equal((0, ""), await host.CniAsync("DEL", pod));
        using var route = RouteNetlink.Open();
        Assert.DoesNotContain(route.Links(), l => l.Name.StartsWith("lk", StringComparison.Ordinal));
        Assert.Empty(new Ipam(host.Options.CniStateDirectory, host.Options.PodCidr).Snapshot());

        var (failed, error) = await host.CniAsync("ADD", pod);
        Assert.Equal(1, failed);
        Assert.Contains($"open network namespace {pod.Namespace}: No such file or directory", error, StringComparison.Ordinal);
        Assert.Empty(new Ipam(host.Options.CniStateDirectory, host.Options.PodCidr).Snapshot());
    }

    [KernelFact]
    public Task A_pods_lo_is_up() => KernelScenario.RunAsync(LoIsUp);

    private static async Task LoIsUp()
    {
        var host = Create();
        await host.SetUpAsync();
        var pod = await host.AddPodAsync();
        Assert.Contains("LOOPBACK,UP", Shell($"ip -n {pod.Name} link show lo"), StringComparison.Ordinal);
    }

    [KernelFact]
    public Task Host_ports_reach_their_pod_from_everywhere_and_survive_a_flush() => KernelScenario.RunAsync(HostPortsWork);

    private static async Task HostPortsWork()
    {
        var host = Create();
        await host.SetUpAsync();
        var pod = await host.AddPodAsync(new PortMapping(8080, 80, "tcp", null), new PortMapping(8080, 80, "udp", null), new PortMapping(8081, 80, "tcp", NodeAddress));
        var other = await host.AddPodAsync();
        Serve(pod.Name, 80, "pod");
        Assert.Equal("pod 192.0.2.1", await AskAsync("outside", NodeAddress, 8080));
        Assert.Equal("pod 192.0.2.1", await AskAsync("outside", NodeAddress, 8081));
        Assert.Equal("pod 10.1.0.3", await AskAsync(other.Name, NodeAddress, 8080));
        Assert.Equal("pod 10.1.0.1", await AskAsync(pod.Name, NodeAddress, 8080));
        Assert.Equal("pod 10.1.0.1", await AskAsync(null, IPAddress.Loopback, 8080));
        await Assert.ThrowsAsync<SocketException>(() => AskAsync(null, IPAddress.Loopback, 8081));
        using (var udp = UdpSocket("outside"))
            Assert.Equal("pod 192.0.2.1", await AskUdpAsync(udp, NodeAddress, 8080));

        Shell("nft flush ruleset");
        await new HostPorts(host.Options.CniStateDirectory, host.Options.HostPortTable, null).SyncAsync(CancellationToken.None);
        Assert.Equal("pod 192.0.2.1", await AskAsync("outside", NodeAddress, 8080));

        Assert.Equal((0, ""), await host.CniAsync("DEL", pod));
        Assert.Equal("", Shell("nft list ruleset"));
    }

    [KernelFact]
    public Task Teardown_leaves_nothing_and_says_what_it_keeps() => KernelScenario.RunAsync(Teardown);

    private static async Task Teardown()
    {
        var host = Create();
        var before = Snapshot();
        Shell("iptables -P FORWARD DROP && iptables -P INPUT DROP");
        await host.SetUpAsync();
        await host.SetUpAsync();
        Assert.Equal(3, Shell("iptables -S").Split('\n').Count(l => l.Contains("litekube-test", StringComparison.Ordinal)));
        var a = await host.AddPodAsync(new PortMapping(8080, 80, "tcp", null));
        Serve(a.Name, 80, "a");
        var b = await host.AddPodAsync();
        Assert.Equal("a 10.1.0.3", await AskAsync(b.Name, a.Address, 80));
        Assert.Equal("a 192.0.2.1", await AskAsync("outside", NodeAddress, 8080));

        var report = await NetworkTeardown.RunAsync(host.Options, NullLoggerFactory.Instance, CancellationToken.None);
        Assert.Empty(report.Left);
        Assert.Contains("net.ipv4.ip_forward is 1 (it was 0 before)", Assert.Single(report.Kept), StringComparison.Ordinal);
        Shell("iptables -P FORWARD ACCEPT && iptables -P INPUT ACCEPT");
        Assert.DoesNotContain("litekube", Shell("iptables -S; nft list ruleset; ls /run/litekube-test"), StringComparison.Ordinal);
        Assert.Equal(before, Snapshot());

        static string Snapshot() => Shell("ip -br link | cut -d' ' -f1; ip route");
    }

    [KernelFact]
    public Task Two_instances_do_not_see_each_other_s_addresses() => KernelScenario.RunAsync(TwoInstances);

    private static async Task TwoInstances()
    {
        var one = Create();
        var two = Second("other", "litekube1", "10.2.0.0/16", "10.152.184.0/24");
        await one.SetUpAsync();
        await two.SetUpAsync();
        var a = await one.AddPodAsync(new PortMapping(8080, 80, "tcp", null));
        var b = await two.AddPodAsync(new PortMapping(8081, 80, "tcp", null));
        Serve(a.Name, 80, "a");
        Serve(b.Name, 80, "b");
        Assert.Equal("10.2.0.2", b.Address.ToString());
        await NetworkTeardown.RunAsync(one.Options, NullLoggerFactory.Instance, CancellationToken.None);
        Assert.Equal("b 192.0.2.1", await AskAsync("outside", NodeAddress, 8081));

        var clash = Second("third", "litekube2", "10.2.128.0/17", "10.152.185.0/24");
        var error = await Assert.ThrowsAsync<IOException>(clash.SetUpAsync);
        Assert.Contains("pod CIDR 10.2.128.0/17 overlaps 10.2.0.1/16 of interface litekube1", error.Message, StringComparison.Ordinal);
    }

    [KernelFact]
    public Task A_sweep_frees_what_a_sandbox_without_DEL_left() => KernelScenario.RunAsync(Sweep);

    private static async Task Sweep()
    {
        var host = Create();
        await host.SetUpAsync();
        var gone = await host.AddPodAsync(new PortMapping(8080, 80, "tcp", null));
        var live = await host.AddPodAsync();
        var sweep = new SandboxSweep(host.Options);
        var snapshot = sweep.Snapshot();
        var late = await host.AddPodAsync();
        Assert.Equal([gone.Address], await sweep.ReleaseAsync(snapshot, new HashSet<string> { live.Name }, CancellationToken.None));
        Assert.Equal([live.Name, late.Name], sweep.Snapshot().Values.Order(StringComparer.Ordinal));
        Assert.Equal("", Shell("nft list ruleset"));
        using var route = RouteNetlink.Open();
        Assert.Equal(2, route.Links().Count(l => l.Name.StartsWith("lk", StringComparison.Ordinal)));
    }
}
