using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Dns;

/// <summary>
/// Asks the host's resolvers, with a small cache. Equal questions that are under way share one, which also ends a loop:
/// should an upstream ask us what we just asked it, it waits for itself and both end by the time limit.
/// </summary>
internal sealed class Forwarder(Func<IReadOnlyList<IPEndPoint>> upstreams, ILogger logger, TimeProvider timeProvider)
{
    private const int MaxConcurrent = 512;
    private const int MaxCached = 4096;
    private static readonly TimeSpan TryLimit = TimeSpan.FromSeconds(1.5);
    // A client's own limit is 5 seconds by default; it should rather hear of a failure.
    private static readonly TimeSpan TotalLimit = TimeSpan.FromSeconds(4.5);
    private static readonly TimeSpan FailureMemory = TimeSpan.FromSeconds(10);
    private const uint MaxPositiveTtlSeconds = 30, MaxNegativeTtlSeconds = 10;

    private readonly ConcurrentDictionary<Key, (UpstreamResponse Response, long Stored, uint TtlSeconds)> _cache = [];
    private readonly ConcurrentDictionary<Key, Lazy<Task<UpstreamResponse?>>> _underWay = [];
    private readonly ConcurrentDictionary<IPEndPoint, long> _failed = [];
    private int _concurrent;

    private readonly record struct Key(DnsName Name, DnsType Type, ushort Class, bool Edns, bool DnssecOk, bool CheckingDisabled, bool Tcp);

    /// <summary>Forgets everything: other resolvers may give other answers.</summary>
    public void Reset()
    {
        _cache.Clear();
        _failed.Clear();
    }

    /// <returns>null when no upstream gave an answer within the time limit. The age is that of a cached answer.</returns>
    public async Task<(UpstreamResponse? Response, uint AgeSeconds)> AskAsync(DnsQuery query, bool tcp, CancellationToken cancellationToken)
    {
        var key = new Key(query.Name, query.Type, query.Class, query.EdnsSize > 0, query.DnssecOk, (query.Flags & DnsQuery.FlagCheckingDisabled) != 0, tcp);
        if (_cache.TryGetValue(key, out var cached))
        {
            var age = (uint)timeProvider.GetElapsedTime(cached.Stored).TotalSeconds;
            if (age < cached.TtlSeconds)
                return (cached.Response, age);
            _cache.TryRemove(key, out _);
        }
        var shared = _underWay.GetOrAdd(key, k => new Lazy<Task<UpstreamResponse?>>(() => AskUpstreamsAsync(k, query, cancellationToken)));
        return (await shared.Value, 0);
    }

    private async Task<UpstreamResponse?> AskUpstreamsAsync(Key key, DnsQuery query, CancellationToken cancellationToken)
    {
        // Lazy's value must exist before the entry is removed again.
        await Task.Yield();
        try
        {
            if (Interlocked.Increment(ref _concurrent) > MaxConcurrent)
                return null;
            using var limit = new CancellationTokenSource(TotalLimit, timeProvider);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            UpstreamResponse? refusal = null;
            foreach (var upstream in upstreams().OrderBy(HasFailedLately))
            {
                var response = await TryAsync(upstream, query, key.Tcp, both.Token);
                if (response is { Code: DnsResponseCode.NoError or DnsResponseCode.NameError })
                {
                    Store(key, response);
                    return response;
                }
                refusal ??= response;
            }
            return refusal;
        }
        finally
        {
            Interlocked.Decrement(ref _concurrent);
            _underWay.TryRemove(key, out _);
        }
    }

    private bool HasFailedLately(IPEndPoint upstream) => _failed.TryGetValue(upstream, out var at) && timeProvider.GetElapsedTime(at) < FailureMemory;

    private async Task<UpstreamResponse?> TryAsync(IPEndPoint upstream, DnsQuery query, bool tcp, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TryLimit, timeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var response = tcp ? await AskTcpAsync(upstream, query, both.Token) : await AskUdpAsync(upstream, query, both.Token);
            _failed.TryRemove(upstream, out _);
            return response;
        }
        catch (Exception e) when (e is SocketException or IOException || e is OperationCanceledException && limit.IsCancellationRequested)
        {
            _failed[upstream] = timeProvider.GetTimestamp();
            DnsLog.UpstreamFailed(logger, upstream, e.Message);
            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task<UpstreamResponse> AskUdpAsync(IPEndPoint upstream, DnsQuery query, CancellationToken cancellationToken)
    {
        // A socket a question: its random port is half of what a forger would have to guess.
        using var socket = new Socket(upstream.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(upstream, cancellationToken);
        var (packet, id) = Packet(query);
        await socket.SendAsync(packet, cancellationToken);
        var buffer = new byte[4096];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellationToken);
            if (UpstreamResponse.Read(buffer[..length], id, query) is { } response)
                return response;
        }
    }

    private static async Task<UpstreamResponse?> AskTcpAsync(IPEndPoint upstream, DnsQuery query, CancellationToken cancellationToken)
    {
        using var socket = new Socket(upstream.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(upstream, cancellationToken);
        await using var stream = new NetworkStream(socket);
        var (packet, id) = Packet(query);
        var framed = new byte[packet.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)packet.Length);
        packet.CopyTo(framed, 2);
        await stream.WriteAsync(framed, cancellationToken);
        var prefix = new byte[2];
        await stream.ReadExactlyAsync(prefix, cancellationToken);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        await stream.ReadExactlyAsync(message, cancellationToken);
        return UpstreamResponse.Read(message, id, query);
    }

    /// <summary>The question under an id of our own. The client's EDNS options (cookies) are between it and us, so only size and DO go on.</summary>
    private static (byte[] Packet, ushort Id) Packet(DnsQuery query)
    {
        var id = (ushort)RandomNumberGenerator.GetInt32(0x10000);
        var packet = new byte[DnsQuery.HeaderLength + query.QuestionBytes.Length + (query.EdnsSize > 0 ? DnsWriter.OptLength : 0)];
        BinaryPrimitives.WriteUInt16BigEndian(packet, id);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)(DnsQuery.FlagRecursionDesired | query.Flags & DnsQuery.FlagCheckingDisabled));
        packet[5] = 1;
        query.QuestionBytes.CopyTo(packet, DnsQuery.HeaderLength);
        if (query.EdnsSize > 0)
        {
            var opt = packet.AsSpan(DnsQuery.HeaderLength + query.QuestionBytes.Length);
            packet[11] = 1;
            opt[2] = (byte)DnsType.Opt;
            BinaryPrimitives.WriteUInt16BigEndian(opt[3..], DnsQuery.MaxUdpSize);
            opt[7] = (byte)(query.DnssecOk ? 0x80 : 0);
        }
        return (packet, id);
    }

    private void Store(Key key, UpstreamResponse response)
    {
        var limit = response.HasAnswers && response.Code == DnsResponseCode.NoError ? MaxPositiveTtlSeconds : MaxNegativeTtlSeconds;
        var ttl = response.MinTtlSeconds == uint.MaxValue ? 0 : Math.Min(response.MinTtlSeconds, limit);
        if (ttl == 0 || response.IsTruncated)
            return;
        if (_cache.Count >= MaxCached)
            _cache.Clear();
        _cache[key] = (response, timeProvider.GetTimestamp(), ttl);
    }
}
