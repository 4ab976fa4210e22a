using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using k8s.Models;
using LiteKube.Network.Dns;
using Microsoft.Extensions.Logging.Abstractions;
using static LiteKube.Network.Tests.Dns.DnsClient;
using static LiteKube.Network.Tests.Samples;

namespace LiteKube.Network.Tests.Dns;

public sealed class DnsServerTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dns").FullName;
    private readonly FakeInformers _informers = new();
    private readonly Upstream _upstream = new("127.0.0.1", 0);
    private DnsServer _server = null!;
    private IPEndPoint _endpoint = null!;

    public async Task InitializeAsync()
    {
        _informers.Of<V1Namespace>().Set(new V1Namespace { Metadata = new V1ObjectMeta { Name = "default" } });
        _informers.Of<V1Service>().Set(
            Service("web", "10.152.183.20", 80, portName: "http"),
            Service("db", "None", 5432, portName: "pg"),
            Service("empty", "None", 80),
            Service("alias", "", 0, with: s => (s.Type, s.ExternalName, s.Ports) = ("ExternalName", "web.default.svc.cluster.local", [])),
            Service("far", "", 0, with: s => (s.Type, s.ExternalName, s.Ports) = ("ExternalName", "example.com", [])),
            Service("circle", "", 0, with: s => (s.Type, s.ExternalName, s.Ports) = ("ExternalName", "circle.default.svc.cluster.local", [])));
        _informers.Of<V1EndpointSlice>().Set(Slice("db", 5432, "TCP", "pg", Ready("10.1.0.5", hostname: "db-0"), Ready("10.1.0.6"), Unready("10.1.0.7")));
        await File.WriteAllTextAsync(Path.Combine(_directory, "resolv.conf"), "nameserver 127.0.0.1\n");
        _server = await StartAsync(_upstream.Port);
        _endpoint = _server.Endpoints[0];
    }

    private async Task<DnsServer> StartAsync(int upstreamPort)
    {
        // Listens on another loopback address than the upstream: its own is never asked.
        var options = new DnsOptions([new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0)], [IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("10.152.183.0/24")])
        {
            Host = new HostResolvConf(Path.Combine(_directory, "resolv.conf"), Path.Combine(_directory, "none")),
            UpstreamPort = upstreamPort,
        };
        var server = new DnsServer(options, _informers, NullLoggerFactory.Instance, TimeProvider.System);
        await server.StartAsync(CancellationToken.None);
        Assert.True(server.Health.IsReady, server.Health.Message);
        return server;
    }

    public async Task DisposeAsync()
    {
        await _server.StopAsync(CancellationToken.None);
        _upstream.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Task<DnsReply> AskAsync(string name, DnsType type = DnsType.A) => DnsClient.AskUdpAsync(_endpoint, Question(name, type));

    [Theory]
    [InlineData("web.default.svc.cluster.local", DnsType.A, 0, "web.default.svc.cluster.local. 5 A 10.152.183.20")]
    [InlineData("WEB.default.SVC.cluster.local", DnsType.A, 0, "web.default.svc.cluster.local. 5 A 10.152.183.20")]
    [InlineData("web.default.svc.cluster.local", DnsType.Aaaa, 0, "")]
    [InlineData("_http._tcp.web.default.svc.cluster.local", DnsType.Srv, 0, "_http._tcp.web.default.svc.cluster.local. 5 SRV 0 100 80 web.default.svc.cluster.local.")]
    [InlineData("_http._udp.web.default.svc.cluster.local", DnsType.Srv, 3, "")]
    [InlineData("_tcp.web.default.svc.cluster.local", DnsType.A, 0, "")]
    [InlineData("db-0.db.default.svc.cluster.local", DnsType.A, 0, "db-0.db.default.svc.cluster.local. 5 A 10.1.0.5")]
    [InlineData("10-1-0-6.db.default.svc.cluster.local", DnsType.A, 0, "10-1-0-6.db.default.svc.cluster.local. 5 A 10.1.0.6")]
    [InlineData("db-1.db.default.svc.cluster.local", DnsType.A, 3, "")]
    [InlineData("empty.default.svc.cluster.local", DnsType.A, 3, "")]
    [InlineData("nothing.default.svc.cluster.local", DnsType.A, 3, "")]
    [InlineData("default.svc.cluster.local", DnsType.A, 0, "")]
    [InlineData("other.svc.cluster.local", DnsType.A, 3, "")]
    [InlineData("10-1-0-9.default.pod.cluster.local", DnsType.A, 0, "10-1-0-9.default.pod.cluster.local. 5 A 10.1.0.9")]
    [InlineData("10-1-0-9.other.pod.cluster.local", DnsType.A, 3, "")]
    [InlineData("10-1-0-999.default.pod.cluster.local", DnsType.A, 3, "")]
    [InlineData("20.183.152.10.in-addr.arpa", DnsType.Ptr, 0, "20.183.152.10.in-addr.arpa. 5 PTR web.default.svc.cluster.local.")]
    [InlineData("5.0.1.10.in-addr.arpa", DnsType.Ptr, 0, "5.0.1.10.in-addr.arpa. 5 PTR db-0.db.default.svc.cluster.local.")]
    [InlineData("99.0.1.10.in-addr.arpa", DnsType.Ptr, 3, "")]
    [InlineData("alias.default.svc.cluster.local", DnsType.Cname, 0, "alias.default.svc.cluster.local. 5 CNAME web.default.svc.cluster.local.")]
    [InlineData("alias.default.svc.cluster.local", DnsType.A, 0, "alias.default.svc.cluster.local. 5 CNAME web.default.svc.cluster.local.|web.default.svc.cluster.local. 5 A 10.152.183.20")]
    [InlineData("far.default.svc.cluster.local", DnsType.A, 0, "far.default.svc.cluster.local. 5 CNAME example.com.|example.com. 60 A 203.0.113.1")]
    [InlineData("circle.default.svc.cluster.local", DnsType.A, 0, "circle.default.svc.cluster.local. 5 CNAME circle.default.svc.cluster.local.")]
    [InlineData("dns-version.cluster.local", DnsType.Txt, 0, "dns-version.cluster.local. 5 TXT 1.1.0")]
    [InlineData("cluster.local", DnsType.Soa, 0, "cluster.local. 5 SOA ns.dns.cluster.local. hostmaster.cluster.local.")]
    [InlineData("example.com", DnsType.A, 0, "example.com. 60 A 203.0.113.1")]
    [InlineData("nowhere.example.com", DnsType.A, 3, "")]
    public async Task A_name_is_answered_as_the_specification_says(string name, object type, int code, string answers)
    {
        var reply = await AskAsync(name, (DnsType)type);
        Assert.Equal((77, code, answers), (reply.Id, reply.Code, string.Join('|', reply.Answers)));
        if (answers.Length == 0 && name.EndsWith("local", StringComparison.Ordinal))
            Assert.Equal("ns cluster.local. 5 SOA ns.dns.cluster.local. hostmaster.cluster.local.", Assert.Single(reply.Lines));
    }

    [Fact]
    public async Task A_headless_service_gives_its_ready_endpoints_in_turn_with_ports_and_addresses()
    {
        var firsts = new HashSet<string>();
        for (var i = 0; i < 4; i++)
        {
            var reply = await AskAsync("db.default.svc.cluster.local");
            Assert.Equal(["10.1.0.5", "10.1.0.6"], reply.Answers.Select(a => a.Split(' ')[^1]).Order(StringComparer.Ordinal));
            firsts.Add(reply.Answers.First());
        }
        Assert.Equal(2, firsts.Count);
        var srv = await AskAsync("_pg._tcp.db.default.svc.cluster.local", DnsType.Srv);
        Assert.Equal(["0 50 5432 10-1-0-6.db.default.svc.cluster.local.", "0 50 5432 db-0.db.default.svc.cluster.local."],
            srv.Answers.Select(a => string.Join(' ', a.Split(' ')[3..])).Order(StringComparer.Ordinal));
        Assert.Contains("ar db-0.db.default.svc.cluster.local. 5 A 10.1.0.5", srv.Lines);
    }

    [Fact]
    public async Task Names_follow_their_objects()
    {
        _informers.Of<V1Service>().Remove(Service("web", "10.152.183.20", 80));
        Assert.Equal(3, (await AskAsync("web.default.svc.cluster.local")).Code);
        Assert.Equal(3, (await AskAsync("20.183.152.10.in-addr.arpa", DnsType.Ptr)).Code);
        _informers.Of<V1EndpointSlice>().Set(Slice("db", 5432, "TCP", "pg", Ready("10.1.0.8")));
        Assert.Equal(["db.default.svc.cluster.local. 5 A 10.1.0.8"], (await AskAsync("db.default.svc.cluster.local")).Answers);
        Assert.Equal(3, (await AskAsync("5.0.1.10.in-addr.arpa", DnsType.Ptr)).Code);
    }

    [Fact]
    public async Task A_large_answer_is_cut_for_UDP_and_whole_by_TCP_and_EDNS_raises_the_limit()
    {
        _informers.Of<V1EndpointSlice>().Set(Slice("db", 5432, "TCP", "pg", [.. Enumerable.Range(1, 60).Select(i => Ready($"10.1.1.{i}"))]));
        var name = "db.default.svc.cluster.local";
        var small = await AskAsync(name);
        Assert.True(small.IsTruncated);
        Assert.InRange(small.Size, 400, 512);
        var large = await DnsClient.AskUdpAsync(_endpoint, Question(name, DnsType.A, edns: 4096));
        Assert.False(large.IsTruncated);
        Assert.Equal(60, large.Answers.Count());
        var tcp = await AskTcpAsync(_endpoint, Question(name, DnsType.A, id: 1), Question("example.com", DnsType.A, id: 2), Question("web.default.svc.cluster.local", DnsType.A, id: 3));
        Assert.Equal(((ushort)1, 60), (tcp[0].Id, tcp[0].Answers.Count()));
        Assert.Equal([(2, "203.0.113.1"), (3, "10.152.183.20")], tcp[1..].Select(r => ((int)r.Id, r.Answers.Single().Split(' ')[^1])));
    }

    [Fact]
    public async Task Upstream_answers_are_shared_cached_and_given_with_the_client_s_own_case()
    {
        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => DnsClient.AskUdpAsync(_endpoint, Question("slow.example.com", DnsType.A, id: (ushort)i))));
        Assert.All(all, reply => Assert.Equal("slow.example.com. 60 A 203.0.113.1", reply.Answers.Single()));
        Assert.Equal(Enumerable.Range(0, 20), all.Select(reply => (int)reply.Id));
        var mixed = await AskAsync("SLOW.eXample.com");
        Assert.Equal("\u0004SLOW\u0007eXample\u0003com\0", mixed.Question);
        Assert.Equal(1, _upstream.Asked["slow.example.com."]);
    }

    [Fact]
    public async Task Without_an_upstream_that_answers_the_client_hears_of_a_failure()
    {
        var none = await StartAsync(upstreamPort: 9);
        Assert.Equal(2, (await DnsClient.AskUdpAsync(none.Endpoints[0], Question("example.com", DnsType.A))).Code);
        await none.StopAsync(CancellationToken.None);
        Assert.Equal(2, (await AskAsync("refused.example.com")).Code switch { 5 => 2, var code => code });
    }

    [Fact]
    public async Task Refused_are_other_classes_transfers_and_operations_and_ignored_is_what_is_no_query()
    {
        var chaos = Question("version.bind", DnsType.Txt);
        chaos[^1] = 3;
        Assert.Equal(5, (await DnsClient.AskUdpAsync(_endpoint, chaos)).Code);
        Assert.Equal(5, (await AskAsync("cluster.local", DnsType.Axfr)).Code);
        Assert.Equal(4, (await DnsClient.AskUdpAsync(_endpoint, Question("a.b", DnsType.A, flags: 0x2800))).Code);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.SendToAsync(Question("web.default.svc.cluster.local", DnsType.A, id: 1, flags: 0x8180), _endpoint);
        await socket.SendToAsync(new byte[5], _endpoint);
        Assert.Equal(2, (await DnsClient.AskUdpAsync(socket, _endpoint, Question("web.default.svc.cluster.local", DnsType.A, id: 2))).Id);
    }

    [Fact]
    public async Task Other_resolvers_are_taken_when_resolv_conf_changes()
    {
        using var other = new Upstream("127.0.0.3", _upstream.Port) { Address = "203.0.113.9" };
        Assert.EndsWith("203.0.113.1", (await AskAsync("example.com")).Answers.Single(), StringComparison.Ordinal);
        var arrived = other.FirstQuestion;
        // By rename, as NetworkManager does.
        await File.WriteAllTextAsync(Path.Combine(_directory, "new"), "nameserver 127.0.0.3\n");
        File.Move(Path.Combine(_directory, "new"), Path.Combine(_directory, "resolv.conf"), overwrite: true);
        using var limit = new CancellationTokenSource(Patience);
        for (var i = 0; !arrived.IsCompleted; i++)
        {
            Assert.False(limit.IsCancellationRequested, "the new resolver was never asked");
            await AskAsync($"n{i}.example.com");
        }
        Assert.EndsWith("203.0.113.9", (await AskAsync("example.com")).Answers.Single(), StringComparison.Ordinal);
    }

    /// <summary>A resolver that knows 203.0.113.1 for everything below example.com.</summary>
    private sealed class Upstream : IDisposable
    {
        private readonly Socket _udp;
        private readonly TcpListener _tcp;
        private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Upstream(string address, int port)
        {
            (_udp, _tcp) = Bind(IPAddress.Parse(address), port);
            Port = ((IPEndPoint)_udp.LocalEndPoint!).Port;
            _ = ServeUdpAsync();
            _ = ServeTcpAsync();
        }

        public int Port { get; }
        public string Address { get; init; } = "203.0.113.1";

        /// <summary>One port for both protocols. With port 0 the kernel picks it for UDP alone, and somebody's TCP may have it: then another.</summary>
        private static (Socket Udp, TcpListener Tcp) Bind(IPAddress address, int port)
        {
            while (true)
            {
                var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                udp.Bind(new IPEndPoint(address, port));
                var tcp = new TcpListener(address, ((IPEndPoint)udp.LocalEndPoint!).Port);
                try
                {
                    tcp.Start();
                    return (udp, tcp);
                }
                catch (SocketException taken) when (port == 0 && taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
                {
                    udp.Dispose();
                    tcp.Dispose();
                }
            }
        }

        public Task FirstQuestion => _first.Task;
        public ConcurrentDictionary<string, int> Asked { get; } = [];

        private byte[] Answer(byte[] packet)
        {
            _first.TrySetResult();
            var query = DnsQuery.Read(packet)!.Value.Query;
            Asked.AddOrUpdate(query.Name.ToString(), 1, (_, n) => n + 1);
            var answer = query.Name.Labels[0] switch
            {
                "nowhere" => new DnsAnswer(DnsResponseCode.NameError),
                "refused" => new DnsAnswer(DnsResponseCode.Refused),
                _ => new DnsAnswer(DnsResponseCode.NoError) { Answers = [new AddressRecord(query.Name, IPAddress.Parse(Address), 60)] },
            };
            return answer.Write(query, 1232);
        }

        private async Task ServeUdpAsync()
        {
            var buffer = new byte[4096];
            while (true)
            {
                var received = await _udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                var answer = Answer(buffer[..received.ReceivedBytes]);
                // A forged answer first: another id.
                var forged = answer.ToArray();
                forged[0] ^= 1;
                await _udp.SendToAsync(forged, received.RemoteEndPoint);
                await _udp.SendToAsync(answer, received.RemoteEndPoint);
            }
        }

        private async Task ServeTcpAsync()
        {
            while (true)
            {
                using var client = await _tcp.AcceptTcpClientAsync();
                var stream = client.GetStream();
                var prefix = new byte[2];
                await stream.ReadExactlyAsync(prefix);
                var packet = new byte[prefix[0] << 8 | prefix[1]];
                await stream.ReadExactlyAsync(packet);
                var answer = Answer(packet);
                await stream.WriteAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer]);
            }
        }

        public void Dispose()
        {
            _udp.Dispose();
            _tcp.Dispose();
        }
    }
}
