using System.Text.Json;
using k8s;
using k8s.Models;

namespace LiteKube.Client.Json;

/// <summary>Reads a list answer item by item, without a list model per kind.</summary>
internal static class ListDecoder
{
    public readonly record struct Page(string ResourceVersion, string? Continue);

    public static Page Decode<T>(ReadOnlySpan<byte> json, List<T> items) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var info = KindOf<T>.Info;
        var page = new Page("", null);
        var reader = new Utf8JsonReader(json);
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                reader.Read();
                page = ReadMetadata(ref reader);
            }
            else if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null)
                    continue;
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(info.Stamp(KubeJson.Deserialize<T>(ref reader)));
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
        return page;
    }

    private static Page ReadMetadata(ref Utf8JsonReader reader)
    {
        var version = "";
        string? next = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isVersion = reader.ValueTextEquals("resourceVersion"u8);
            var isContinue = reader.ValueTextEquals("continue"u8);
            reader.Read();
            if (isVersion)
                version = reader.GetString() ?? "";
            else if (isContinue)
                next = reader.GetString();
            else
                reader.Skip();
        }
        return new Page(version, string.IsNullOrEmpty(next) ? null : next);
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType token)
    {
        if (!reader.Read() || reader.TokenType != token)
            throw new JsonException($"expected {token}, found {reader.TokenType}");
    }
}

internal static class WatchEventDecoder
{
    /// <exception cref="KubeApiException">The event is an ERROR; carries its Status.</exception>
    public static KubeWatchEvent<T> Decode<T>(ReadOnlySpan<byte> json) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var reader = new Utf8JsonReader(json);
        string? type = null;
        var body = default(ReadOnlySpan<byte>);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            if (isType)
                type = reader.GetString();
            else if (isObject)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                body = json[start..(int)reader.BytesConsumed];
            }
            else
                reader.Skip();
        }
        var kind = type switch
        {
            "ADDED" => KubeWatchEventType.Added,
            "MODIFIED" => KubeWatchEventType.Modified,
            "DELETED" => KubeWatchEventType.Deleted,
            "BOOKMARK" => KubeWatchEventType.Bookmark,
            "ERROR" => throw new KubeApiException(KubeJson.Deserialize<V1Status>(body)),
            _ => throw new JsonException($"unknown watch event type \"{type}\""),
        };
        return new KubeWatchEvent<T>(kind, KindOf<T>.Info.Stamp(KubeJson.Deserialize<T>(body)));
    }
}
