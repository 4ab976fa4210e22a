using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LiteKube.Client.Json;

/// <summary>metav1.Time (whole seconds) and metav1.MicroTime, always written in UTC; read with any fraction and offset.</summary>
internal sealed class TimeConverter(bool withMicroseconds) : JsonConverter<DateTime>
{
    public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) => Write(writer, value, withMicroseconds);

    internal static DateTime Parse(ref Utf8JsonReader reader)
    {
        if (reader.TryGetDateTimeOffset(out var value))
            return value.UtcDateTime;
        // More than seven digits of fraction is legal in RFC 3339 and common from Go.
        if (DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out value))
            return value.UtcDateTime;
        throw new JsonException($"\"{reader.GetString()}\" is not an RFC 3339 time");
    }

    internal static void Write(Utf8JsonWriter writer, DateTime value, bool withMicroseconds)
    {
        var utc = value.Kind == DateTimeKind.Local ? value.ToUniversalTime() : value;
        Span<byte> text = stackalloc byte[40];
        if (!utc.TryFormat(text, out var length, withMicroseconds ? "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'" : "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture))
            throw new JsonException("the time does not fit its text form");
        writer.WriteStringValue(text[..length]);
    }
}

internal sealed class NullableMicroTimeConverter : JsonConverter<DateTime?>
{
    public override DateTime? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? null : TimeConverter.Parse(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTime? value, JsonSerializerOptions options)
    {
        if (value is { } time)
            TimeConverter.Write(writer, time, withMicroseconds: true);
        else
            writer.WriteNullValue();
    }
}
