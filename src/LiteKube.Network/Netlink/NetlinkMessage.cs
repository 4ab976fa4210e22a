using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace LiteKube.Network.Netlink;

/// <summary>Builds one netlink request: header, fixed struct, attributes (possibly nested). Host byte order, 4-byte aligned.</summary>
internal sealed class NetlinkMessage
{
    public const ushort Request = 1;
    public const ushort Ack = 4;
    public const ushort Dump = 0x300;
    public const ushort Replace = 0x100;
    public const ushort Exclusive = 0x200;
    public const ushort Create = 0x400;
    public const ushort Nested = 0x8000;
    public const int HeaderLength = 16;

    private byte[] _buffer = new byte[512];
    private int _length = HeaderLength;

    public NetlinkMessage(ushort type, ushort flags)
    {
        Type = type;
        Flags = flags;
    }

    public ushort Type { get; }
    public ushort Flags { get; }

    public NetlinkMessage Struct(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Grow(bytes.Length));
        Align();
        return this;
    }

    public NetlinkMessage Attribute(int type, ReadOnlySpan<byte> value)
    {
        var start = Begin(type);
        value.CopyTo(Grow(value.Length));
        End(start);
        return this;
    }

    public NetlinkMessage Attribute(int type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + "\0"));
    public NetlinkMessage Attribute(int type, byte value) => Attribute(type, [value]);

    public NetlinkMessage Attribute(int type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        return Attribute(type, bytes);
    }

    public NetlinkMessage BigEndian(int type, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    public NetlinkMessage Nest(int type, Action<NetlinkMessage> content)
    {
        var start = Begin(type);
        content(this);
        End(start);
        return this;
    }

    /// <summary>The whole message with its header filled in.</summary>
    public ReadOnlySpan<byte> Finish(uint sequence)
    {
        var span = _buffer.AsSpan(0, _length);
        MemoryMarshal.Write(span, _length);
        MemoryMarshal.Write(span[4..], Type);
        MemoryMarshal.Write(span[6..], Flags);
        MemoryMarshal.Write(span[8..], sequence);
        return span;
    }

    private int Begin(int type)
    {
        var start = _length;
        MemoryMarshal.Write(Grow(4)[2..], (ushort)type);
        return start;
    }

    private void End(int start)
    {
        MemoryMarshal.Write(_buffer.AsSpan(start), (ushort)(_length - start));
        Align();
    }

    private void Align() => Grow(-_length & 3);

    private Span<byte> Grow(int count)
    {
        if (_length + count > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + count));
        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }
}

/// <summary>One received message: its type and what follows the header.</summary>
internal readonly ref struct NetlinkReply(ushort type, ReadOnlySpan<byte> payload)
{
    public ushort Type { get; } = type;
    public ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>The attributes after a fixed struct of <paramref name="structLength"/> bytes.</summary>
    public NetlinkAttributes Attributes(int structLength) => new(Payload.Length > structLength ? Payload[structLength..] : default);
}

/// <summary>Enumerates attributes; stops at the first malformed one.</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> rest)
{
    private ReadOnlySpan<byte> _rest = rest;

    public int Type { get; private set; }
    public ReadOnlySpan<byte> Value { get; private set; }

    public readonly int Int32 => Value.Length >= 4 ? MemoryMarshal.Read<int>(Value) : 0;
    public readonly ushort BigEndian16 => Value.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(Value) : (ushort)0;
    public readonly uint BigEndian32 => Value.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(Value) : 0;
    public readonly string Text => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));
    public readonly NetlinkAttributes Children => new(Value);

    public bool Next()
    {
        if (_rest.Length < 4)
            return false;
        var length = MemoryMarshal.Read<ushort>(_rest);
        if (length < 4 || length > _rest.Length)
            return false;
        Type = MemoryMarshal.Read<ushort>(_rest[2..]) & 0x3fff;
        Value = _rest[4..length];
        var aligned = Math.Min((length + 3) & ~3, _rest.Length);
        _rest = _rest[aligned..];
        return true;
    }
}
