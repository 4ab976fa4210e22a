using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Apply;

/// <summary>
/// metadata.managedFields: who owns which fields. Immutable. Entries that an operation does not touch keep their bytes,
/// so a write costs what it changes.
/// </summary>
public sealed class ManagedFieldsList
{
    public static readonly ManagedFieldsList Empty = new([]);

    private ReadOnlyMemory<byte> _encoded;

    private ManagedFieldsList(ManagedFieldsEntry[] entries) => Entries = entries;

    public IReadOnlyList<ManagedFieldsEntry> Entries { get; }

    public bool IsEmpty => Entries.Count == 0;

    /// <summary>The JSON list; empty bytes for an empty list, which is not written.</summary>
    public ReadOnlyMemory<byte> Encoded
    {
        get
        {
            if (_encoded.IsEmpty && !IsEmpty) _encoded = Encode();
            return _encoded;
        }
    }

    internal static ManagedFieldsList Of(IEnumerable<ManagedFieldsEntry> entries)
    {
        ManagedFieldsEntry[] sorted = [.. entries];
        Array.Sort(sorted, Compare);
        return sorted.Length == 0 ? Empty : new(sorted);
    }

    /// <summary>From the bytes of a stored object, of which slices are kept.</summary>
    public static ManagedFieldsList FromObject(ReadOnlyMemory<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8.Span);
        if (!Enter(ref reader, "metadata"u8, JsonTokenType.StartObject) || !Enter(ref reader, "managedFields"u8, JsonTokenType.StartArray)) return Empty;
        var start = (int)reader.TokenStartIndex;
        var entries = new List<ManagedFieldsEntry>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) entries.Add(ReadEntry(ref reader, utf8));
        return new([.. entries]) { _encoded = utf8[start..(int)reader.BytesConsumed] };
    }

    /// <summary>From a client's object.</summary>
    /// <exception cref="FormatException">An entry is not one that can be; the message says why, as upstream does.</exception>
    public static ManagedFieldsList FromNode(JsonArray list)
    {
        var entries = new Dictionary<ManagerKey, ManagedFieldsEntry>();
        for (var i = 0; i < list.Count; i++)
        {
            var entry = list[i] as JsonObject ?? [];
            var isApply = Text(entry, "operation") switch
            {
                "Apply" => true,
                "Update" => false,
                _ => throw new FormatException("operation must be `Apply` or `Update`"),
            };
            var apiVersion = Text(entry, "apiVersion");
            if (apiVersion.Length == 0) throw new FormatException("apiVersion must not be empty");
            var type = Text(entry, "fieldsType");
            if (type.Length == 0) throw new FormatException($"missing fieldsType in managed fields entry {i}");
            if (type != "FieldsV1") throw new FormatException($"invalid fieldsType {GoText.Quote(type)} in managed fields entry {i}");
            var key = new ManagerKey(Text(entry, "manager"), isApply, isApply ? "" : apiVersion, Text(entry, "subresource"));
            var time = Text(entry, "time") is { Length: > 0 } text ? text : null;
            var encoded = entry["fieldsV1"] is { } fields ? ObjectWriter.Write(fields) : "{}"u8.ToArray();
            entries[key] = new(key, apiVersion, time, FieldSetCache.Decode(encoded));
        }

        return Of(entries.Values);
    }

    /// <summary>A client asks to forget the owners: an empty list, or a list of one empty entry.</summary>
    public static bool IsReset(JsonArray list) => list.Count == 0 || (list.Count == 1 && list[0] is JsonObject { Count: 0 });

    /// <summary>The same entries, times aside.</summary>
    public bool SaysTheSameAs(ManagedFieldsList other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (Entries.Count != other.Entries.Count) return false;
        for (var i = 0; i < Entries.Count; i++)
        {
            if (!Entries[i].SaysTheSameAs(other.Entries[i])) return false;
        }

        return true;
    }

    private static int Compare(ManagedFieldsEntry a, ManagedFieldsEntry b)
    {
        if (a.Key.IsApply != b.Key.IsApply) return a.Key.IsApply ? -1 : 1;
        var order = string.CompareOrdinal(a.Time ?? "", b.Time ?? "");
        if (order == 0) order = string.CompareOrdinal(a.Key.Manager, b.Key.Manager);
        if (order == 0) order = string.CompareOrdinal(a.ApiVersion, b.ApiVersion);
        return order == 0 ? string.CompareOrdinal(a.Key.Subresource, b.Key.Subresource) : order;
    }

    private byte[] Encode()
    {
        using var buffer = new Utf8Buffer();
        buffer.Add((byte)'[');
        for (var i = 0; i < Entries.Count; i++)
        {
            if (i > 0) buffer.Add((byte)',');
            Entries[i].Write(buffer);
        }

        buffer.Add((byte)']');
        return buffer.Written.ToArray();
    }

    private static ManagedFieldsEntry ReadEntry(ref Utf8JsonReader reader, ReadOnlyMemory<byte> utf8)
    {
        string manager = "", apiVersion = "", subresource = "";
        string? time = null;
        var isApply = false;
        ReadOnlyMemory<byte> fields = "{}"u8.ToArray();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isFields = reader.ValueTextEquals("fieldsV1"u8);
            if (isFields)
            {
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                fields = utf8[start..(int)reader.BytesConsumed];
                continue;
            }

            var name = reader.GetString();
            reader.Read();
            var text = reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
            switch (name)
            {
                case "manager": manager = text; break;
                case "operation": isApply = text == "Apply"; break;
                case "apiVersion": apiVersion = string.IsInterned(text) ?? text; break;
                case "time": time = text; break;
                case "subresource": subresource = text; break;
                default: reader.Skip(); break;
            }
        }

        return new(new(manager, isApply, isApply ? "" : apiVersion, subresource), apiVersion, time, fields);
    }

    private static bool Enter(ref Utf8JsonReader reader, ReadOnlySpan<byte> name, JsonTokenType expected)
    {
        if (reader.TokenType == JsonTokenType.None) reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isFound = reader.ValueTextEquals(name);
            reader.Read();
            if (isFound) return reader.TokenType == expected;
            reader.Skip();
        }

        return false;
    }

    private static string Text(JsonObject entry, string name) => entry[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
}
