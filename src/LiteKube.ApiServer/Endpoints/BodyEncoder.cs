using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Whole answers in the format that the client accepts.</summary>
internal static class BodyEncoder
{
    public static BytesResult Encode(AcceptedType accepted, JsonObject value, int statusCode = 200)
    {
        if (accepted.Format == BodyFormat.Yaml) return new BytesResult(Encoding.UTF8.GetBytes(ObjectWriter.WriteYaml(value))) { StatusCode = statusCode, ContentType = MediaTypes.Yaml };
        var json = ObjectWriter.Write(value);
        return accepted.Format == BodyFormat.Protobuf
            ? Protobuf(json, value["apiVersion"]?.GetValue<string>() ?? "", value["kind"]?.GetValue<string>() ?? "", statusCode)
            : Json(accepted, json, statusCode);
    }

    /// <summary>As above for an object that is JSON text already; to protobuf goes what has a type.</summary>
    public static BytesResult Encode(AcceptedType accepted, ReadOnlyMemory<byte> json, string apiVersion, string kind, int statusCode = 200) => accepted.Format switch
    {
        BodyFormat.Yaml => new BytesResult(Encoding.UTF8.GetBytes(ObjectWriter.WriteYaml(JsonNode.Parse(json.Span)!))) { StatusCode = statusCode, ContentType = MediaTypes.Yaml },
        BodyFormat.Protobuf => Protobuf(json.Span, apiVersion, kind, statusCode),
        _ => Json(accepted, json, statusCode),
    };

    /// <summary>Enveloped, of a type that the schema table has.</summary>
    /// <exception cref="ApiException">406: the type has no protobuf form.</exception>
    public static byte[] ToProtobuf(ReadOnlySpan<byte> json, string apiVersion, string kind)
    {
        if (ResourceCatalog.BuiltIn.FindType(apiVersion, kind) is { } schema && ProtobufEnvelope.Encodes(schema)) return ProtobufEnvelope.Write(json, schema, apiVersion, kind).Bytes;
        throw MediaTypes.NotAcceptable($"object *{kind} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message");
    }

    private static BytesResult Protobuf(ReadOnlySpan<byte> json, string apiVersion, string kind, int statusCode) =>
        new(ToProtobuf(json, apiVersion, kind)) { StatusCode = statusCode, ContentType = ProtobufEnvelope.ContentType };

    private static BytesResult Json(AcceptedType accepted, ReadOnlyMemory<byte> json, int statusCode) => new(accepted.IsPretty ? ObjectWriter.Indent(json.Span) : json) { StatusCode = statusCode };
}
