using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Cel.Schemas;

namespace LiteKube.Cel;

/// <summary>JSON as values, read lazily and without copying, and values as JSON.</summary>
public static class CelJson
{
    /// <summary>A document without a schema: numbers without a fraction are int.</summary>
    public static CelValue FromJson(JsonNode? node) => Plain(new JsonData(node));

    /// <inheritdoc cref="FromJson(JsonNode?)"/>
    public static CelValue FromJson(JsonElement element) => Plain(new JsonData(element));

    /// <summary>A document with a schema, which gives strings of a format their type and lists their kind.</summary>
    public static CelValue FromJson(JsonNode? node, CelSchema schema) => SchemaValues.Create(new JsonData(node), schema);

    /// <inheritdoc cref="FromJson(JsonNode?, CelSchema)"/>
    public static CelValue FromJson(JsonElement element, CelSchema schema) => SchemaValues.Create(new JsonData(element), schema);

    internal static CelValue Plain(JsonData data) => data.Kind switch
    {
        JsonValueKind.Object => CelValue.Map(new JsonMap(data)),
        JsonValueKind.Array => CelValue.List(new JsonList(data)),
        JsonValueKind.String => CelValue.String(data.Text),
        JsonValueKind.True or JsonValueKind.False => CelValue.Bool(data.Boolean),
        JsonValueKind.Number => data.TryInteger(out var integer) ? CelValue.Int(integer) : CelValue.Double(data.Number),
        _ => CelValue.Null,
    };

    /// <summary>A value as JSON.</summary>
    /// <exception cref="NotSupportedException">The value has no form in JSON, e.g. a map with keys that are no strings.</exception>
    public static JsonNode? ToJson(in CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.Null:
                return null;
            case CelKind.Bool:
                return JsonValue.Create(value.AsBool);
            case CelKind.Int:
                return JsonValue.Create(value.AsInt);
            case CelKind.Uint:
                return JsonValue.Create(value.AsUint);
            case CelKind.Double when double.IsFinite(value.AsDouble):
                return JsonValue.Create(value.AsDouble);
            case CelKind.String:
                return JsonValue.Create(value.AsString);
            case CelKind.Bytes:
                return JsonValue.Create(Convert.ToBase64String(value.AsBytes.Span));
            case CelKind.Duration or CelKind.Timestamp:
                return JsonValue.Create(ValueText.Describe(value));
            case CelKind.List:
                return value.AsList.ToJson() ?? ListToJson(value.AsList);
            case CelKind.Map:
                return value.AsMap.ToJson() ?? MapToJson(value.AsMap);
            case CelKind.Object when value.AsObject.ToJson() is { } json:
                return json;
            case CelKind.Error:
                throw new NotSupportedException(value.AsError.Message);
            default:
                throw new NotSupportedException($"a value of type {value.Type} has no form in JSON");
        }
    }

    private static JsonArray ListToJson(CelList list)
    {
        var array = new JsonArray();
        for (var i = 0; i < list.Count; i++)
            array.Add(ToJson(list[i]));
        return array;
    }

    private static JsonObject MapToJson(CelMap map)
    {
        var obj = new JsonObject();
        foreach (var key in map.Keys)
        {
            if (key.Kind != CelKind.String)
                throw new NotSupportedException($"map key {ValueText.Describe(key)} is of type {key.Type}, not string");
            if (map.TryGet(key, out var value))
                obj[key.AsString] = ToJson(value);
        }
        return obj;
    }
}

/// <summary>An array without a schema.</summary>
internal sealed class JsonList(JsonData data) : CelList
{
    public override int Count { get; } = data.Count;

    public override CelValue this[int index] => CelJson.Plain(data[index]);

    protected internal override JsonNode? ToJson() => data.ToNode();
}

/// <summary>An object without a schema: every member is an entry.</summary>
internal sealed class JsonMap(JsonData data) : CelMap
{
    public override int Count => data.Count;

    public override IEnumerable<CelValue> Keys => data.Names.Select(CelValue.String);

    public override bool TryGet(in CelValue key, out CelValue value)
    {
        value = default;
        if (key.Kind != CelKind.String || !data.TryGet(key.AsString, out var member))
            return false;
        value = CelJson.Plain(member);
        return true;
    }

    protected internal override JsonNode? ToJson() => data.ToNode();
}
