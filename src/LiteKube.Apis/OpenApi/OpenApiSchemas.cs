using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>JSON schemas of API types, in the dialect shared by OpenAPI v2 and v3 and with Kubernetes' x-kubernetes- extensions.</summary>
/// <param name="referencePrefix">"#/definitions/" (v2) or "#/components/schemas/" (v3).</param>
internal sealed class OpenApiSchemas(string referencePrefix)
{
    private readonly SortedDictionary<string, (TypeSchema Type, List<GroupVersionKind> Kinds)> _types = new(StringComparer.Ordinal);

    private readonly SortedDictionary<string, JsonObject> _custom = new(StringComparer.Ordinal);

    /// <summary>Adds a kind and what it reaches; of one that a CRD brings, its list as well.</summary>
    public void Add(ResourceInfo resource)
    {
        if (resource.Schema.Structural is null)
        {
            Add(resource.Schema, resource.GroupVersionKind);
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
                if (field.Type is { } nested)
                    Add(nested);
            }
        }
        if (kind is { } named && !entry.Kinds.Contains(named))
            entry.Kinds.Add(named);
    }

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
            properties[field.Name] = Build(field);
            if (field.IsRequired)
                required.Add((JsonNode?)field.Name);
        }
        var schema = new JsonObject { ["type"] = "object" };
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

    private JsonObject Build(FieldSchema field)
    {
        var schema = field.Cardinality switch
        {
            Cardinality.List => new JsonObject { ["type"] = "array", ["items"] = Value(field) },
            Cardinality.Map when field.IsMapOfLists => new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "array", ["items"] = Value(field) } },
            Cardinality.Map => new JsonObject { ["type"] = "object", ["additionalProperties"] = Value(field) },
            _ => Value(field),
        };
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

    private JsonObject Value(FieldSchema field) => field.Kind switch
    {
        ValueKind.Boolean => Plain("boolean"),
        ValueKind.Int32 => Plain("integer", "int32"),
        ValueKind.Int64 => Plain("integer", "int64"),
        ValueKind.Double => Plain("number", "double"),
        ValueKind.Bytes => Plain("string", "byte"),
        ValueKind.Time or ValueKind.MicroTime => Plain("string", "date-time"),
        ValueKind.IntOrString => Plain("string", "int-or-string"),
        ValueKind.RawObject => Plain("object"),
        // Any value at all: a schema that says nothing.
        ValueKind.AnyJson => [],
        // Kubernetes' own documents wrap references to add siblings; a bare one is what its parsers follow in v2 and v3 alike.
        ValueKind.Object when field.Type is { } type => new JsonObject { ["$ref"] = referencePrefix + type.Name },
        _ => Plain("string"),
    };

    private static JsonObject Plain(string type, string? format = null)
    {
        var schema = new JsonObject { ["type"] = type };
        if (format is not null)
            schema["format"] = format;
        return schema;
    }
}
