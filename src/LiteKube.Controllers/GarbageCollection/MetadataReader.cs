using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.GarbageCollection;

/// <summary>Reads metadata out of whole objects without making anything of the rest: a graph of a thousand pods needs none of their specs.</summary>
internal static class MetadataReader
{
    public static MetadataPage ReadList(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var items = new List<ObjectMetadata>();
        string version = "", next = "";
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (IsProperty(ref reader, "items"u8))
            {
                // A list without objects may say null.
                if (reader.TokenType == JsonTokenType.Null)
                    continue;
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(ReadObject(ref reader));
            }
            else if (IsProperty(ref reader, "metadata"u8))
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (IsProperty(ref reader, "resourceVersion"u8))
                        version = reader.GetString() ?? "";
                    else if (IsProperty(ref reader, "continue"u8))
                        next = reader.GetString() ?? "";
                    else
                        SkipProperty(ref reader);
                }
            }
            else
            {
                SkipProperty(ref reader);
            }
        }
        return new MetadataPage(items, version, next);
    }

    /// <exception cref="KubeApiException">The event is an ERROR; carries its Status.</exception>
    public static MetadataEvent ReadEvent(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var type = "";
        ReadOnlySpan<byte> body = default;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (IsProperty(ref reader, "type"u8))
            {
                type = reader.GetString() ?? "";
            }
            else if (IsProperty(ref reader, "object"u8))
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                body = json[start..(int)reader.BytesConsumed];
            }
            else
            {
                SkipProperty(ref reader);
            }
        }
        return type == "ERROR" ? throw new KubeApiException(KubeJson.Deserialize<V1Status>(body)) : new MetadataEvent(type, ReadObject(body));
    }

    public static ObjectMetadata ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return ReadObject(ref reader);
    }

    private static ObjectMetadata ReadObject(ref Utf8JsonReader reader)
    {
        var metadata = new ObjectMetadata("", "", "", "", [], false, false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (IsProperty(ref reader, "metadata"u8))
                metadata = ReadMetadata(ref reader);
            else
                SkipProperty(ref reader);
        }
        return metadata;
    }

    private static ObjectMetadata ReadMetadata(ref Utf8JsonReader reader)
    {
        string uid = "", ns = "", name = "", version = "";
        List<OwnerLink>? owners = null;
        bool deleting = false, foreground = false, orphan = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (IsProperty(ref reader, "uid"u8))
                uid = reader.GetString() ?? "";
            else if (IsProperty(ref reader, "namespace"u8))
                ns = string.Intern(reader.GetString() ?? "");
            else if (IsProperty(ref reader, "name"u8))
                name = reader.GetString() ?? "";
            else if (IsProperty(ref reader, "resourceVersion"u8))
                version = reader.GetString() ?? "";
            else if (IsProperty(ref reader, "deletionTimestamp"u8))
                deleting = reader.TokenType != JsonTokenType.Null;
            else if (IsProperty(ref reader, "finalizers"u8))
            {
                while (reader.TokenType != JsonTokenType.Null && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    foreground |= reader.ValueTextEquals(ObjectMetadata.ForegroundFinalizer);
                    orphan |= reader.ValueTextEquals(ObjectMetadata.OrphanFinalizer);
                }
            }
            else if (IsProperty(ref reader, "ownerReferences"u8))
            {
                while (reader.TokenType != JsonTokenType.Null && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    (owners ??= []).Add(ReadOwner(ref reader));
            }
            else
            {
                SkipProperty(ref reader);
            }
        }
        return new ObjectMetadata(uid, ns, name, version, owners is null ? [] : [.. owners], deleting, foreground, orphan);
    }

    private static OwnerLink ReadOwner(ref Utf8JsonReader reader)
    {
        string apiVersion = "", kind = "", name = "", uid = "";
        var blocks = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Few kinds own many objects: their names are kept once.
            if (IsProperty(ref reader, "apiVersion"u8))
                apiVersion = string.Intern(reader.GetString() ?? "");
            else if (IsProperty(ref reader, "kind"u8))
                kind = string.Intern(reader.GetString() ?? "");
            else if (IsProperty(ref reader, "name"u8))
                name = reader.GetString() ?? "";
            else if (IsProperty(ref reader, "uid"u8))
                uid = reader.GetString() ?? "";
            else if (IsProperty(ref reader, "blockOwnerDeletion"u8))
                blocks = reader.TokenType == JsonTokenType.True;
            else
                SkipProperty(ref reader);
        }
        return new OwnerLink(apiVersion, kind, name, uid, blocks);
    }

    /// <summary>On a property of that name steps to its value.</summary>
    private static bool IsProperty(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals(name))
            return false;
        return reader.Read();
    }

    private static void SkipProperty(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
