using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LiteKube.Network.Cni;
using LiteKube.Network.Netlink;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Network.Tests.Kernel;

/// <summary>The namespace that a scenario runs in, as a machine: one uplink to an outside machine, pods by the CNI plugin.</summary>
internal sealed class TestHost
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    public static readonly IPAddress NodeAddress = IPAddress.Parse("192.0.2.2");
    public static readonly IPAddress OutsideAddress = IPAddress.Parse("192.0.2.1");

    private int _sandboxes;

    private TestHost(NetworkOptions options) => Options = options;

    public NetworkOptions Options { get; }

    public static TestHost Create(string instance = "test", string bridge = "litekube0", string pods = "10.1.0.0/16", string services = "10.152.183.0/24")
    {
        // A new namespace takes over the machine's forwarding setting, whatever that is.
        Shell("mount -t tmpfs none /run && mkdir /run/netns && ip link set lo up && echo 0 > /proc/sys/net/ipv4/ip_forward");
        Shell("ip netns add outside && ip link add eth0 mtu 1400 type veth peer name eth0 mtu 1400 netns outside && ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up && ip route add default via 192.0.2.1");
        Shell("ip -n outside addr add 192.0.2.1/24 dev eth0 && ip -n outside link set eth0 up && ip -n outside link set lo up");
        return Second(instance, bridge, pods, services);
    }

    /// <summary>Another instance on the machine that is already there.</summary>
    public static TestHost Second(string instance, string bridge, string pods, string services)
    {
        var serviceCidr = IPNetwork.Parse(services);
        var dns = Ipv4.FromNumber(Ipv4.ToNumber(serviceCidr.BaseAddress) + 10);
        return new TestHost(new NetworkOptions(instance, bridge, IPNetwork.Parse(pods), serviceCidr, dns, $"/run/litekube-{instance}"));
    }

    public Task SetUpAsync() => new NetworkSetup(Options, "/bin/true", NullLoggerFactory.Instance).StartAsync(CancellationToken.None);

    public async Task<TestPod> AddPodAsync(params PortMapping[] ports)
    {
        var name = $"{Options.Instance}-{++_sandboxes}";
        Shell($"ip netns add {name}");
        var pod = new TestPod(name, IPAddress.Any, ports);
        var (code, json) = await CniAsync("ADD", pod);
        Assert.True(code == 0, json);
        using var document = JsonDocument.Parse(json);
        var text = document.RootElement.GetProperty("ips")[0].GetProperty("address").GetString()!;
        return pod with { Address = IPAddress.Parse(text.Split('/')[0]) };
    }

    public async Task<(int ExitCode, string Output)> CniAsync(string command, TestPod pod, string version = "1.0.0")
    {
        var mappings = string.Join(',', pod.Ports.Select(p => $$"""{"hostPort":{{p.HostPort}},"containerPort":{{p.ContainerPort}},"protocol":"{{p.Protocol}}","hostIP":"{{p.HostIp}}"}"""));
        var config = $$"""
            {"cniVersion":"{{version}}","name":"litekube","type":"{{CniConflist.PluginType}}","bridge":"{{Options.Bridge}}","subnet":"{{Options.PodCidr}}","dataDir":"{{Options.CniStateDirectory}}",
            "hostPortTable":"{{Options.HostPortTable}}","clusterDNS":"{{Options.ClusterDns}}","runtimeConfig":{"portMappings":[{{mappings}}] } }
            """;
        var env = new Dictionary<string, string> { ["CNI_COMMAND"] = command, ["CNI_CONTAINERID"] = pod.Name, ["CNI_IFNAME"] = "eth0", ["CNI_NETNS"] = pod.Namespace };
        using var stdout = new MemoryStream();
        var code = await CniPlugin.RunAsync(env, new MemoryStream(Encoding.UTF8.GetBytes(config)), stdout, CancellationToken.None);
        return (code, Encoding.UTF8.GetString(stdout.ToArray()));
    }

    public static string Shell(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command}: {output}{error.Result}");
        return output;
    }

    /// <summary>Echoes, on TCP and UDP, "name peer-address" to who connects or sends; inside a namespace, or on the host with none.</summary>
    public static void Serve(string? ns, int port, string name)
    {
        var tcp = In(ns, () =>
        {
            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Any, port));
            listener.Listen(64);
            return listener;
        });
        var udp = In(ns, () =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return socket;
        });
        _ = AcceptAsync(tcp, name);
        _ = AnswerAsync(udp, name);
    }

    private static async Task AcceptAsync(Socket listener, string name)
    {
        while (true)
        {
            using var client = await listener.AcceptAsync();
            await client.SendAsync(Encoding.UTF8.GetBytes($"{name} {((IPEndPoint)client.RemoteEndPoint!).Address}"));
        }
    }

    private static async Task AnswerAsync(Socket socket, string name)
    {
        var buffer = new byte[100];
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
            await socket.SendToAsync(Encoding.UTF8.GetBytes($"{name} {((IPEndPoint)received.RemoteEndPoint).Address}"), received.RemoteEndPoint);
        }
    }

    /// <summary>Connects by TCP and returns what the server said ("name peer-address").</summary>
    public static async Task<string> AskAsync(string? ns, IPAddress address, int port)
    {
        using var socket = In(ns, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), timeout.Token);
            var buffer = new byte[200];
            var length = await socket.ReceiveAsync(buffer, timeout.Token);
            return Encoding.UTF8.GetString(buffer, 0, length);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no answer from {address}:{port} to {ns ?? "the host"} within {Patience.TotalSeconds} s\n{Shell("nft list ruleset; ip route; ip addr")}");
        }
    }

    public static Socket UdpSocket(string? ns) => In(ns, () =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        return socket;
    });

    public static async Task<string> AskUdpAsync(Socket socket, IPAddress address, int port)
    {
        using var timeout = new CancellationTokenSource(Patience);
        await socket.SendToAsync("?"u8.ToArray(), new IPEndPoint(address, port), timeout.Token);
        var buffer = new byte[200];
        try
        {
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), timeout.Token);
            return Encoding.UTF8.GetString(buffer, 0, received.ReceivedBytes);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no UDP answer from {address}:{port} within {Patience.TotalSeconds} s");
        }
    }

    private static T In<T>(string? ns, Func<T> code) => ns is null ? code() : NetworkNamespace.Run($"/run/netns/{ns}", code);
}

internal sealed record TestPod(string Name, IPAddress Address, PortMapping[] Ports)
{
    public string Namespace => $"/run/netns/{Name}";
}
