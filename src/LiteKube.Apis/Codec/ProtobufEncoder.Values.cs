using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Codec;

/// <summary>Single values. The reader stands at their first token and leaves at their last.</summary>
internal ref partial struct ProtobufEncoder
{
    private void WriteValue(FieldSchema field, uint tag)
    {
        switch (field.Kind)
        {
            case ValueKind.Boolean:
                Tag(tag);
                Varint(_reader.GetBoolean() ? 1UL : 0);
                break;
            case ValueKind.Int32 or ValueKind.Int64:
                Tag(tag);
                Varint((ulong)_reader.GetInt64());
                break;
            case ValueKind.Double:
                Tag(tag);
                BinaryPrimitives.WriteDoubleLittleEndian(_out.Reserve(8), _reader.GetDouble());
                _out.Advance(8);
                break;
            case ValueKind.String:
                WriteText(tag);
                break;
            case ValueKind.Bytes:
                WriteBytes(tag);
                break;
            case ValueKind.Object when field.Union == JsonUnion.None:
                var start = _out.Count;
                Expect(JsonTokenType.StartObject);
                WriteObject(field.Type!);
                Delimit(start, tag);
                break;
            default:
                start = _out.Count;
                WriteSpecial(field);
                Delimit(start, tag);
                break;
        }
    }

    /// <summary>The content of values that JSON writes as text and protobuf as a message.</summary>
    private void WriteSpecial(FieldSchema field)
    {
        switch (field.Kind)
        {
            case ValueKind.Time or ValueKind.MicroTime:
                WriteTime(field.Kind == ValueKind.MicroTime);
                break;
            case ValueKind.Duration:
                WriteNumber(1, GoDuration.Parse(_reader.GetString()!).Ticks * 100);
                break;
            case ValueKind.Quantity:
                WriteText(1u << 3 | 2);
                break;
            case ValueKind.IntOrString:
                var isText = _reader.TokenType == JsonTokenType.String;
                WriteNumber(1, isText ? 1 : 0);
                WriteNumber(2, isText ? 0 : _reader.GetInt64());
                if (isText) WriteText(3u << 3 | 2);
                else _out.Add([3 << 3 | 2, 0]);
                break;
            default:
                if (field.Union == JsonUnion.None) WriteRaw();
                else WriteUnion(field);
                break;
        }
    }

    private readonly void WriteNumber(int number, long value)
    {
        Tag((uint)number << 3);
        Varint((ulong)value);
    }

    private readonly void WriteText(uint tag)
    {
        if (_reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName)) throw new DecodeException($"expected a string, found {_reader.TokenType}");
        if (!_reader.ValueIsEscaped)
        {
            Tag(tag);
            Varint((ulong)_reader.ValueSpan.Length);
            _out.Add(_reader.ValueSpan);
            return;
        }
        var start = _out.Count;
        _out.Advance(_reader.CopyString(_out.Reserve(_reader.ValueSpan.Length)));
        Delimit(start, tag);
    }

    private readonly void WriteBytes(uint tag)
    {
        var start = _out.Count;
        if (_reader.ValueIsEscaped)
        {
            _out.Add(_reader.GetBytesFromBase64());
        }
        else
        {
            var text = _reader.ValueSpan;
            if (Base64.DecodeFromUtf8(text, _out.Reserve(Base64.GetMaxDecodedFromUtf8Length(text.Length)), out _, out var length) != OperationStatus.Done) throw new DecodeException("illegal base64 data");
            _out.Advance(length);
        }
        Delimit(start, tag);
    }

    private readonly void WriteTime(bool isMicro)
    {
        var ticks = TryReadSecond(_reader.ValueSpan, out var second) ? second.Ticks
            : (isMicro ? KubernetesTime.ParseMicro(_reader.GetString()!) : KubernetesTime.Parse(_reader.GetString()!)).UtcTicks;
        var since = ticks - DateTime.UnixEpoch.Ticks;
        var seconds = Math.DivRem(since, TimeSpan.TicksPerSecond, out var rest);
        if (rest < 0) (seconds, rest) = (seconds - 1, rest + TimeSpan.TicksPerSecond);
        WriteNumber(1, seconds);
        WriteNumber(2, isMicro ? rest * 100 : 0);
    }

    /// <summary>"2024-05-01T10:20:30Z", the form of almost every time.</summary>
    private static bool TryReadSecond(ReadOnlySpan<byte> text, out DateTime time)
    {
        time = default;
        if (text.Length != 20 || text[19] != 'Z') return false;
        int year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2), hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
        if ((year | month | day | hour | minute | second) < 0 || year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return false;
        time = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc);
        return true;
    }

    private static int Digits(ReadOnlySpan<byte> text, int at, int count)
    {
        var value = 0;
        foreach (var b in text.Slice(at, count))
        {
            if (b is < (byte)'0' or > (byte)'9') return -1;
            value = value * 10 + b - '0';
        }
        return value;
    }

    /// <summary>RawExtension, FieldsV1 and apiextensions' JSON: the JSON text itself.</summary>
    private void WriteRaw()
    {
        var from = (int)_reader.TokenStartIndex;
        _reader.Skip();
        var raw = _json[from..(int)_reader.BytesConsumed];
        var start = _out.Count;
        _out.Add(raw);
        Delimit(start, 1u << 3 | 2);
    }

    /// <summary>JSONSchemaPropsOrBool {allows=1, schema=2}, OrArray {schema=1, jSONSchemas=2}, OrStringArray {schema=1, property=2}.</summary>
    private void WriteUnion(FieldSchema field)
    {
        var isBool = field.Union == JsonUnion.ObjectOrBool;
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                // An object allows what it describes.
                if (isBool) WriteNumber(1, 1);
                WriteSchema(field, isBool ? 2 : 1);
                break;
            case JsonTokenType.True or JsonTokenType.False when isBool:
                WriteNumber(1, _reader.GetBoolean() ? 1 : 0);
                break;
            case JsonTokenType.StartArray when !isBool:
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                {
                    if (field.Union == JsonUnion.ObjectOrStrings) WriteText(2u << 3 | 2);
                    else WriteSchema(field, 2);
                }
                break;
            default:
                throw new DecodeException($"expected a schema, found {_reader.TokenType}");
        }
    }

    private void WriteSchema(FieldSchema field, int number)
    {
        var start = _out.Count;
        Expect(JsonTokenType.StartObject);
        WriteObject(field.Type!);
        Delimit(start, (uint)(number << 3 | 2));
    }
}
