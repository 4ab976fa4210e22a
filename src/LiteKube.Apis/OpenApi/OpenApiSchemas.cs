using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>JSON schemas of API types, in the dialect shared by OpenAPI v2 and v3 and with Kubernetes' x-kubernetes- extensions.</summary>
/// <param name="referencePrefix">"#/definitions/" (v2) or "#/components/schemas/" (v3).</param>
internal sealed class OpenApiSchemas(string referencePrefix)
{
    private readonly SortedDictionary<string, (TypeSchema Type, List<GroupVersionKind> Kinds)> _types = new(StringComparer.Ordinal);

    private readonly SortedDictionary<string, JsonObject> _custom = new(StringComparer.Ordinal);
    private readonly Descriptions _descriptions = Descriptions.Load();
    private readonly bool _isV3 = referencePrefix != "#/definitions/";

    /// <summary>Adds a kind and what it reaches; of one that a CRD brings, its list as well.</summary>
    public void Add(ResourceInfo resource)
    {
        if (resource.Schema.Structural is null)
        {
            Add(resource.Schema, resource.GroupVersionKind);
            if (ListOf(resource) is { } list)
                Add(list, resource.GroupVersionKind with { Kind = resource.ListKind });
            return;
        }
        Add(SchemaTable.BuiltIn.Find(CustomSchemas.ObjectMeta)!);
        Add(SchemaTable.BuiltIn.Find(CustomSchemas.ListMeta)!);
        var schemas = new CustomSchemas(referencePrefix);
        _custom[resource.Schema.Name] = schemas.Resource(resource);
        _custom[CustomSchemas.ListName(resource)] = schemas.List(resource);
    }

    /// <summary>Adds the kind's type and every type that it reaches.</summary>
    public void Add(TypeSchema type, GroupVersionKind? kind = null)
    {
        if (!_types.TryGetValue(type.Name, out var entry))
        {
            entry = (type, []);
            _types[type.Name] = entry;
            foreach (var field in type.Fields)
            {
                if (SimpleTypes.NameOf(field) is { } simple)
                    _custom.TryAdd(simple, SimpleTypes.Schema(field, _isV3));
                if (field.Type is { } nested)
                    Add(nested);
            }
        }
        if (kind is { } named && !entry.Kinds.Contains(named))
            entry.Kinds.Add(named);
    }

    /// <summary>The type of lists of a built-in kind; null where nothing lists it.</summary>
    public static TypeSchema? ListOf(ResourceInfo resource) => resource.Supports("list") ? SchemaTable.BuiltIn.Find(resource.GroupVersionKind.ApiVersion, resource.ListKind) : null;

    /// <summary>A reference to a type that is defined.</summary>
    public JsonObject Reference(TypeSchema type) => ReferenceTo(type.Name);

    public JsonObject ReferenceTo(string name) => new() { ["$ref"] = referencePrefix + name };

    public JsonObject Build()
    {
        var schemas = new JsonObject();
        foreach (var (name, (type, kinds)) in _types)
            schemas[name] = Build(type, kinds);
        foreach (var (name, schema) in _custom)
            schemas[name] = schema;
        return schemas;
    }

    public static JsonObject KindExtension(GroupVersionKind kind) => new() { ["group"] = kind.Group, ["version"] = kind.Version, ["kind"] = kind.Kind };

    private JsonObject Build(TypeSchema type, List<GroupVersionKind> kinds)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var field in type.Fields)
        {
            properties[field.Name] = Build(type, field);
            if (field.IsRequired)
                required.Add((JsonNode?)field.Name);
        }
        var schema = new JsonObject();
        if (_descriptions.Of(type) is { } description)
            schema["description"] = description;
        schema["type"] = "object";
        if (required.Count > 0)
            schema["required"] = required;
        if (properties.Count > 0)
            schema["properties"] = properties;
        if (kinds.Count > 0)
            schema["x-kubernetes-group-version-kind"] = new JsonArray([.. kinds.Select(k => (JsonNode)KindExtension(k))]);
        if (type.IsAtomic)
            schema["x-kubernetes-map-type"] = "atomic";
        return schema;
    }

    private JsonObject Build(TypeSchema type, FieldSchema field)
    {
        var schema = field.Cardinality switch
        {
            Cardinality.List => new JsonObject { ["type"] = "array", ["items"] = Element(field) },
            Cardinality.Map when field.IsMapOfLists => new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "array", ["items"] = Element(field) } },
            Cardinality.Map => new JsonObject { ["type"] = "object", ["additionalProperties"] = Element(field) },
            _ => Value(field),
        };
        if (_isV3 && field.Cardinality == Cardinality.One && DefaultOf(field) is { } value)
            schema = With(schema, "default", value);
        if (_descriptions.Of(type, field) is { } description)
            schema = With(schema, "description", description);
        if (field.PatchMergeKey is { } mergeKey)
            schema["x-kubernetes-patch-merge-key"] = mergeKey;
        if (field.PatchStrategy is { } strategy)
            schema["x-kubernetes-patch-strategy"] = strategy;
        if (field.ListType != ListType.Unspecified)
            schema["x-kubernetes-list-type"] = field.ListType.ToString().ToLowerInvariant();
        if (field.ListMapKeys.Count > 0)
            schema["x-kubernetes-list-map-keys"] = new JsonArray([.. field.ListMapKeys.Select(k => (JsonNode?)k)]);
        if (field.IsAtomicMap)
            schema["x-kubernetes-map-type"] = "atomic";
        return schema;
    }

    private JsonObject Element(FieldSchema field)
    {
        var schema = Value(field);
        return _isV3 && !field.HasPointerElements && ZeroOf(field) is { } zero ? With(schema, "default", zero) : schema;
    }

    /// <summary>What an absent field means: what the type's marker says, else the zero value where Go writes it always.</summary>
    private static JsonNode? DefaultOf(FieldSchema field)
    {
        if (field.Default is { } text)
            return JsonNode.Parse(text);
        return field.IsPointer || (field.OmitEmpty && field.Kind != ValueKind.Object) ? null : ZeroOf(field);
    }

    private static JsonNode? ZeroOf(FieldSchema field) => field.Kind switch
    {
        ValueKind.Object => new JsonObject(),
        ValueKind.String => "",
        ValueKind.Boolean => false,
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Double => 0,
        _ => null,
    };

    /// <summary>A reference takes no siblings in OpenAPI v3.0: Kubernetes wraps it there.</summary>
    private JsonObject With(JsonObject schema, string name, JsonNode? value)
    {
        if (_isV3 && schema.ContainsKey("$ref"))
            schema = new JsonObject { ["allOf"] = new JsonArray(schema) };
        schema[name] = value;
        return schema;
    }

    private JsonObject Value(FieldSchema field)
    {
        if (SimpleTypes.NameOf(field) is { } simple)
            return ReferenceTo(simple);
        return field.Kind switch
        {
            ValueKind.Boolean => Plain("boolean"),
            ValueKind.Int32 => Plain("integer", "int32"),
            ValueKind.Int64 => Plain("integer", "int64"),
            ValueKind.Double => Plain("number", "double"),
            ValueKind.Bytes => Plain("string", "byte"),
            ValueKind.Object => Reference(field.Type!),
            _ when field.Enum is { } choices => new JsonObject { ["type"] = "string", ["enum"] = new JsonArray([.. choices.Select(c => (JsonNode?)c)]) },
            _ => Plain("string"),
        };
    }

    private static JsonObject Plain(string type, string? format = null)
    {
        var schema = new JsonObject { ["type"] = type };
        if (format is not null)
            schema["format"] = format;
        return schema;
    }
}
