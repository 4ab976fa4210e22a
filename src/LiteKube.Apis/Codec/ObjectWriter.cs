using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>An object's canonical bytes with the place inside <c>"resourceVersion":""</c> where the store writes the revision.</summary>
/// <param name="ManagedFieldsOffset">Where the list of metadata.managedFields starts; -1: there is none.</param>
public readonly record struct EncodedObject(ReadOnlyMemory<byte> Utf8, int ResourceVersionOffset, int ManagedFieldsOffset = -1);

public static class ObjectWriter
{
    // The fields of ObjectMeta that Go writes after resourceVersion, in order.
    private static readonly HashSet<string> AfterResourceVersion = new(StringComparer.Ordinal)
    {
        "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers", "managedFields",
    };

    /// <summary>Compact UTF-8 JSON, escaped as Go's encoder escapes (HTML characters, U+2028/9).</summary>
    public static byte[] Write(JsonNode value)
    {
        using var buffer = new Utf8Buffer();
        GoJsonWriter.Write(buffer, value);
        return buffer.Written.ToArray();
    }

    /// <summary>As <see cref="Write"/>, with metadata.resourceVersion emptied and its place noted.</summary>
    public static EncodedObject WriteForStore(JsonObject value) => WriteForStore(value, []);

    /// <param name="managedFields">metadata.managedFields as JSON, which the tree does not have; empty: there are none.</param>
    public static EncodedObject WriteForStore(JsonObject value, ReadOnlySpan<byte> managedFields)
    {
        using var buffer = new Utf8Buffer();
        var (offset, listOffset) = (-1, -1);
        var isFirst = true;
        buffer.Add((byte)'{');
        foreach (var (name, child) in value)
        {
            GoJsonWriter.WriteName(buffer, name, isFirst);
            isFirst = false;
            if (name == "metadata")
                (offset, listOffset) = WriteMetadata(buffer, child as JsonObject, managedFields);
            else
                GoJsonWriter.Write(buffer, child);
        }

        if (offset < 0)
        {
            GoJsonWriter.WriteName(buffer, "metadata", isFirst);
            (offset, listOffset) = WriteMetadata(buffer, null, managedFields);
        }

        buffer.Add((byte)'}');
        return new(buffer.Written.ToArray(), offset, listOffset);
    }

    /// <summary>YAML as kubectl prints it, keys sorted.</summary>
    public static string WriteYaml(JsonNode value) => YamlWriter.Write(value);

    private static (int ResourceVersion, int ManagedFields) WriteMetadata(Utf8Buffer buffer, JsonObject? metadata, ReadOnlySpan<byte> managedFields)
    {
        var isThere = metadata?.ContainsKey("resourceVersion") == true;
        var offset = -1;
        var isFirst = true;
        buffer.Add((byte)'{');
        foreach (var (name, child) in metadata ?? [])
        {
            if (offset < 0 && (isThere ? name == "resourceVersion" : AfterResourceVersion.Contains(name)))
                offset = WritePlace(buffer, ref isFirst);
            if (name == "resourceVersion")
                continue;
            GoJsonWriter.WriteName(buffer, name, isFirst);
            isFirst = false;
            GoJsonWriter.Write(buffer, child);
        }

        if (offset < 0)
            offset = WritePlace(buffer, ref isFirst);
        // The last of ObjectMeta's fields.
        var listOffset = -1;
        if (!managedFields.IsEmpty)
        {
            GoJsonWriter.WriteName(buffer, "managedFields", isFirst);
            listOffset = buffer.Count;
            buffer.Add(managedFields);
        }

        buffer.Add((byte)'}');
        return (offset, listOffset);
    }

    private static int WritePlace(Utf8Buffer buffer, ref bool isFirst)
    {
        GoJsonWriter.WriteName(buffer, "resourceVersion", isFirst);
        isFirst = false;
        buffer.Add("\"\""u8);
        return buffer.Count - 1;
    }
}
