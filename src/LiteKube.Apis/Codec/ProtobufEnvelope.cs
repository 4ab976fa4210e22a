using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>
/// What stands around an object in Kubernetes' protobuf encoding: the four bytes "k8s\0", then runtime.Unknown with the
/// object's type and its own message (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding).
/// </summary>
public readonly ref struct ProtobufEnvelope
{
    public const string ContentType = "application/vnd.kubernetes.protobuf";

    private ProtobufEnvelope(string apiVersion, string kind, ReadOnlySpan<byte> message)
    {
        ApiVersion = apiVersion;
        Kind = kind;
        Message = message;
    }

    public string ApiVersion { get; }
    public string Kind { get; }
    public ReadOnlySpan<byte> Message { get; }

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    // contentEncoding and contentType, which are always empty.
    private static ReadOnlySpan<byte> End => [0x1a, 0, 0x22, 0];

    /// <summary>An object's canonical JSON in protobuf.</summary>
    /// <exception cref="DecodeException">The JSON is not of this type.</exception>
    public static ProtobufObject Write(ReadOnlySpan<byte> json, TypeSchema schema, string apiVersion, string kind)
    {
        using var message = new Utf8Buffer();
        ProtobufEncoder.Encode(json, schema, message);
        var head = Head(apiVersion, kind, message.Count);
        var bytes = new byte[head.Length + message.Count + End.Length];
        head.CopyTo(bytes, 0);
        message.Written.CopyTo(bytes.AsSpan(head.Length));
        End.CopyTo(bytes.AsSpan(bytes.Length - End.Length));
        return new(bytes, head.Length);
    }

    /// <summary>What stands before the items of a list: each follows as <see cref="WriteItemHead"/> and its message, and <see cref="ListEnd"/> at last.</summary>
    /// <param name="metadata">The list's metadata as JSON.</param>
    /// <param name="itemsLength">Bytes of all items with their heads.</param>
    public static byte[] ListHead(string apiVersion, string kind, ReadOnlySpan<byte> metadata, long itemsLength)
    {
        using var message = new Utf8Buffer();
        ProtobufEncoder.Encode(metadata, SchemaTable.BuiltIn.Find("meta.k8s.io/v1", "ListMeta")!, message);
        Span<byte> prefix = stackalloc byte[11];
        prefix[0] = 0x0a;
        var length = 1 + ProtobufFields.WriteVarint(prefix[1..], (ulong)message.Count);
        return [.. Head(apiVersion, kind, length + message.Count + itemsLength), .. prefix[..length], .. message.Written];
    }

    public static ReadOnlySpan<byte> ListEnd => End;

    /// <summary>The longest that <see cref="WriteItemHead"/> writes.</summary>
    public const int MaxItemHead = 11;

    /// <summary>False for types that Kubernetes has no protobuf form of: Table, custom resources.</summary>
    public static bool Encodes(TypeSchema schema) => schema.Structural is null && schema.Protobuf.IsComplete;

    /// <summary>Bytes of an item's head and message.</summary>
    public static int ItemLength(int messageLength) => 1 + ProtobufFields.VarintLength((ulong)messageLength) + messageLength;

    /// <returns>The number of bytes written.</returns>
    public static int WriteItemHead(Span<byte> to, int messageLength)
    {
        to[0] = 0x12;
        return 1 + ProtobufFields.WriteVarint(to[1..], (ulong)messageLength);
    }

    /// <summary>A watch event: its length, then WatchEvent with the whole enveloped object inside (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding).</summary>
    public static void WriteEvent(IBufferWriter<byte> writer, ReadOnlySpan<byte> type, ReadOnlySpan<byte> value)
    {
        var raw = 1 + ProtobufFields.VarintLength((ulong)value.Length) + value.Length;
        var length = 2 + type.Length + 1 + ProtobufFields.VarintLength((ulong)raw) + raw;
        var span = writer.GetSpan(4 + length);
        BinaryPrimitives.WriteInt32BigEndian(span, length);
        var at = 4;
        span[at++] = 0x0a;
        span[at++] = (byte)type.Length;
        type.CopyTo(span[at..]);
        at += type.Length;
        span[at++] = 0x12;
        at += ProtobufFields.WriteVarint(span[at..], (ulong)raw);
        span[at++] = 0x0a;
        at += ProtobufFields.WriteVarint(span[at..], (ulong)value.Length);
        value.CopyTo(span[at..]);
        writer.Advance(at + value.Length);
    }

    /// <summary>Up to the first byte of the object's message.</summary>
    private static byte[] Head(string apiVersion, string kind, long messageLength)
    {
        using var buffer = new Utf8Buffer();
        buffer.Add(Magic);
        var (version, name) = (Encoding.UTF8.GetByteCount(apiVersion), Encoding.UTF8.GetByteCount(kind));
        Start(buffer, 0x0a, 2 + ProtobufFields.VarintLength((ulong)version) + version + ProtobufFields.VarintLength((ulong)name) + name);
        Start(buffer, 0x0a, version);
        buffer.Advance(Encoding.UTF8.GetBytes(apiVersion, buffer.Reserve(version)));
        Start(buffer, 0x12, name);
        buffer.Advance(Encoding.UTF8.GetBytes(kind, buffer.Reserve(name)));
        Start(buffer, 0x12, messageLength);
        return buffer.Written.ToArray();

        static void Start(Utf8Buffer buffer, byte tag, long length)
        {
            buffer.Add(tag);
            buffer.Advance(ProtobufFields.WriteVarint(buffer.Reserve(10), (ulong)length));
        }
    }

    /// <exception cref="DecodeException">The bytes are no such envelope.</exception>
    public static ProtobufEnvelope Read(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Magic)) throw new DecodeException("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
        var (apiVersion, kind) = ("", "");
        ReadOnlySpan<byte> message = default;
        var reader = new ProtobufFields(bytes[Magic.Length..]);
        while (reader.Next())
        {
            switch (reader.Number)
            {
                case 1:
                    var type = new ProtobufFields(reader.Bytes());
                    while (type.Next())
                    {
                        if (type.Number == 1) apiVersion = Encoding.UTF8.GetString(type.Bytes());
                        else if (type.Number == 2) kind = Encoding.UTF8.GetString(type.Bytes());
                    }
                    break;
                case 2:
                    message = reader.Bytes();
                    break;
                case 3 when reader.Bytes().Length > 0:
                    throw new DecodeException("unsupported content encoding of the protobuf message");
            }
        }
        return new(apiVersion, kind, message);
    }
}

/// <summary>An enveloped object.</summary>
/// <param name="Bytes">With the envelope.</param>
/// <param name="MessageStart">Where the object's own message begins, which is an item of a list as it stands.</param>
public readonly record struct ProtobufObject(byte[] Bytes, int MessageStart)
{
    private const int EndLength = 4;

    public ReadOnlySpan<byte> Message => Bytes.AsSpan(MessageStart, Bytes.Length - MessageStart - EndLength);
}
