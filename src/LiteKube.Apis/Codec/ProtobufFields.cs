using System.Buffers.Binary;

namespace LiteKube.Apis.Codec;

/// <summary>The fields of one message of Protocol Buffers' wire format, one after the other (https://protobuf.dev/programming-guides/encoding/).</summary>
internal ref struct ProtobufFields(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;
    private ReadOnlySpan<byte> _bytes;
    private ulong _number;
    private int _wireType;

    /// <summary>The field's number.</summary>
    public int Number { get; private set; }

    public readonly bool IsLengthDelimited => _wireType == 2;

    /// <summary>False at the end of the message.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        var tag = ReadVarint(ref _rest);
        Number = (int)(tag >> 3);
        _wireType = (int)(tag & 7);
        switch (_wireType)
        {
            case 0:
                _number = ReadVarint(ref _rest);
                break;
            case 1:
                _number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                var length = ReadVarint(ref _rest);
                _bytes = length <= (ulong)_rest.Length ? Take((int)length) : throw Truncated();
                break;
            case 5:
                _number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw new DecodeException($"proto: illegal wireType {_wireType}");
        }
        return true;
    }

    public readonly ReadOnlySpan<byte> Bytes() => _wireType == 2 ? _bytes : throw new DecodeException($"proto: wrong wireType = {_wireType} for field {Number}");

    public readonly ulong Varint() => _wireType == 0 ? _number : throw new DecodeException($"proto: wrong wireType = {_wireType} for field {Number}");

    public readonly double Double() => _wireType == 1 ? BitConverter.UInt64BitsToDouble(_number) : throw new DecodeException($"proto: wrong wireType = {_wireType} for field {Number}");

    public static ulong ReadVarint(ref ReadOnlySpan<byte> from)
    {
        ulong value = 0;
        for (var i = 0; i < 10; i++)
        {
            if (i >= from.Length) throw Truncated();
            value |= (ulong)(from[i] & 0x7f) << (7 * i);
            if (from[i] >= 0x80) continue;
            from = from[(i + 1)..];
            return value;
        }
        throw new DecodeException("proto: integer overflow");
    }

    /// <returns>The number of bytes written.</returns>
    public static int WriteVarint(Span<byte> to, ulong value)
    {
        var length = 0;
        while (value >= 0x80)
        {
            to[length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        to[length++] = (byte)value;
        return length;
    }

    public static int VarintLength(ulong value)
    {
        var length = 1;
        while ((value >>= 7) > 0) length++;
        return length;
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length) throw Truncated();
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private static DecodeException Truncated() => new("unexpected EOF");
}
