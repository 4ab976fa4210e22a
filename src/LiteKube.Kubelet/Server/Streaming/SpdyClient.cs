using System.Buffers.Binary;
using System.Text;

namespace LiteKube.Kubelet.Server.Streaming;

/// <param name="StreamId">The stream that data came on.</param>
/// <param name="IsLast">The other side will send no more on it.</param>
internal readonly record struct SpdyData(int StreamId, ReadOnlyMemory<byte> Bytes, bool IsLast);

/// <summary>
/// As much of SPDY/3.1 as a client of the runtime's streaming server needs: it opens streams, sends and receives data
/// and closes its side of one. Header blocks are written as stored, uncompressed deflate blocks, which every zlib reader
/// accepts, and those of answers are not read: nothing in them matters here.
/// https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
/// </summary>
internal sealed class SpdyClient(UpstreamConnection connection) : IDisposable
{
    private const ushort Version = 3;
    private const ushort SynStream = 1, RstStream = 3, Ping = 6, GoAway = 7;
    private const byte Fin = 1;
    private const int MaxFrameBytes = 0xFFFFFF;

    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly HashSet<int> _closed = [];
    private int _nextStream = 1;
    private bool _hasSentHeaders;

    /// <summary>Opens a stream and returns its id. The answer is not awaited: data may follow at once.</summary>
    public async Task<int> OpenAsync(IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            var id = _nextStream;
            _nextStream += 2;
            var block = HeaderBlock(headers);
            var frame = new byte[8 + 10 + block.Length];
            WriteControlHead(frame, SynStream, 0, 10 + block.Length);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(8), id);
            block.CopyTo(frame, 18);
            await connection.WriteAsync(frame, cancellationToken);
            return id;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <param name="isLast">Closes this side of the stream: the process behind it reads the end of its input.</param>
    public async Task SendAsync(int streamId, ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (!_closed.Contains(streamId))
            {
                var frame = new byte[8 + bytes.Length];
                BinaryPrimitives.WriteInt32BigEndian(frame, streamId);
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), bytes.Length | (isLast ? Fin << 24 : 0));
                bytes.CopyTo(frame.AsMemory(8));
                if (isLast)
                    _closed.Add(streamId);
                await connection.WriteAsync(frame, cancellationToken);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The next piece of data or end of a stream; null when the connection has ended.</summary>
    public async Task<SpdyData?> ReceiveAsync(CancellationToken cancellationToken)
    {
        var head = new byte[8];
        while (await connection.ReadExactlyAsync(head, cancellationToken))
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) & MaxFrameBytes;
            var payload = new byte[length];
            if (!await connection.ReadExactlyAsync(payload, cancellationToken))
                return null;
            var flags = head[4];
            if ((head[0] & 0x80) == 0)
                return new SpdyData(BinaryPrimitives.ReadInt32BigEndian(head), payload, (flags & Fin) != 0);
            var type = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2));
            if (type == Ping)
                await AnswerPingAsync(payload, cancellationToken);
            else if (type == RstStream && length >= 4)
                return new SpdyData(BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue, default, IsLast: true);
            else if (type == GoAway)
                return null;
        }
        return null;
    }

    public void Dispose()
    {
        _writing.Dispose();
        connection.Dispose();
    }

    private async Task AnswerPingAsync(byte[] payload, CancellationToken cancellationToken)
    {
        // Odd ids are ours: those are answers, to pings that are never sent.
        if (payload.Length != 4 || (payload[3] & 1) == 1)
            return;
        var frame = new byte[12];
        WriteControlHead(frame, Ping, 0, 4);
        payload.CopyTo(frame, 8);
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await connection.WriteAsync(frame, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    private static void WriteControlHead(Span<byte> frame, ushort type, byte flags, int length)
    {
        BinaryPrimitives.WriteUInt16BigEndian(frame, 0x8000 | Version);
        BinaryPrimitives.WriteUInt16BigEndian(frame[2..], type);
        BinaryPrimitives.WriteInt32BigEndian(frame[4..], length | flags << 24);
    }

    private byte[] HeaderBlock(IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        using var plain = new MemoryStream();
        WriteInt32(plain, headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteText(plain, name.ToLowerInvariant());
            WriteText(plain, value);
        }

        using var block = new MemoryStream();
        // All header blocks of a connection are one zlib stream; its head goes before the first.
        if (!_hasSentHeaders)
            block.Write([0x78, 0x01]);
        _hasSentHeaders = true;
        WriteStored(block, plain.ToArray());
        // An empty block makes the reader give out what it has (as a sync flush does).
        WriteStored(block, []);
        return block.ToArray();
    }

    private static void WriteStored(MemoryStream to, byte[] bytes)
    {
        Span<byte> head = stackalloc byte[5];
        head[0] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(head[1..], (ushort)bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(head[3..], (ushort)~bytes.Length);
        to.Write(head);
        to.Write(bytes);
    }

    private static void WriteText(MemoryStream to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteInt32(to, bytes.Length);
        to.Write(bytes);
    }

    private static void WriteInt32(MemoryStream to, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        to.Write(bytes);
    }
}
