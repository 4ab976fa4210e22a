using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Codec;

/// <summary>
/// Writes a tree for the store as a decode and encode would leave it, without making the second tree: fields in Go's
/// order, zero values there or not as Go has them. For trees that were canonical once and that admission and strategies
/// have changed since, which every write has; what it does not know it leaves to the decoder (<c>false</c>).
/// </summary>
internal static class CanonicalWriter
{
    /// <summary>One walk's state.</summary>
    private ref struct Walk(Utf8Buffer buffer, ReadOnlySpan<byte> managedFields)
    {
        public readonly Utf8Buffer Buffer = buffer;
        public readonly ReadOnlySpan<byte> ManagedFields = managedFields;
        public int RevisionOffset = -1;
        /// <summary>They have had their place, if there are any.</summary>
        public bool HasManagedFields = managedFields.IsEmpty;
    }

    /// <param name="managedFields">metadata.managedFields as JSON, which the tree does not have; empty: there are none.</param>
    public static bool TryWriteForStore(JsonObject value, TypeSchema schema, ReadOnlySpan<byte> managedFields, out EncodedObject encoded)
    {
        encoded = default;
        if (schema.Structural is not null) return false;
        using var buffer = new Utf8Buffer();
        var walk = new Walk(buffer, managedFields);
        if (!TryWriteObject(ref walk, value, schema, depth: 0, isMetadata: false) || walk.RevisionOffset < 0 || !walk.HasManagedFields) return false;
        encoded = new(buffer.Written.ToArray(), walk.RevisionOffset);
        return true;
    }

    private static bool TryWriteObject(ref Walk walk, JsonObject value, TypeSchema type, int depth, bool isMetadata)
    {
        if (depth > ObjectDecoder.MaxDepth) return false;
        var (found, isFirst) = (0, true);
        walk.Buffer.Add((byte)'{');
        foreach (var field in type.Table.Fields)
        {
            var isThere = value.TryGetPropertyValue(field.Name, out var node);
            if (isThere) found++;
            if (isMetadata)
            {
                if (field.Name == "resourceVersion")
                {
                    GoJsonWriter.WriteName(walk.Buffer, field.Name, isFirst);
                    isFirst = false;
                    walk.Buffer.Add("\"\""u8);
                    walk.RevisionOffset = walk.Buffer.Count - 1;
                    continue;
                }
                if (field.Name == "managedFields")
                {
                    if (isThere) return false;
                    if (walk.ManagedFields.IsEmpty) continue;
                    GoJsonWriter.WriteName(walk.Buffer, field.Name, isFirst);
                    isFirst = false;
                    walk.Buffer.Add(walk.ManagedFields);
                    walk.HasManagedFields = true;
                    continue;
                }
            }
            if (node is null || IsOmitted(field, node))
            {
                if (ZeroValues.IsOmitted(field)) continue;
                GoJsonWriter.WriteName(walk.Buffer, field.Name, isFirst);
                GoJsonWriter.Write(walk.Buffer, ZeroValues.OfField(field));
                isFirst = false;
                continue;
            }
            GoJsonWriter.WriteName(walk.Buffer, field.Name, isFirst);
            isFirst = false;
            var isWritten = depth == 0 && field.Name == "metadata"
                ? node is JsonObject metadata && TryWriteObject(ref walk, metadata, field.Type!, 1, isMetadata: true)
                : TryWriteField(ref walk, field, node, depth);
            if (!isWritten) return false;
        }
        walk.Buffer.Add((byte)'}');
        // A field that the type lacks is the decoder's to judge.
        return found == value.Count;
    }

    private static bool TryWriteField(ref Walk walk, FieldSchema field, JsonNode node, int depth)
    {
        switch (field.Cardinality)
        {
            case Cardinality.List:
                return node is JsonArray list && TryWriteList(ref walk, field, list, depth);
            case Cardinality.Map:
                return node is JsonObject map && !field.IsMapOfLists && TryWriteMap(ref walk, field, map, depth);
            default:
                return TryWriteValue(ref walk, field, node, depth);
        }
    }

    private static bool TryWriteList(ref Walk walk, FieldSchema field, JsonArray list, int depth)
    {
        walk.Buffer.Add((byte)'[');
        for (var i = 0; i < list.Count; i++)
        {
            if (i > 0) walk.Buffer.Add((byte)',');
            if (list[i] is not { } element || !TryWriteValue(ref walk, field, element, depth)) return false;
        }
        walk.Buffer.Add((byte)']');
        return true;
    }

    private static bool TryWriteMap(ref Walk walk, FieldSchema field, JsonObject map, int depth)
    {
        List<KeyValuePair<string, JsonNode?>>? sorted = null;
        string? last = null;
        foreach (var (key, _) in map)
        {
            if (last is not null && string.CompareOrdinal(last, key) > 0)
            {
                sorted = [.. map];
                sorted.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
                break;
            }
            last = key;
        }
        walk.Buffer.Add((byte)'{');
        var isFirst = true;
        if (sorted is not null)
        {
            foreach (var (key, element) in CollectionsMarshal.AsSpan(sorted))
            {
                if (!TryWriteEntry(ref walk, field, key, element, ref isFirst, depth)) return false;
            }
        }
        else
        {
            foreach (var (key, element) in map)
            {
                if (!TryWriteEntry(ref walk, field, key, element, ref isFirst, depth)) return false;
            }
        }
        walk.Buffer.Add((byte)'}');
        return true;
    }

    private static bool TryWriteEntry(ref Walk walk, FieldSchema field, string key, JsonNode? element, ref bool isFirst, int depth)
    {
        GoJsonWriter.WriteName(walk.Buffer, key, isFirst);
        isFirst = false;
        return element is not null && TryWriteValue(ref walk, field, element, depth);
    }

    private static bool TryWriteValue(ref Walk walk, FieldSchema field, JsonNode node, int depth)
    {
        if (field.Kind == ValueKind.Object) return node is JsonObject child && TryWriteObject(ref walk, child, field.Type!, depth + 1, isMetadata: false);
        if (node is not JsonValue value) return false;
        switch (field.Kind)
        {
            case ValueKind.Boolean:
                if (!value.TryGetValue(out bool flag)) return false;
                walk.Buffer.Add(flag ? "true"u8 : "false"u8);
                return true;
            case ValueKind.Int32:
            case ValueKind.Int64:
                if (!IsInteger(field, value)) return false;
                GoJsonWriter.Write(walk.Buffer, value);
                return true;
            case ValueKind.IntOrString when value.TryGetValue(out int number):
                GoJsonWriter.Write(walk.Buffer, value);
                return true;
            default:
                if (!value.TryGetValue(out string? text) || !IsCanonical(field.Kind, text)) return false;
                GoJsonWriter.WriteString(walk.Buffer, text);
                return true;
        }
    }

    /// <summary>Of texts in many forms only the canonical one is written here.</summary>
    private static bool IsCanonical(ValueKind kind, string text) => kind switch
    {
        ValueKind.String or ValueKind.IntOrString => true,
        ValueKind.Time => text.Length == 20 && text[19] == 'Z' && KubernetesTime.Canonical(text) == text,
        ValueKind.Quantity => Quantity.TryParse(text, out var quantity) && quantity.ToString() == text,
        ValueKind.Bytes => text.Length % 4 == 0 && Base64.IsValid(text) && text.AsSpan().IndexOfAny(" \t\r\n") < 0,
        ValueKind.MicroTime => text.Length == 27 && text[26] == 'Z' && KubernetesTime.CanonicalMicro(text) == text,
        _ => false,
    };

    private static bool IsInteger(FieldSchema field, JsonValue value) =>
        value.TryGetValue(out int _) || (value.TryGetValue(out long number) && (field.Kind == ValueKind.Int64 || number is >= int.MinValue and <= int.MaxValue));

    /// <summary>As the decoder leaves out what is empty.</summary>
    private static bool IsOmitted(FieldSchema field, JsonNode node)
    {
        if (!field.OmitEmpty) return false;
        if (field.Cardinality != Cardinality.One) return node is JsonArray { Count: 0 } or JsonObject { Count: 0 };
        if (field.IsPointer || node is not JsonValue value) return false;
        return field.Kind switch
        {
            ValueKind.String or ValueKind.Bytes => value.TryGetValue(out string? text) && text.Length == 0,
            ValueKind.Boolean => value.TryGetValue(out bool flag) && !flag,
            ValueKind.Int32 or ValueKind.Int64 => (value.TryGetValue(out int int32) && int32 == 0) || (value.TryGetValue(out long int64) && int64 == 0),
            _ => false,
        };
    }
}
