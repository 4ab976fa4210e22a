using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Codec;

/// <summary>
/// A protobuf message by its schema to the tree that the same object has in JSON. Go's rules on what is omitted are not
/// applied here: <see cref="ObjectDecoder.DecodeProtobuf"/> has the tree canonicalized afterwards.
/// </summary>
internal static class ProtobufReader
{
    private static readonly ConditionalWeakTable<TypeSchema, MessageShape> Shapes = [];

    public static JsonObject Read(ReadOnlySpan<byte> message, TypeSchema schema)
    {
        var result = new JsonObject();
        ReadInto(result, message, ShapeOf(schema), 0);
        return result;
    }

    private static MessageShape ShapeOf(TypeSchema schema) => Shapes.GetValue(schema, static s => new MessageShape(s));

    private static void ReadInto(JsonObject result, ReadOnlySpan<byte> message, MessageShape shape, int depth)
    {
        if (depth > ObjectDecoder.MaxDepth) throw new DecodeException("exceeded max depth");
        var reader = new ProtobufFields(message);
        while (reader.Next())
        {
            // JSON has the fields of an inlined struct beside the others, protobuf in a message of their own.
            if (shape.Inlined.TryGetValue(reader.Number, out var inlined)) ReadInto(result, reader.Bytes(), inlined, depth + 1);
            else if (shape.Fields.TryGetValue(reader.Number, out var field)) ReadField(result, field, ref reader, depth);
        }
    }

    private static void ReadField(JsonObject result, FieldSchema field, ref ProtobufFields reader, int depth)
    {
        switch (field.Cardinality)
        {
            case Cardinality.List:
                if (result[field.Name] is not JsonArray list) result[field.Name] = list = [];
                ReadElements(list, field, ref reader, depth);
                break;
            case Cardinality.Map:
                if (result[field.Name] is not JsonObject map) result[field.Name] = map = [];
                ReadEntry(map, field, reader.Bytes(), depth);
                break;
            default:
                result[field.Name] = ReadValue(field, ref reader, depth);
                break;
        }
    }

    private static void ReadElements(JsonArray list, FieldSchema field, ref ProtobufFields reader, int depth)
    {
        // Verbs is a message around its list.
        if (field.GoType.EndsWith(".Verbs", StringComparison.Ordinal))
        {
            foreach (var item in ReadStrings(reader.Bytes())) list.Add((JsonNode)item);
            return;
        }
        var isPacked = reader.IsLengthDelimited && field.Kind is ValueKind.Int32 or ValueKind.Int64 or ValueKind.Boolean;
        if (!isPacked)
        {
            list.Add(ReadValue(field, ref reader, depth));
            return;
        }
        var rest = reader.Bytes();
        while (!rest.IsEmpty) list.Add((JsonNode?)Scalar(field.Kind, ProtobufFields.ReadVarint(ref rest)));
    }

    private static void ReadEntry(JsonObject map, FieldSchema field, ReadOnlySpan<byte> entry, int depth)
    {
        var key = "";
        JsonNode? value = null;
        var hasValue = false;
        var reader = new ProtobufFields(entry);
        while (reader.Next())
        {
            if (reader.Number == 1) key = Encoding.UTF8.GetString(reader.Bytes());
            else if (reader.Number == 2)
            {
                value = field.IsMapOfLists ? new JsonArray([.. ReadStrings(reader.Bytes()).Select(s => (JsonNode)s)]) : ReadValue(field, ref reader, depth);
                hasValue = true;
            }
        }
        map[key] = hasValue ? value : ZeroValues.OfElement(field);
    }

    private static List<string> ReadStrings(ReadOnlySpan<byte> message)
    {
        var items = new List<string>();
        var reader = new ProtobufFields(message);
        while (reader.Next())
        {
            if (reader.Number == 1) items.Add(Encoding.UTF8.GetString(reader.Bytes()));
        }
        return items;
    }

    private static JsonNode? ReadValue(FieldSchema field, ref ProtobufFields reader, int depth)
    {
        switch (field.Kind)
        {
            case ValueKind.Boolean or ValueKind.Int32 or ValueKind.Int64:
                return Scalar(field.Kind, reader.Varint());
            case ValueKind.Double:
                return JsonValue.Create(reader.Double());
            case ValueKind.String:
                return JsonValue.Create(Encoding.UTF8.GetString(reader.Bytes()));
            case ValueKind.Bytes:
                return JsonValue.Create(Convert.ToBase64String(reader.Bytes()));
            case ValueKind.Time or ValueKind.MicroTime:
                return ReadTime(reader.Bytes(), field.Kind == ValueKind.MicroTime);
            case ValueKind.Duration:
                return JsonValue.Create(GoDuration.Format(TimeSpan.FromTicks((long)NumberIn(reader.Bytes(), 1) / 100)));
            case ValueKind.Quantity:
                return JsonValue.Create(TextIn(reader.Bytes(), 1) is { Length: > 0 } quantity ? quantity : "0");
            case ValueKind.IntOrString:
                var choice = reader.Bytes();
                return NumberIn(choice, 1) == 0 ? JsonValue.Create((int)NumberIn(choice, 2)) : JsonValue.Create(TextIn(choice, 3));
            case ValueKind.RawObject:
                return ReadRaw(reader.Bytes());
            case ValueKind.AnyJson:
                return field.Union == JsonUnion.None ? ReadRaw(reader.Bytes()) : ReadUnion(field, reader.Bytes(), depth);
            default:
                return field.Union == JsonUnion.None ? ReadObject(field.Type!, reader.Bytes(), depth) : ReadUnion(field, reader.Bytes(), depth);
        }
    }

    private static JsonObject ReadObject(TypeSchema type, ReadOnlySpan<byte> message, int depth)
    {
        var result = new JsonObject();
        ReadInto(result, message, ShapeOf(type), depth + 1);
        return result;
    }

    private static JsonValue Scalar(ValueKind kind, ulong number) => kind switch
    {
        ValueKind.Boolean => JsonValue.Create(number != 0),
        ValueKind.Int32 => JsonValue.Create((int)number),
        _ => JsonValue.Create((long)number),
    };

    /// <summary>An empty message is Go's zero time, which is null in JSON.</summary>
    private static JsonValue? ReadTime(ReadOnlySpan<byte> message, bool isMicro)
    {
        if (message.IsEmpty) return null;
        var seconds = (long)NumberIn(message, 1);
        if (seconds is < -62135596800 or > 253402300799) throw new DecodeException("year outside of range [0,9999]");
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return JsonValue.Create(isMicro ? KubernetesTime.FormatMicro(time.AddTicks((int)NumberIn(message, 2) / 100)) : KubernetesTime.Format(time));
    }

    /// <summary>RawExtension, FieldsV1 and apiextensions' JSON: JSON text in field 1.</summary>
    private static JsonNode? ReadRaw(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufFields(message);
        while (reader.Next())
        {
            if (reader.Number != 1 || reader.Bytes() is not { IsEmpty: false } raw) continue;
            // Read through at once: a tree that JsonNode builds when it is looked at fails only there, and as nobody's fault.
            return ObjectDecoder.ParseLenient(raw);
        }
        return null;
    }

    /// <summary>JSONSchemaPropsOrBool {allows=1, schema=2}, OrArray {schema=1, jSONSchemas=2}, OrStringArray {schema=1, property=2}.</summary>
    private static JsonNode? ReadUnion(FieldSchema field, ReadOnlySpan<byte> message, int depth)
    {
        JsonNode? schema = null;
        JsonArray? list = null;
        var allows = false;
        var reader = new ProtobufFields(message);
        while (reader.Next())
        {
            switch (field.Union, reader.Number)
            {
                case (JsonUnion.ObjectOrBool, 1): allows = reader.Varint() != 0; break;
                case (JsonUnion.ObjectOrBool, 2) or (_, 1): schema = ReadObject(field.Type!, reader.Bytes(), depth); break;
                case (JsonUnion.ObjectOrArray, 2): (list ??= []).Add((JsonNode)ReadObject(field.Type!, reader.Bytes(), depth)); break;
                case (JsonUnion.ObjectOrStrings, 2): (list ??= []).Add((JsonNode)Encoding.UTF8.GetString(reader.Bytes())); break;
            }
        }
        return schema ?? (JsonNode?)list ?? (field.Union == JsonUnion.ObjectOrBool ? JsonValue.Create(allows) : null);
    }

    private static ulong NumberIn(ReadOnlySpan<byte> message, int number)
    {
        ulong value = 0;
        var reader = new ProtobufFields(message);
        while (reader.Next())
        {
            if (reader.Number == number) value = reader.Varint();
        }
        return value;
    }

    private static string TextIn(ReadOnlySpan<byte> message, int number)
    {
        var value = "";
        var reader = new ProtobufFields(message);
        while (reader.Next())
        {
            if (reader.Number == number) value = Encoding.UTF8.GetString(reader.Bytes());
        }
        return value;
    }

    /// <summary>A type's fields by protobuf number, those of inlined structs below the numbers of their messages.</summary>
    private sealed class MessageShape
    {
        public MessageShape(TypeSchema schema)
        {
            foreach (var field in schema.Fields)
            {
                // kind and apiVersion are the envelope's.
                if (field.ProtoNumber == 0) continue;
                var shape = this;
                foreach (var number in field.ProtoPath)
                {
                    if (!shape.Inlined.TryGetValue(number, out var next)) shape.Inlined[number] = next = new MessageShape();
                    shape = next;
                }
                shape.Fields[field.ProtoNumber] = field;
            }
        }

        private MessageShape()
        {
        }

        public Dictionary<int, FieldSchema> Fields { get; } = [];
        public Dictionary<int, MessageShape> Inlined { get; } = [];
    }
}
