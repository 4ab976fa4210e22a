using System.Text;

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
