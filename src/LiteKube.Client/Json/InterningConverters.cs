using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using k8s.Models;

namespace LiteKube.Client.Json;

/// <summary>
/// A fixed table of recent short strings, by hash; an entry is simply overwritten when two strings meet. Objects of a
/// cluster repeat a few hundred strings (label keys, phases, image names) tens of thousands of times.
/// </summary>
internal static class StringTable
{
    private const int SlotCount = 8192;
    private const int MaxLengthBytes = 64;
    private static readonly string?[] Slots = new string?[SlotCount];

    public static string Read(ref Utf8JsonReader reader)
    {
        if (reader.HasValueSequence || reader.ValueIsEscaped || reader.ValueSpan.Length > MaxLengthBytes)
            return reader.GetString()!;
        return Intern(reader.ValueSpan);
    }

    public static string Intern(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return "";
        ref var slot = ref Slots[Hash(utf8) & (SlotCount - 1)];
        // A reference is written and read whole: at worst two threads keep two copies.
        var known = slot;
        if (known is not null && Ascii.Equals(utf8, known))
            return known;
        return slot = Encoding.UTF8.GetString(utf8);
    }

    private static uint Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var b in bytes)
            hash = (hash ^ b) * 16777619u;
        return hash ^ (hash >> 15);
    }
}

internal sealed class InternedStringConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.String => StringTable.Read(ref reader),
            JsonTokenType.Null => null,
            _ => throw new JsonException($"expected a string, found {reader.TokenType}"),
        };

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => StringTable.Read(ref reader);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(value);
}

/// <summary>Quantities are immutable and few, and the model's parser is slow (big fractions): one instance per text.</summary>
internal sealed class CachedQuantityConverter : JsonConverter<ResourceQuantity>
{
    private const int SlotCount = 1024;
    private static readonly Entry?[] Slots = new Entry?[SlotCount];

    public override ResourceQuantity? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.TokenType switch
        {
            JsonTokenType.String => StringTable.Read(ref reader),
            // Kubernetes takes a bare number for a quantity.
            JsonTokenType.Number => Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan),
            JsonTokenType.Null => null,
            _ => throw new JsonException($"expected a quantity, found {reader.TokenType}"),
        };
        if (text is null)
            return null;
        ref var slot = ref Slots[string.GetHashCode(text, StringComparison.Ordinal) & (SlotCount - 1)];
        var known = slot;
        if (known is not null && string.Equals(known.Text, text, StringComparison.Ordinal))
            return known.Value;
        var value = new ResourceQuantity(text);
        slot = new Entry(text, value);
        return value;
    }

    public override void Write(Utf8JsonWriter writer, ResourceQuantity value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());

    private sealed record Entry(string Text, ResourceQuantity Value);
}

/// <summary>metadata.managedFields: passed over.</summary>
internal sealed class SkippedManagedFields : JsonConverter<IList<V1ManagedFieldsEntry>>
{
    public override IList<V1ManagedFieldsEntry>? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        reader.Skip();
        return null;
    }

    public override void Write(Utf8JsonWriter writer, IList<V1ManagedFieldsEntry> value, JsonSerializerOptions options) =>
        throw new JsonException("metadata.managedFields is the server's to write");
}

/// <summary>Fields of any shape (ControllerRevision.data): kept as a JsonElement.</summary>
internal sealed class RawJsonConverter : JsonConverter<object>
{
    public override object? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? null : JsonElement.ParseValue(ref reader);

    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options)
    {
        switch (value)
        {
            case JsonElement element:
                element.WriteTo(writer);
                break;
            case System.Text.Json.Nodes.JsonNode node:
                node.WriteTo(writer);
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case int number:
                writer.WriteNumberValue(number);
                break;
            case long number:
                writer.WriteNumberValue(number);
                break;
            case double number:
                writer.WriteNumberValue(number);
                break;
            default:
                throw new JsonException($"a field of any JSON takes JsonElement, JsonNode or a simple value, not {value.GetType().Name}");
        }
    }
}
