using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel.Schemas;

/// <summary>JSON data seen through its schema.</summary>
internal static class SchemaValues
{
    public static CelValue Create(JsonData data, CelSchema schema)
    {
        if (data.IsNull)
            return schema.Nullable ? CelValue.Null : CelValue.Error("invalid data, got null for schema with nullable=false");
        if (schema.IntOrString)
            return IntOrString(data);
        return schema.Type switch
        {
            "object" => data.Kind == JsonValueKind.Object
                ? CelValue.Map(new SchemaMap(data, schema.EmbeddedResource ? schema.WithTypeAndObjectMeta() : schema))
                : CelValue.Error("invalid data, expected a map for the provided schema with type=object"),
            "array" => Array(data, schema),
            "string" => data.Kind == JsonValueKind.String ? Text(data.Text, schema.Format) : CelValue.Error($"invalid data, expected string, got {Describe(data)}"),
            "number" => data.Kind == JsonValueKind.Number ? CelValue.Double(data.Number) : CelValue.Error($"invalid data, expected float, got {Describe(data)}"),
            "integer" => data.Kind == JsonValueKind.Number && data.TryInteger(out var integer) ? CelValue.Int(integer) : CelValue.Error($"invalid data, expected int, got {Describe(data)}"),
            "boolean" => data.Kind is JsonValueKind.True or JsonValueKind.False ? CelValue.Bool(data.Boolean) : CelValue.Error($"invalid data, expected bool, got {Describe(data)}"),
            _ when schema.PreserveUnknownFields => CelValue.Object(new PreservedValue(data)),
            _ => CelValue.Error($"invalid type, expected object, array, number, integer, boolean or string, or no type with x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got {schema.Type}"),
        };
    }

    private static string Describe(JsonData data) => data.Kind switch
    {
        JsonValueKind.Object => "map[string]interface {}",
        JsonValueKind.Array => "[]interface {}",
        JsonValueKind.String => "string",
        JsonValueKind.True or JsonValueKind.False => "bool",
        _ => data.TryInteger(out _) ? "int64" : "float64",
    };

    private static CelValue IntOrString(JsonData data)
    {
        if (data.Kind == JsonValueKind.String)
            return CelValue.String(data.Text);
        return data.Kind == JsonValueKind.Number && data.TryInteger(out var integer) ? CelValue.Int(integer) : CelValue.Error("invalid data, expected XIntOrString value to be either a string or integer");
    }

    private static CelValue Array(JsonData data, CelSchema schema)
    {
        if (data.Kind != JsonValueKind.Array)
            return CelValue.Error("invalid data, expected an array for the provided schema with type=array");
        if (schema.Items is not { } items)
            return CelValue.Error("invalid array type, expected Items with a non-empty Schema");
        return schema.ListType switch
        {
            "map" => CelValue.List(new KeyedSchemaList(data, items, schema.ListMapKeys)),
            "set" => CelValue.List(new SetSchemaList(data, items)),
            "" or "atomic" => CelValue.List(new SchemaList(data, items)),
            var other => CelValue.Error($"invalid x-kubernetes-list-type, expected 'map', 'set' or 'atomic' but got {other}"),
        };
    }

    private static CelValue Text(string text, string format)
    {
        switch (format)
        {
            case "duration":
                return TimeText.TryParseSchemaDuration(text, out var nanos) ? CelValue.Duration(nanos) : CelValue.Error($"Invalid duration {text}");
            case "date":
                return TimeText.TryParseDate(text, out var days) ? CelValue.Timestamp(new(days * 86400, 0)) : CelValue.Error($"Invalid date formatted string {text}");
            case "date-time":
                return TimeText.TryParseTimestamp(text.ToUpperInvariant(), out var time, colonOptional: true) ? CelValue.Timestamp(time) : CelValue.Error($"Invalid date-time formatted string {text}");
            case "byte":
                var buffer = new byte[text.Length];
                return Convert.TryFromBase64String(text, buffer, out var length) ? CelValue.Bytes(buffer[..length]) : CelValue.Error($"Invalid byte formatted string {text}");
            default:
                return CelValue.String(text);
        }
    }
}

/// <summary>An object with properties or a map: only what the schema names can be read.</summary>
internal sealed class SchemaMap(JsonData data, CelSchema schema) : CelMap
{
    private bool IsObject => schema.Properties is not null;

    public override int Count => data.Count;

    public override IEnumerable<CelValue> Keys => data.Names.Where(n => SchemaOf(n) is not null).Select(n => CelValue.String(IsObject ? CelIdentifiers.Escape(n) ?? n : n));

    private CelSchema? SchemaOf(string name)
    {
        if (schema.Properties is { } properties)
            return properties.GetValueOrDefault(name);
        return schema.EmbeddedResource ? null : schema.AdditionalProperties;
    }

    public override bool TryGet(in CelValue key, out CelValue value)
    {
        value = default;
        if (key.Kind != CelKind.String)
            return false;
        var name = key.AsString;
        if (IsObject && CelIdentifiers.Unescape(name) is var unescaped)
        {
            if (unescaped is null)
                return false;
            name = unescaped;
        }
        if (!data.TryGet(name, out var member) || (IsObject && member.IsNull) || SchemaOf(name) is not { } memberSchema)
            return false;
        value = SchemaValues.Create(member, memberSchema);
        return true;
    }

    public override bool EqualTo(CelMap other)
    {
        if (Count != other.Count)
            return false;
        WorkLimit.Spend(Count);
        foreach (var name in data.Names)
        {
            if (SchemaOf(name) is not null)
            {
                var key = CelValue.String(IsObject ? CelIdentifiers.Escape(name) ?? name : name);
                var found = TryGet(key, out var mine);
                if (found != other.TryGet(key, out var theirs) || (found && !ValueEquality.AreEqual(mine, theirs)))
                    return false;
            }
            else if (other is SchemaMap map && data.TryGet(name, out var unknown) && map.TryGetRaw(name, out var otherUnknown) && !JsonData.DeepEquals(unknown, otherUnknown))
            {
                return false;
            }
        }
        return true;
    }

    public bool TryGetRaw(string name, out JsonData value) => data.TryGet(name, out value);

    protected internal override JsonNode? ToJson() => data.ToNode();
}

/// <summary>A list that is one value.</summary>
internal class SchemaList(JsonData data, CelSchema items) : CelList
{
    public sealed override int Count { get; } = data.Count;

    public sealed override CelValue this[int index] => SchemaValues.Create(data[index], items);

    protected internal override JsonNode? ToJson() => data.ToNode();
}

/// <summary>A list whose order does not matter; + leaves out what is there already.</summary>
internal sealed class SetSchemaList(JsonData data, CelSchema items) : SchemaList(data, items)
{
    public override bool EqualTo(CelList other)
    {
        if (Count != other.Count)
            return false;
        for (var i = 0; i < other.Count; i++)
        {
            if (!Contains(other[i]))
                return false;
        }
        for (var i = 0; i < Count; i++)
        {
            if (!other.Contains(this[i]))
                return false;
        }
        return true;
    }

    public override CelValue Add(CelList other)
    {
        List<CelValue> items = [];
        for (var i = 0; i < Count; i++)
            items.Add(this[i]);
        for (var i = 0; i < other.Count; i++)
        {
            WorkLimit.Spend(items.Count + 1);
            var item = other[i];
            if (!items.Exists(known => ValueEquality.AreEqual(known, item)))
                items.Add(item);
        }
        return CelValue.List([.. items]);
    }
}

/// <summary>A list of objects told apart by some of their properties; + replaces those with the same.</summary>
internal sealed class KeyedSchemaList(JsonData data, CelSchema items, IReadOnlyList<string> keys) : SchemaList(data, items)
{
    private readonly CelValue[] _keys = [.. keys.Select(k => CelValue.String(CelIdentifiers.Escape(k) ?? k))];

    public override bool EqualTo(CelList other)
    {
        if (Count != other.Count)
            return false;
        var mine = Index(this);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < other.Count; i++)
        {
            WorkLimit.Spend(1);
            if (KeyOf(other[i]) is not { } key || !mine.TryGetValue(key, out var item) || !ValueEquality.AreEqual(item, other[i]))
                return false;
            seen.Add(key);
        }
        return seen.Count == mine.Count;
    }

    public override CelValue Add(CelList other)
    {
        List<CelValue> merged = [];
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var list in (CelList[])[this, other])
        {
            WorkLimit.Spend(list.Count);
            for (var i = 0; i < list.Count; i++)
            {
                var item = list[i];
                if (KeyOf(item) is not { } key)
                    return CelValue.Error("unexpected data format for element of array with x-kubernetes-list-type=map");
                if (places.TryGetValue(key, out var place))
                {
                    merged[place] = item;
                    continue;
                }
                places[key] = merged.Count;
                merged.Add(item);
            }
        }
        return CelValue.List([.. merged]);
    }

    private Dictionary<string, CelValue> Index(CelList list)
    {
        var index = new Dictionary<string, CelValue>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            if (KeyOf(list[i]) is { } key)
                index[key] = list[i];
        }
        return index;
    }

    /// <summary>The key properties of an element as text that no two different keys share.</summary>
    private string? KeyOf(in CelValue element)
    {
        if (element.Kind != CelKind.Map)
            return null;
        var map = element.AsMap;
        return string.Join('\0', _keys.Select(k => map.TryGet(k, out var value) ? $"{value.Kind}:{ValueText.Describe(value)}" : "none"));
    }
}

/// <summary>Data of no known type, kept as it is: it can be compared, and nothing else.</summary>
internal sealed class PreservedValue(JsonData data) : CelObject
{
    private static readonly CelType UnknownType = CelType.Opaque("unknown");

    public override CelType Type => UnknownType;

    private JsonData Data => data;

    public override bool EqualTo(CelObject other) => other is PreservedValue value && (JsonData.SamePlace(data, value.Data) || JsonData.DeepEquals(data, value.Data));

    protected internal override JsonNode? ToJson() => data.ToNode();
}
