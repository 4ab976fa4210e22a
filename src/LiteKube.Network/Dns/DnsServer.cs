using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using k8s.Models;
using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Dns;

/// <param name="Listen">UDP and TCP; normally port 53 of the cluster DNS address, which the bridge holds (<see cref="NetworkSetup"/>).</param>
/// <param name="ReverseNetworks">Pod and Service CIDRs: their unknown addresses are denied, not asked of the world.</param>
public sealed record DnsOptions(IReadOnlyList<IPEndPoint> Listen, IReadOnlyList<IPNetwork> ReverseNetworks)
{
    public string ClusterDomain { get; init; } = "cluster.local";
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(5);
    public HostResolvConf Host { get; init; } = new();
    internal int UpstreamPort { get; init; } = 53;

    public static DnsOptions For(NetworkOptions network, string clusterDomain = "cluster.local") =>
        new([new IPEndPoint(network.ClusterDns, 53)], [network.ClusterCidr, network.ServiceCidr]) { ClusterDomain = clusterDomain };
}

/// <summary>
/// The cluster's DNS, inside this process: cluster names from memory, everything else from the host's resolvers. It
/// binds the DNS Service's own address, so that pods and host reach it without address translation.
/// </summary>
public sealed class DnsServer : IComponent
{
    private const int MaxTcpConnections = 256;
    private static readonly TimeSpan TcpIdleLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BindRetry = TimeSpan.FromSeconds(5);

    private readonly DnsOptions _options;
    private readonly ISharedInformers _informers;
    private readonly ILogger _logger;
    private readonly TimeProvider _timeProvider;
    private readonly ClusterIndex _index = new();
    private readonly Forwarder _forwarder;
    private readonly DnsResponder _responder;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IDisposable> _owned = [];
    private UpstreamList? _upstreams;
    private Task _running = Task.CompletedTask;
    private int _tcpConnections;
    private volatile ComponentHealth _health = ComponentHealth.NotReady("waiting for Services and EndpointSlices from the API server");

    public DnsServer(DnsOptions options, ISharedInformers informers, ILoggerFactory loggers, TimeProvider timeProvider)
    {
        _options = options;
        _informers = informers;
        _logger = loggers.CreateLogger("LiteKube.Network.Dns");
        _timeProvider = timeProvider;
        var zone = new ClusterZone(DnsName.Parse(options.ClusterDomain), options.Listen[0].Address, options.ReverseNetworks, (uint)options.Ttl.TotalSeconds, _index);
        _forwarder = new Forwarder(() => _upstreams?.Current ?? [], _logger, timeProvider);
        _responder = new DnsResponder(zone, _forwarder, _logger);
    }

    public string Name => "dns";
    public ComponentHealth Health => _health;

    /// <summary>Where it listens, with the port that the system chose for port 0.</summary>
    internal IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var services = _informers.Get<V1Service>();
        var slices = _informers.Get<V1EndpointSlice>();
        var namespaces = _informers.Get<V1Namespace>();
        _owned.Add(services.AddHandler(_index.ServiceHandler));
        _owned.Add(slices.AddHandler(_index.SliceHandler));
        _owned.Add(namespaces.AddHandler(_index.NamespaceHandler));
        _upstreams = new UpstreamList(_options.Host, _options.UpstreamPort, [.. _options.Listen.Select(l => l.Address)], _forwarder.Reset, _logger);
        _owned.Add(_upstreams);
        _running = SuperviseAsync(async () =>
        {
            // Before that "no such name" would be a guess.
            await Task.WhenAll(services.WaitForSyncAsync(_stopping.Token), slices.WaitForSyncAsync(_stopping.Token), namespaces.WaitForSyncAsync(_stopping.Token));
            await ListenAsync(_stopping.Token);
        });
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _running.WaitAsync(cancellationToken);
        foreach (var owned in _owned)
            owned.Dispose();
        _health = ComponentHealth.NotReady("stopped");
    }

    private async Task SuperviseAsync(Func<Task> loop)
    {
        try
        {
            await loop();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // StopAsync waits for this.
        }
        catch (Exception e)
        {
            _health = ComponentHealth.NotReady($"DNS ended by an unexpected error: {e.Message}; restart litekube");
            DnsLog.LoopFailed(_logger, e);
        }
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var sockets = new List<Socket>();
        try
        {
            foreach (var endpoint in _options.Listen)
                sockets.AddRange(await BindAsync(endpoint, cancellationToken));
            Endpoints = [.. sockets.Where(s => s.ProtocolType == ProtocolType.Udp).Select(s => (IPEndPoint)s.LocalEndPoint!)];
            DnsLog.Listening(_logger, _options.ClusterDomain, string.Join(", ", Endpoints));
            _health = ComponentHealth.Ready;
            await Task.WhenAll(sockets.Select(s => s.ProtocolType == ProtocolType.Udp ? ServeUdpAsync(s, cancellationToken) : ServeTcpAsync(s, cancellationToken)));
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }
    }

    private async Task<Socket[]> BindAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        while (true)
        {
            var udp = new Socket(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
            var tcp = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                udp.Bind(endpoint);
                // With port 0 both share the one that UDP got.
                tcp.Bind(udp.LocalEndPoint!);
                tcp.Listen(128);
                return [udp, tcp];
            }
            catch (SocketException e)
            {
                udp.Dispose();
                tcp.Dispose();
                var remedy = e.SocketErrorCode == SocketError.AddressAlreadyInUse ? $"another DNS server listens on all addresses; bind it to its own (see: ss -lnp 'sport = {endpoint.Port}')"
                    : e.SocketErrorCode == SocketError.AddressNotAvailable ? "the pod bridge does not hold the address yet" : "run as root";
                _health = ComponentHealth.NotReady($"cannot listen on {endpoint}: {e.Message}; {remedy}");
                DnsLog.BindFailed(_logger, endpoint, BindRetry, e);
            }
            await Task.Delay(BindRetry, _timeProvider, cancellationToken);
        }
    }

    private async Task ServeUdpAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        var client = new SocketAddress(socket.AddressFamily);
        while (true)
        {
            int length;
            try
            {
                length = await socket.ReceiveFromAsync(buffer, SocketFlags.None, client, cancellationToken);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.NetworkUnreachable)
            {
                // An ICMP error about an earlier answer; the client is gone.
                continue;
            }
            if (DnsQuery.Read(buffer.AsSpan(0, length)) is not { } read)
                continue;
            if (_responder.AnswerNow(read.Query, read.Code) is { } answer)
            {
                await SendAsync(socket, client, answer.Write(read.Query, read.Query.UdpLimit), cancellationToken);
                continue;
            }
            // The loop goes on; upstream answers come when they come, at most as many as the forwarder allows.
            var copy = new SocketAddress(client.Family, client.Size);
            client.Buffer.Span[..client.Size].CopyTo(copy.Buffer.Span);
            _ = _responder.AnswerLaterAsync(read.Query, tcp: false, answer => SendAsync(socket, copy, answer, cancellationToken), cancellationToken);
        }
    }

    private static async Task SendAsync(Socket socket, SocketAddress client, byte[] answer, CancellationToken cancellationToken)
    {
        try
        {
            await socket.SendToAsync(answer, SocketFlags.None, client, cancellationToken);
        }
        catch (SocketException)
        {
            // The client's pod is gone; UDP owes it nothing.
        }
    }

    private async Task ServeTcpAsync(Socket listener, CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(cancellationToken);
            }
            catch (SocketException e)
            {
                // Out of file descriptors, or the client left the queue; the next may do better.
                DnsLog.AcceptFailed(_logger, e);
                await Task.Delay(AcceptRetry, _timeProvider, cancellationToken);
                continue;
            }
            if (Interlocked.Increment(ref _tcpConnections) > MaxTcpConnections)
            {
                Interlocked.Decrement(ref _tcpConnections);
                client.Dispose();
                continue;
            }
            _ = ServeConnectionAsync(client, cancellationToken);
        }
    }

    private async Task ServeConnectionAsync(Socket client, CancellationToken cancellationToken)
    {
        try
        {
            client.NoDelay = true;
            await using var stream = new NetworkStream(client, ownsSocket: true);
            var prefix = new byte[2];
            while (true)
            {
                using var idle = new CancellationTokenSource(TcpIdleLimit, _timeProvider);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
                await stream.ReadExactlyAsync(prefix, both.Token);
                var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
                await stream.ReadExactlyAsync(message, both.Token);
                if (DnsQuery.Read(message) is not { } read)
                    return;
                if (_responder.AnswerNow(read.Query, read.Code) is { } answer)
                    await SendFramedAsync(answer.Write(read.Query, ushort.MaxValue));
                else
                    await _responder.AnswerLaterAsync(read.Query, tcp: true, SendFramedAsync, cancellationToken);

                async Task SendFramedAsync(byte[] bytes)
                {
                    var framed = new byte[bytes.Length + 2];
                    BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)bytes.Length);
                    bytes.CopyTo(framed, 2);
                    await stream.WriteAsync(framed, both.Token);
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away, or said nothing for too long.
        }
        finally
        {
            Interlocked.Decrement(ref _tcpConnections);
        }
    }
}
