using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>An object's canonical bytes with the place inside <c>"resourceVersion":""</c> where the store writes the revision.</summary>
public readonly record struct EncodedObject(ReadOnlyMemory<byte> Utf8, int ResourceVersionOffset);

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

    /// <summary>The bytes of the canonical form of a built-in kind's object; the tree itself may have its fields in any order.</summary>
    /// <param name="managedFields">metadata.managedFields as JSON, which the tree does not have; empty: there are none.</param>
    public static EncodedObject WriteForStore(JsonObject value, TypeSchema schema, ReadOnlySpan<byte> managedFields) =>
        CanonicalWriter.TryWriteForStore(value, schema, managedFields, out var encoded)
            ? encoded
            : WriteForStore(ObjectDecoder.Canonicalize(value, schema, FieldValidation.Ignore).Object, managedFields);

    /// <param name="managedFields">metadata.managedFields as JSON, which the tree does not have; empty: there are none.</param>
    /// <param name="isSorted">metadata has its fields in the order of their names (custom resources), not in that of Go's type.</param>
    public static EncodedObject WriteForStore(JsonObject value, ReadOnlySpan<byte> managedFields, bool isSorted = false)
    {
        using var buffer = new Utf8Buffer();
        var offset = -1;
        var isFirst = true;
        buffer.Add((byte)'{');
        foreach (var (name, child) in value)
        {
            GoJsonWriter.WriteName(buffer, name, isFirst);
            isFirst = false;
            if (name == "metadata")
                offset = WriteMetadata(buffer, child as JsonObject, managedFields, isSorted);
            else
                GoJsonWriter.Write(buffer, child);
        }

        if (offset < 0)
        {
            GoJsonWriter.WriteName(buffer, "metadata", isFirst);
            offset = WriteMetadata(buffer, null, managedFields, isSorted);
        }

        buffer.Add((byte)'}');
        return new(buffer.Written.ToArray(), offset);
    }

    /// <summary>Compact JSON with two spaces a level, as Go indents it.</summary>
    public static byte[] Indent(ReadOnlySpan<byte> json)
    {
        using var buffer = new Utf8Buffer();
        JsonIndenter.Write(buffer, json);
        return buffer.Written.ToArray();
    }

    /// <summary>YAML as kubectl prints it, keys sorted.</summary>
    public static string WriteYaml(JsonNode value) => YamlWriter.Write(value);

    private static int WriteMetadata(Utf8Buffer buffer, JsonObject? metadata, ReadOnlySpan<byte> managedFields, bool isSorted)
    {
        var isThere = metadata?.ContainsKey("resourceVersion") == true;
        var offset = -1;
        var isFirst = true;
        buffer.Add((byte)'{');
        foreach (var (name, child) in metadata ?? [])
        {
            if (isSorted && string.CompareOrdinal(name, "managedFields") > 0) WriteManagedFields(buffer, ref managedFields, ref isFirst);
            if (offset < 0 && (isThere ? name == "resourceVersion" : isSorted ? string.CompareOrdinal(name, "resourceVersion") > 0 : AfterResourceVersion.Contains(name)))
                offset = WritePlace(buffer, ref isFirst);
            if (name == "resourceVersion")
                continue;
            GoJsonWriter.WriteName(buffer, name, isFirst);
            isFirst = false;
            GoJsonWriter.Write(buffer, child);
        }

        if (isSorted) WriteManagedFields(buffer, ref managedFields, ref isFirst);
        if (offset < 0)
            offset = WritePlace(buffer, ref isFirst);
        // The last of ObjectMeta's fields.
        WriteManagedFields(buffer, ref managedFields, ref isFirst);
        buffer.Add((byte)'}');
        return offset;
    }

    /// <summary>Writes them once.</summary>
    private static void WriteManagedFields(Utf8Buffer buffer, ref ReadOnlySpan<byte> managedFields, ref bool isFirst)
    {
        if (managedFields.IsEmpty) return;
        GoJsonWriter.WriteName(buffer, "managedFields", isFirst);
        isFirst = false;
        buffer.Add(managedFields);
        managedFields = [];
    }

    private static int WritePlace(Utf8Buffer buffer, ref bool isFirst)
    {
        GoJsonWriter.WriteName(buffer, "resourceVersion", isFirst);
        isFirst = false;
        buffer.Add("\"\""u8);
        return buffer.Count - 1;
    }
}
