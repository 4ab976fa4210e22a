using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>Values that no schema describes: raw fields, and whole documents such as patches.</summary>
internal ref partial struct TypedJsonReader
{
    public JsonNode? ReadUntyped()
    {
        try
        {
            _reader.Read();
            var result = ReadAny();
            _reader.Read();
            return result;
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    // Verbatim: Go keeps the bytes of raw values, so neither order nor the digits of a number may change.
    private JsonNode? ReadRaw()
    {
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var map = new JsonObject();
                while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
                {
                    var key = GoText.Unescape(_reader.ValueSpan);
                    _reader.Read();
                    map[key] = ReadRaw();
                }

                return map;
            case JsonTokenType.StartArray:
                var list = new JsonArray();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                    list.Add(ReadRaw());
                return list;
            case JsonTokenType.Number when !(_reader.TryGetInt64(out _) && IsPlainInteger()):
                return JsonValue.Create(JsonElement.ParseValue(ref _reader));
            default:
                return ReadScalar();
        }
    }

    private JsonNode? ReadAny()
    {
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var map = new SortedEntries();
                while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
                {
                    var key = GoText.Unescape(_reader.ValueSpan);
                    _reader.Read();
                    _path.PushKey(key);
                    map.Add(key, ReadAny());
                    _path.Pop();
                }

                return map.ToObject(_strict, _path);
            case JsonTokenType.StartArray:
                var list = new JsonArray();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                {
                    _path.PushIndex(list.Count);
                    list.Add(ReadAny());
                    _path.Pop();
                }

                return list;
            default:
                return ReadScalar();
        }
    }

    private readonly JsonValue? ReadScalar() => _reader.TokenType switch
    {
        JsonTokenType.String => JsonValue.Create(GoText.Unescape(_reader.ValueSpan)),
        JsonTokenType.True => JsonValue.Create(true),
        JsonTokenType.False => JsonValue.Create(false),
        JsonTokenType.Number when IsPlainInteger() && _reader.TryGetInt64(out var integer) => JsonValue.Create(integer),
        JsonTokenType.Number => _reader.TryGetDouble(out var number) && double.IsFinite(number) ? JsonValue.Create(number) : throw NumberMismatch("float64"),
        _ => null,
    };
}
