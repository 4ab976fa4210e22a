using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>meta.k8s.io PartialObjectMetadata: an object's metadata alone, which metadata informers read of every kind.</summary>
internal static class PartialMetadata
{
    public const string Kind = "PartialObjectMetadata";

    public static TypeSchema Schema { get; } = ResourceCatalog.BuiltIn.FindType("meta.k8s.io/v1", Kind)!;

    public static string ApiVersion(string version) => $"meta.k8s.io/{version}";

    public static JsonObject Of(JsonObject value, string version) => new()
    {
        ["kind"] = Kind,
        ["apiVersion"] = ApiVersion(version),
        ["metadata"] = value["metadata"]?.DeepClone() ?? new JsonObject(),
    };

    /// <summary>As above from an object's JSON, without building its tree.</summary>
    public static byte[] Of(ReadOnlySpan<byte> json, string version) =>
        [.. Encoding.UTF8.GetBytes($"{{\"kind\":\"{Kind}\",\"apiVersion\":\"{ApiVersion(version)}\",\"metadata\":"), .. MetadataOf(json), (byte)'}'];

    private static ReadOnlySpan<byte> MetadataOf(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isMetadata) return json[start..(int)reader.BytesConsumed];
        }
        return "{}"u8;
    }
}
