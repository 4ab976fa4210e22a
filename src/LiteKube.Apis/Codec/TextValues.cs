using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Codec;

/// <summary>Values that Go reads with decoders of their own. Their errors carry no field, as in Go.</summary>
internal static class TextValues
{
    public static JsonNode? Read(ValueKind kind, ref Utf8JsonReader reader) => kind switch
    {
        ValueKind.Quantity => Quantity(ref reader),
        ValueKind.IntOrString => IntOrString(ref reader),
        ValueKind.Time => KubernetesTime.Canonical(Text(ref reader)) is { } time ? JsonValue.Create(time) : null,
        ValueKind.MicroTime => KubernetesTime.CanonicalMicro(Text(ref reader)) is { } time ? JsonValue.Create(time) : null,
        ValueKind.Duration => JsonValue.Create(GoDuration.Format(GoDuration.Parse(Text(ref reader)))),
        _ => throw new InvalidOperationException($"{kind} is no text"),
    };

    /// <summary>base64 in its standard alphabet; line breaks are taken out.</summary>
    public static JsonValue Bytes(string text)
    {
        if (text.AsSpan().IndexOfAny('\r', '\n') >= 0)
            text = text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        if (text.Length % 4 != 0 || !Base64.IsValid(text) || text.AsSpan().IndexOfAny(' ', '\t') >= 0)
            throw new DecodeException($"illegal base64 data at input byte {FirstBad(text)}");
        return JsonValue.Create(text);
    }

    private static int FirstBad(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(text[i]) && text[i] is not ('+' or '/'))
                return i;
        }

        return text.Length / 4 * 4;
    }

    private static JsonValue Quantity(ref Utf8JsonReader reader)
    {
        var text = reader.TokenType switch
        {
            JsonTokenType.String => GoText.Unescape(reader.ValueSpan).Trim(),
            JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
            _ => "",
        };
        try
        {
            return JsonValue.Create(Values.Quantity.Parse(text).ToString());
        }
        catch (FormatException e)
        {
            throw new DecodeException(e.Message);
        }
    }

    private static JsonNode IntOrString(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
            return JsonValue.Create(GoText.Unescape(reader.ValueSpan));
        if (reader.TokenType == JsonTokenType.Number && reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 && reader.TryGetInt32(out var number))
            return JsonValue.Create(number);
        var what = reader.TokenType == JsonTokenType.Number ? "number " + Encoding.UTF8.GetString(reader.ValueSpan) : NameOf(reader.TokenType);
        throw new DecodeException($"json: cannot unmarshal {what} into Go value of type int32");
    }

    private static string Text(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String
        ? GoText.Unescape(reader.ValueSpan)
        : throw new DecodeException($"json: cannot unmarshal {NameOf(reader.TokenType)} into Go value of type string");

    private static string NameOf(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        JsonTokenType.Number => "number",
        JsonTokenType.String => "string",
        _ => "bool",
    };
}
