namespace LiteKube.Apis.Schema.Structural;

/// <summary>A structural schema as rows of the table that all types have: names, kinds, list types and keys, read when first asked for.</summary>
public static class StructuralTypes
{
    private static readonly TypeSchema ObjectMeta = SchemaTable.BuiltIn.Find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")!;

    /// <param name="name">As OpenAPI names it: "com.example.v1.Foo".</param>
    public static TypeSchema Resource(string name, StructuralSchema schema) => new(self => Rows(self, schema, isResource: true))
    {
        Name = name,
        IsRoot = true,
        Structural = schema,
    };

    private static TypeSchema Nested(string name, StructuralSchema schema) => new(self => Rows(self, schema, schema.EmbeddedResource))
    {
        Name = name,
        IsAtomic = schema.MapType == "atomic",
        IsRoot = schema.EmbeddedResource,
        Structural = schema,
    };

    private static List<FieldSchema> Rows(TypeSchema owner, StructuralSchema schema, bool isResource)
    {
        var rows = new List<FieldSchema>();
        if (isResource)
        {
            rows.Add(new FieldSchema { Name = "apiVersion", Kind = ValueKind.String });
            rows.Add(new FieldSchema { Name = "kind", Kind = ValueKind.String });
            rows.Add(new FieldSchema { Name = "metadata", Kind = ValueKind.Object, Type = ObjectMeta });
        }

        foreach (var (name, property) in schema.Properties)
        {
            if (!isResource || name is not ("apiVersion" or "kind" or "metadata"))
                rows.Add(Row(owner, name, property, schema.Required.Contains(name)));
        }

        return rows;
    }

    private static FieldSchema Row(TypeSchema owner, string name, StructuralSchema schema, bool isRequired)
    {
        var (cardinality, element) = schema switch
        {
            { Type: "array", Items: { } items, PreserveUnknownFields: false } => (Cardinality.List, items),
            { Type: "object", AdditionalProperties: { } values, Properties.Count: 0, PreserveUnknownFields: false } => (Cardinality.Map, values),
            _ => (Cardinality.One, schema),
        };
        var kind = KindOf(element);
        return new FieldSchema
        {
            Name = name,
            Kind = kind,
            Cardinality = cardinality,
            Type = kind == ValueKind.Object ? Nested($"{owner.Name}.{name}", element) : null,
            IsPointer = true,
            OmitEmpty = true,
            IsRequired = isRequired,
            ListType = schema.ListType switch { "set" => ListType.Set, "map" => ListType.Map, "atomic" => ListType.Atomic, _ => ListType.Unspecified },
            ListMapKeys = schema.ListMapKeys,
            IsAtomicMap = schema.MapType == "atomic",
            Default = schema.Default?.ToJsonString(),
        };
    }

    private static ValueKind KindOf(StructuralSchema schema) => schema.Type switch
    {
        _ when schema.IntOrString => ValueKind.IntOrString,
        "string" => ValueKind.String,
        "boolean" => ValueKind.Boolean,
        "integer" => ValueKind.Int64,
        "number" => ValueKind.Double,
        "object" when schema.Properties.Count > 0 || schema.EmbeddedResource => ValueKind.Object,
        _ => ValueKind.AnyJson,
    };
}
