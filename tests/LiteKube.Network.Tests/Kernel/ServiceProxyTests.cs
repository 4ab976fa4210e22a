using System.Net;
using System.Net.Sockets;
using k8s.Models;
using LiteKube.Network.Proxy;
using Microsoft.Extensions.Logging.Abstractions;
using static LiteKube.Network.Tests.Kernel.TestHost;
using static LiteKube.Network.Tests.Samples;

namespace LiteKube.Network.Tests.Kernel;

public sealed class ServiceProxyTests
{
    private static readonly IPAddress ClusterIp = IPAddress.Parse("10.152.183.20");

    private static async Task<ServiceProxy> StartProxyAsync(TestHost host, FakeInformers informers)
    {
        var proxy = new ServiceProxy(new ServiceProxyOptions(host.Options, "node-1"), informers, NullLoggerFactory.Instance, TimeProvider.System);
        await proxy.StartAsync(CancellationToken.None);
        await EventuallyAsync("the proxy to be ready", () => Task.FromResult(proxy.Health.IsReady));
        return proxy;
    }

    private static V1Service NodePort(string name, IPAddress clusterIp, string protocol = "TCP", Action<V1ServiceSpec>? with = null) =>
        Service(name, clusterIp.ToString(), 80, protocol, with: spec =>
        {
            spec.Type = "NodePort";
            spec.Ports[0].NodePort = 30080;
            with?.Invoke(spec);
        });

    [KernelFact]
    public Task A_service_is_reached_from_host_pods_and_outside_by_cluster_address_and_node_port() => KernelScenario.RunAsync(Reached);

    private static async Task Reached()
    {
        var host = Create();
        await host.SetUpAsync();
        var a = await host.AddPodAsync();
        var b = await host.AddPodAsync();
        Serve(a.Name, 8080, "a");
        Serve(b.Name, 8080, "b");
        var informers = new FakeInformers();
        informers.Of<V1Service>().Set(NodePort("web", ClusterIp));
        informers.Of<V1EndpointSlice>().Set(Slice("web", 8080, Ready("10.1.0.2"), Ready("10.1.0.3")));
        var proxy = await StartProxyAsync(host, informers);

        foreach (var bridgeNetfilter in (string[])["0", "1"])
        {
            if (Directory.Exists("/proc/sys/net/bridge"))
                Shell($"echo {bridgeNetfilter} > /proc/sys/net/bridge/bridge-nf-call-iptables");
            await SpreadAsync(null, ClusterIp, 80, "10.1.0.1");
            await SpreadAsync(null, NodeAddress, 30080, "10.1.0.1");
            await SpreadAsync(null, IPAddress.Loopback, 30080, "10.1.0.1");
            await SpreadAsync("outside", NodeAddress, 30080, "10.1.0.1");
            await SpreadAsync(a.Name, NodeAddress, 30080, "10.1.0.1");
            // Itself by its Service: another source than itself; the other pod: the true source.
            await SpreadAsync(a.Name, ClusterIp, 80, "10.1.0.1", "10.1.0.2");
        }
        await proxy.StopAsync(CancellationToken.None);
        await SpreadAsync(null, ClusterIp, 80, "10.1.0.1");

        static async Task SpreadAsync(string? from, IPAddress address, int port, string sourceAtA, string? sourceAtB = null)
        {
            var wanted = new HashSet<string> { $"a {sourceAtA}", $"b {sourceAtB ?? sourceAtA}" };
            var seen = new HashSet<string>();
            for (var i = 0; i < 60 && seen.Count < 2; i++)
                seen.Add(await AskAsync(from, address, port));
            Assert.Equal(wanted.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        }
    }

    [KernelFact]
    public Task Without_endpoints_a_client_is_refused_at_once() => KernelScenario.RunAsync(Refused);

    private static async Task Refused()
    {
        var host = Create();
        await host.SetUpAsync();
        var a = await host.AddPodAsync();
        var informers = new FakeInformers();
        informers.Of<V1Service>().Set(NodePort("web", ClusterIp));
        await StartProxyAsync(host, informers);
        foreach (var (from, address, port) in new (string?, IPAddress, int)[]
        {
            (null, ClusterIp, 80), (a.Name, ClusterIp, 80), ("outside", NodeAddress, 30080), (null, IPAddress.Loopback, 30080),
            // A port that the Service has not, an address that no Service has.
            (a.Name, ClusterIp, 81), (null, IPAddress.Parse("10.152.183.99"), 80),
        })
        {
            var error = await Assert.ThrowsAsync<SocketException>(() => AskAsync(from, address, port));
            Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        }
    }

    [KernelFact]
    public Task A_flushed_ruleset_comes_back_by_itself() => KernelScenario.RunAsync(Flushed);

    private static async Task Flushed()
    {
        var host = Create();
        await host.SetUpAsync();
        var a = await host.AddPodAsync(new Network.Cni.PortMapping(8000, 8080, "tcp", null));
        Serve(a.Name, 8080, "a");
        var informers = new FakeInformers();
        informers.Of<V1Service>().Set(NodePort("web", ClusterIp));
        informers.Of<V1EndpointSlice>().Set(Slice("web", 8080, Ready("10.1.0.2")));
        await StartProxyAsync(host, informers);
        await AskAsync(null, ClusterIp, 80);

        Shell("nft flush ruleset");
        await EventuallyAsync("the Service table to come back", () => Task.FromResult(Shell("nft list ruleset").Contains("svc/default/web", StringComparison.Ordinal)));
        Assert.Equal("a 192.0.2.1", await EventuallyAnswersAsync("outside", NodeAddress, 8000));
        Assert.Equal("a 10.1.0.1", await AskAsync("outside", NodeAddress, 30080));

        Shell("nft delete element ip litekube-test service-addresses '{ 10.152.183.20 . tcp . 80 }'");
        Assert.Equal("a 10.1.0.1", await EventuallyAnswersAsync(null, ClusterIp, 80));

        // A firewall that starts later, and drops what is forwarded.
        Shell("iptables -P FORWARD DROP");
        Assert.Equal("a 10.1.0.1", await EventuallyAnswersAsync("outside", NodeAddress, 30080));
    }

    [KernelFact]
    public Task Client_affinity_keeps_a_client_on_its_pod_for_its_time() => KernelScenario.RunAsync(Affinity);

    private static async Task Affinity()
    {
        var host = Create();
        await host.SetUpAsync();
        var client = await host.AddPodAsync();
        var endpoints = new List<V1Endpoint>();
        for (var i = 0; i < 4; i++)
        {
            var pod = await host.AddPodAsync();
            Serve(pod.Name, 8080, pod.Name);
            endpoints.Add(Ready(pod.Address.ToString()));
        }
        var informers = new FakeInformers();
        informers.Of<V1Service>().Set(NodePort("web", ClusterIp, with: spec => spec.SessionAffinity = "ClientIP"));
        informers.Of<V1EndpointSlice>().Set(Slice("web", 8080, [.. endpoints]));
        await StartProxyAsync(host, informers);
        var first = await AskAsync(client.Name, ClusterIp, 80);
        for (var i = 0; i < 20; i++)
            Assert.Equal(first, await AskAsync(client.Name, ClusterIp, 80));

        var spread = new HashSet<string>();
        informers.Of<V1Service>().Set(NodePort("web", ClusterIp));
        await EventuallyAsync("the affinity to end", async () =>
        {
            spread.Add(await AskAsync(client.Name, ClusterIp, 80));
            return spread.Count == 4;
        });
        await EventuallyAsync("its sets and chains to go", () => Task.FromResult(!Shell("nft list ruleset").Contains("aff/", StringComparison.Ordinal)));
    }

    [KernelFact]
    public Task A_UDP_client_leaves_an_endpoint_that_is_gone() => KernelScenario.RunAsync(UdpMoves);

    private static async Task UdpMoves()
    {
        var host = Create();
        await host.SetUpAsync();
        var client = await host.AddPodAsync();
        var a = await host.AddPodAsync();
        var b = await host.AddPodAsync();
        Serve(a.Name, 8080, "a");
        Serve(b.Name, 8080, "b");
        var informers = new FakeInformers();
        informers.Of<V1Service>().Set(NodePort("dns", ClusterIp, "UDP"));
        informers.Of<V1EndpointSlice>().Set(Slice("dns", 8080, "UDP", null, Ready(a.Address.ToString())));
        await StartProxyAsync(host, informers);
        using var inside = UdpSocket(client.Name);
        using var outside = UdpSocket("outside");
        Assert.Equal("a 10.1.0.2", await AskUdpAsync(inside, ClusterIp, 80));
        Assert.Equal("a 10.1.0.1", await AskUdpAsync(outside, NodeAddress, 30080));

        informers.Of<V1EndpointSlice>().Set(Slice("dns", 8080, "UDP", null, Ready(b.Address.ToString())));
        await EventuallyAsync("the old endpoint to be forgotten", async () => await AskUdpAsync(inside, ClusterIp, 80) == "b 10.1.0.2");
        Assert.Equal("b 10.1.0.1", await AskUdpAsync(outside, NodeAddress, 30080));
    }

    [KernelFact]
    public Task Pods_reach_the_outside_with_the_node_s_address_and_local_policy_keeps_the_client_s() => KernelScenario.RunAsync(Sources);

    private static async Task Sources()
    {
        var host = Create();
        await host.SetUpAsync();
        var a = await host.AddPodAsync();
        Serve(a.Name, 8080, "a");
        Serve("outside", 9000, "outside");
        var informers = new FakeInformers();
        informers.Of<V1Service>().Set(NodePort("web", ClusterIp, with: spec =>
        {
            spec.ExternalTrafficPolicy = "Local";
            spec.ExternalIPs = ["192.0.2.77"];
        }));
        informers.Of<V1EndpointSlice>().Set(Slice("web", 8080, Ready("10.1.0.2")));
        await StartProxyAsync(host, informers);
        Assert.Equal("outside 192.0.2.2", await AskAsync(a.Name, OutsideAddress, 9000));
        Assert.Equal("a 192.0.2.1", await AskAsync("outside", NodeAddress, 30080));
        Shell("ip -n outside route add 192.0.2.77 via 192.0.2.2");
        Assert.Equal("a 192.0.2.1", await AskAsync("outside", IPAddress.Parse("192.0.2.77"), 80));
        Assert.Equal("a 10.1.0.1", await AskAsync(null, IPAddress.Loopback, 30080));

        // A Service without selector whose endpoint is a process of the host, as the API server's is.
        Serve(null, 16443, "host");
        informers.Of<V1Service>().Set(Service("kubernetes", "10.152.183.1", 443));
        informers.Of<V1EndpointSlice>().Set(Slice("kubernetes", 16443, Ready("192.0.2.2", node: "")));
        Assert.Equal("host 10.1.0.2", await EventuallyAnswersAsync(a.Name, IPAddress.Parse("10.152.183.1"), 443));
        Assert.StartsWith("host ", await AskAsync(null, IPAddress.Parse("10.152.183.1"), 443), StringComparison.Ordinal);
    }

    private static async Task EventuallyAsync(string what, Func<Task<bool>> condition)
    {
        // The kernel tells nobody when its tables changed, so this looks again; the limit only bounds a failure.
        using var limit = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            if (limit.IsCancellationRequested)
                throw new TimeoutException($"waited {Patience.TotalSeconds} s for {what}\n{Shell("nft list ruleset")}");
            await Task.Yield();
        }
    }

    private static async Task<string> EventuallyAnswersAsync(string? from, IPAddress address, int port)
    {
        string? answer = null;
        await EventuallyAsync($"{address}:{port} to answer {from ?? "the host"}", async () =>
        {
            try
            {
                answer = await AskAsync(from, address, port);
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                return false;
            }
        });
        return answer!;
    }
}
