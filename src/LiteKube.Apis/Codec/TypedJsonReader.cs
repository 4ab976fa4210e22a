using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>Reads JSON by a schema straight into canonical nodes. One use each.</summary>
internal ref partial struct TypedJsonReader
{
    private readonly ReadOnlySpan<byte> _utf8;
    private readonly StrictErrors? _strict;
    private readonly List<JsonNode?> _slots = new(32);
    private readonly List<bool> _seen = new(32);
    private Utf8JsonReader _reader;
    private JsonPath _path = new();
    // Inside apiextensions' unions, whose own decoders Go runs without strictness.
    private int _lenient;

    public TypedJsonReader(ReadOnlySpan<byte> utf8, StrictErrors? strict)
    {
        _utf8 = utf8;
        _strict = strict;
        _reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ObjectDecoder.MaxDepth });
    }

    public JsonObject ReadRoot(TypeSchema schema)
    {
        try
        {
            _reader.Read();
            if (_reader.TokenType == JsonTokenType.Null)
                throw new DecodeException("json: cannot unmarshal null into Go value of type " + schema.GoName);
            if (_reader.TokenType != JsonTokenType.StartObject)
                throw Mismatch(schema.GoName);
            var result = ReadObject(schema);
            _reader.Read();
            return result;
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    private readonly DecodeException Malformed(JsonException e) =>
        new(GoSyntax.Describe(_utf8) ?? e.Message);

    private readonly DecodeException Mismatch(string goType, string? what = null)
    {
        what ??= _reader.TokenType switch
        {
            JsonTokenType.StartObject => "object",
            JsonTokenType.StartArray => "array",
            JsonTokenType.String => "string",
            JsonTokenType.Number => "number",
            _ => "bool",
        };
        return new($"json: cannot unmarshal {what} into {_path.GoContext()} of type {goType}");
    }

    private JsonObject ReadObject(TypeSchema type)
    {
        var table = type.Table;
        var fields = table.Fields;
        var start = _slots.Count;
        for (var i = 0; i < fields.Length; i++)
        {
            _slots.Add(null);
            _seen.Add(false);
        }

        var expected = 0;
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var index = _reader.ValueIsEscaped
                ? table.IndexOf(System.Text.Encoding.UTF8.GetBytes(GoText.Unescape(_reader.ValueSpan)), 0)
                : table.IndexOf(_reader.ValueSpan, expected);
            if (index < 0)
            {
                if (_strict is not null && _lenient == 0)
                    _strict.Unknown(_path.With(GoText.Unescape(_reader.ValueSpan)));
                _reader.Skip();
                continue;
            }

            expected = index + 1;
            var field = fields[index];
            if (_seen[start + index] && _lenient == 0)
                _strict?.Duplicate(_path.With(field.Name));
            _seen[start + index] = true;
            _reader.Read();
            if (_reader.TokenType == JsonTokenType.Null)
                continue;
            _path.PushField(type, field);
            _slots[start + index] = ReadField(field);
            _path.Pop();
        }

        var result = ZeroValues.Finish(fields, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_slots)[start..]);
        _slots.RemoveRange(start, fields.Length);
        _seen.RemoveRange(start, fields.Length);
        return result;
    }

    private JsonNode? ReadField(FieldSchema field)
    {
        switch (field.Cardinality)
        {
            case Cardinality.List:
                return ReadList(field);
            case Cardinality.Map:
                return ReadMap(field);
            default:
                var value = ReadValue(field, field.GoType);
                return field.OmitEmpty && !field.IsPointer && ZeroValues.IsEmptyScalar(field, value) ? null : value;
        }
    }

    private JsonArray? ReadList(FieldSchema field)
    {
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Mismatch(field.GoType);
        var list = new JsonArray();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            _path.PushIndex(list.Count);
            list.Add(ReadElement(field));
            _path.Pop();
        }

        return list.Count == 0 && field.OmitEmpty ? null : list;
    }

    private JsonNode? ReadElement(FieldSchema field)
    {
        if (_reader.TokenType != JsonTokenType.Null)
            return ReadValue(field, GoNames.OfElement(field));
        return field.HasPointerElements ? null : ZeroValues.OfElement(field);
    }

    private JsonObject? ReadMap(FieldSchema field)
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Mismatch(field.GoType);
        var map = new SortedEntries();
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = GoText.Unescape(_reader.ValueSpan);
            _reader.Read();
            _path.PushKey(key);
            map.Add(key, field.IsMapOfLists ? ReadStrings(field) : ReadElement(field));
            _path.Pop();
        }

        if (map.Count == 0 && field.OmitEmpty)
            return null;
        return map.ToObject(_lenient == 0 ? _strict : null, _path);
    }

    private JsonArray? ReadStrings(FieldSchema field)
    {
        if (_reader.TokenType == JsonTokenType.Null)
            return null;
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Mismatch(field.IsMapOfLists ? GoNames.OfElement(field) : "[]string");
        var list = new JsonArray();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                throw Mismatch("string");
            list.Add((JsonNode)JsonValue.Create(_reader.TokenType == JsonTokenType.Null ? "" : GoText.Unescape(_reader.ValueSpan)));
        }

        return list;
    }

    private JsonNode? ReadValue(FieldSchema field, string goType)
    {
        switch (field.Kind)
        {
            case ValueKind.Object:
                return _reader.TokenType == JsonTokenType.StartObject ? ReadObject(field.Type!) : throw Mismatch(goType);
            case ValueKind.String:
                return _reader.TokenType == JsonTokenType.String ? JsonValue.Create(GoText.Unescape(_reader.ValueSpan)) : throw Mismatch(goType);
            case ValueKind.Boolean:
                return _reader.TokenType is JsonTokenType.True or JsonTokenType.False ? JsonValue.Create(_reader.TokenType == JsonTokenType.True) : throw Mismatch(goType);
            case ValueKind.Int32:
                return _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt32(out var int32) && IsPlainInteger() ? JsonValue.Create(int32) : throw NumberMismatch(goType);
            case ValueKind.Int64:
                return _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var int64) && IsPlainInteger() ? JsonValue.Create(int64) : throw NumberMismatch(goType);
            case ValueKind.Double:
                return _reader.TokenType == JsonTokenType.Number && _reader.TryGetDouble(out var number) && double.IsFinite(number) ? JsonValue.Create(number) : throw NumberMismatch(goType);
            case ValueKind.RawObject:
                return ReadRaw();
            case ValueKind.AnyJson:
                return field.Union == JsonUnion.None ? ReadRaw() : ReadUnion(field);
            case ValueKind.Bytes:
                return _reader.TokenType == JsonTokenType.String ? TextValues.Bytes(GoText.Unescape(_reader.ValueSpan)) : throw Mismatch(goType);
            default:
                return TextValues.Read(field.Kind, ref _reader);
        }
    }

    // strconv.ParseInt takes neither 1.0 nor 1e3.
    private readonly bool IsPlainInteger() => _reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0;

    private readonly DecodeException NumberMismatch(string goType) =>
        Mismatch(goType, _reader.TokenType == JsonTokenType.Number ? "number " + System.Text.Encoding.UTF8.GetString(_reader.ValueSpan) : null);

    private JsonNode? ReadUnion(FieldSchema field)
    {
        _lenient++;
        try
        {
            switch (_reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    return ReadObject(field.Type!);
                case JsonTokenType.True or JsonTokenType.False when field.Union == JsonUnion.ObjectOrBool:
                    return JsonValue.Create(_reader.TokenType == JsonTokenType.True);
                case JsonTokenType.StartArray when field.Union == JsonUnion.ObjectOrStrings:
                    return ReadStrings(field);
                case JsonTokenType.StartArray when field.Union == JsonUnion.ObjectOrArray:
                    var list = new JsonArray();
                    while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                        list.Add((JsonNode)(_reader.TokenType == JsonTokenType.StartObject ? ReadObject(field.Type!) : throw Mismatch(field.Type!.GoName)));
                    return list;
                default:
                    // What the unions' own UnmarshalJSON methods say.
                    throw new DecodeException(field.Union == JsonUnion.ObjectOrBool ? "boolean or JSON schema expected" : Mismatch(field.Type!.GoName).Message);
            }
        }
        finally
        {
            _lenient--;
        }
    }
}
