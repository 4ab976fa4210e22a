using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>
/// Compact JSON byte for byte as Go's encoding/json writes it. Utf8JsonWriter escapes other characters and in capitals,
/// and clients compare: kubectl's last-applied annotation holds Go's bytes.
/// </summary>
internal static class GoJsonWriter
{
    // Everything that is copied as it stands; the rest needs an escape or a look at its surrogates.
    private static readonly SearchValues<char> Special = SearchValues.Create(SpecialChars());

    public static void Write(Utf8Buffer buffer, JsonNode? node)
    {
        switch (node)
        {
            case null:
                buffer.Add("null"u8);
                break;
            case JsonObject value:
                WriteObject(buffer, value);
                break;
            case JsonArray value:
                buffer.Add((byte)'[');
                for (var i = 0; i < value.Count; i++)
                {
                    if (i > 0)
                        buffer.Add((byte)',');
                    Write(buffer, value[i]);
                }

                buffer.Add((byte)']');
                break;
            default:
                WriteValue(buffer, node.AsValue());
                break;
        }
    }

    public static void WriteName(Utf8Buffer buffer, string name, bool isFirst)
    {
        if (!isFirst)
            buffer.Add((byte)',');
        WriteString(buffer, name);
        buffer.Add((byte)':');
    }

    public static void WriteString(Utf8Buffer buffer, ReadOnlySpan<char> text)
    {
        buffer.Add((byte)'"');
        while (!text.IsEmpty)
        {
            var length = text.IndexOfAny(Special);
            var plain = length < 0 ? text : text[..length];
            buffer.Advance(Encoding.UTF8.GetBytes(plain, buffer.Reserve(plain.Length * 3)));
            text = text[plain.Length..];
            if (!text.IsEmpty)
                text = text[WriteSpecial(buffer, text)..];
        }

        buffer.Add((byte)'"');
    }

    private static void WriteObject(Utf8Buffer buffer, JsonObject value)
    {
        buffer.Add((byte)'{');
        var isFirst = true;
        foreach (var (name, child) in value)
        {
            WriteName(buffer, name, isFirst);
            Write(buffer, child);
            isFirst = false;
        }

        buffer.Add((byte)'}');
    }

    private static void WriteValue(Utf8Buffer buffer, JsonValue value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True:
                buffer.Add("true"u8);
                break;
            case JsonValueKind.False:
                buffer.Add("false"u8);
                break;
            case JsonValueKind.String when value.TryGetValue(out string? text):
                WriteString(buffer, text);
                break;
            case JsonValueKind.Number when value.TryGetValue(out int int32):
                WriteInteger(buffer, int32);
                break;
            case JsonValueKind.Number when value.TryGetValue(out long int64):
                WriteInteger(buffer, int64);
                break;
            case JsonValueKind.Number when value.TryGetValue(out JsonElement element):
                buffer.Add(Encoding.UTF8.GetBytes(element.GetRawText()));
                break;
            case JsonValueKind.Number when value.TryGetValue(out double number):
                buffer.Add(Encoding.UTF8.GetBytes(GoText.Float(number)));
                break;
            default:
                WriteOther(buffer, value);
                break;
        }
    }

    // Values made from other .NET types (a decimal, a DateTime): rare, so the detour by text does not matter.
    private static void WriteOther(Utf8Buffer buffer, JsonValue value)
    {
        using var element = JsonDocument.Parse(value.ToJsonString());
        if (element.RootElement.ValueKind == JsonValueKind.String)
            WriteString(buffer, element.RootElement.GetString());
        else
            buffer.Add(Encoding.UTF8.GetBytes(element.RootElement.GetRawText()));
    }

    private static void WriteInteger(Utf8Buffer buffer, long value)
    {
        Utf8Formatter.TryFormat(value, buffer.Reserve(20), out var written);
        buffer.Advance(written);
    }

    private static int WriteSpecial(Utf8Buffer buffer, ReadOnlySpan<char> text)
    {
        var c = text[0];
        if (char.IsHighSurrogate(c) && text.Length > 1 && char.IsLowSurrogate(text[1]))
        {
            buffer.Advance(Encoding.UTF8.GetBytes(text[..2], buffer.Reserve(4)));
            return 2;
        }

        if (char.IsSurrogate(c))
        {
            buffer.Add("\\ufffd"u8);
            return 1;
        }

        var escape = c switch
        {
            '"' => "\\\""u8,
            '\\' => "\\\\"u8,
            '\b' => "\\b"u8,
            '\f' => "\\f"u8,
            '\n' => "\\n"u8,
            '\r' => "\\r"u8,
            '\t' => "\\t"u8,
            _ => default,
        };
        if (escape.IsEmpty)
            buffer.Add(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));
        else
            buffer.Add(escape);
        return 1;
    }

    private static string SpecialChars()
    {
        var special = new StringBuilder("\"\\<>&\u2028\u2029");
        for (var c = '\0'; c < ' '; c++)
            special.Append(c);
        for (var c = 0xD800; c <= 0xDFFF; c++)
            special.Append((char)c);
        return special.ToString();
    }
}
