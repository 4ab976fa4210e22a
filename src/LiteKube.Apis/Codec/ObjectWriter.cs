using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>An object's canonical bytes with the place inside <c>"resourceVersion":""</c> where the store writes the revision.</summary>
public readonly record struct EncodedObject(ReadOnlyMemory<byte> Utf8, int ResourceVersionOffset);

public static class ObjectWriter
{
    /// <summary>Compact UTF-8 JSON, escaped as Go's encoder escapes (HTML characters, U+2028/9).</summary>
    public static byte[] Write(JsonNode value) => throw new NotImplementedException();

    /// <summary>As <see cref="Write"/>, with metadata.resourceVersion emptied and its place noted.</summary>
    public static EncodedObject WriteForStore(JsonObject value) => throw new NotImplementedException();

    public static string WriteYaml(JsonNode value) => throw new NotImplementedException();
}
