using System.Buffers;
using System.Text;

namespace LiteKube.Apis.Codec;

/// <summary>Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding/), as much as schema-driven encoding needs.</summary>
internal sealed class ProtobufWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    public void String(int number, string value)
    {
        Tag(number, 2);
        var length = Encoding.UTF8.GetByteCount(value);
        Varint((ulong)length);
        Encoding.UTF8.GetBytes(value, _buffer.GetSpan(length));
        _buffer.Advance(length);
    }

    public void Bool(int number, bool value)
    {
        Tag(number, 0);
        Varint(value ? 1UL : 0UL);
    }

    public void Int64(int number, long value)
    {
        Tag(number, 0);
        Varint((ulong)value);
    }

    public void Double(int number, double value)
    {
        Tag(number, 1);
        System.Buffers.Binary.BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    public void Message(int number, Action<ProtobufWriter> write)
    {
        // A message's length stands before it, so it is written aside first.
        var nested = new ProtobufWriter();
        write(nested);
        Tag(number, 2);
        Varint((ulong)nested._buffer.WrittenCount);
        _buffer.Write(nested._buffer.WrittenSpan);
    }

    private void Tag(int number, int wireType) => Varint((ulong)((number << 3) | wireType));

    private void Varint(ulong value)
    {
        var span = _buffer.GetSpan(10);
        var length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        span[length++] = (byte)value;
        _buffer.Advance(length);
    }
}
