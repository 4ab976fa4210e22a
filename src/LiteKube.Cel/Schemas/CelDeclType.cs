namespace LiteKube.Cel;

/// <summary>The type that a schema declares, with bounds on its size. Data without a known type has none.</summary>
public sealed class CelDeclType
{
    private const long MaxRequestSizeBytes = 3 * 1024 * 1024;

    // The sizes that values have at least when they are serialized, from which the number that fits a request follows.
    private const int MinStringSize = 2;
    private const int MinBoolSize = 4;
    private const int MinNumberSize = 1;
    private const int MinDurationSize = 3;
    private const int DateSize = 12;
    private const int MinDateTimeSize = 21;
    private const int MaxTimeSize = 32;

    private CelDeclType(CelType type, long maxElements, long minSerializedSize) => (Type, MaxElements, MinSerializedSize) = (type, maxElements, minSerializedSize);

    public CelType Type { get; }

    /// <summary>The most characters, bytes, elements or entries that a value can have.</summary>
    public long MaxElements { get; }

    public long MinSerializedSize { get; }

    /// <summary>The fields of an object, by their escaped names.</summary>
    public IReadOnlyDictionary<string, CelDeclType>? Fields { get; private init; }

    public CelDeclType? Key { get; private init; }

    public CelDeclType? Element { get; private init; }

    private static readonly CelDeclType StringKey = new(CelType.String, 0, MinStringSize);

    /// <summary>The type of a schema; objects in it are named after the path to them, beginning with a name of the caller's.</summary>
    public static CelDeclType? FromSchema(CelSchema schema, string typeName, bool isResourceRoot)
    {
        if (schema.IntOrString)
            return new(CelType.Dyn, schema.MaxLength is { } max ? BytesOf(max) : MaxRequestSizeBytes - 2, 1);
        if (isResourceRoot)
            schema = schema.WithTypeAndObjectMeta();
        return schema.Type switch
        {
            "array" => List(schema, typeName),
            "object" when schema.AdditionalProperties is not null => Map(schema, schema.AdditionalProperties, typeName),
            "object" => Object(schema, typeName),
            "string" => Text(schema),
            "boolean" => new(CelType.Bool, 0, MinBoolSize),
            "number" => new(CelType.Double, 0, MinNumberSize),
            "integer" => new(CelType.Int, 0, MinNumberSize),
            _ => null,
        };
    }

    private static long Positive(long value) => Math.Max(0, value);

    /// <summary>A character has up to four bytes.</summary>
    private static long BytesOf(long characters) => Positive(characters) * 4;

    private static CelDeclType? List(CelSchema schema, string typeName)
    {
        if (schema.Items is null || FromSchema(schema.Items, typeName + ".@idx", schema.Items.EmbeddedResource) is not { } element)
            return null;
        var max = schema.MaxItems is { } items ? Positive(items) : (MaxRequestSizeBytes - 2) / (element.MinSerializedSize + 1);
        return new(CelType.List(element.Type), max, 2) { Element = element };
    }

    private static CelDeclType? Map(CelSchema schema, CelSchema values, string typeName)
    {
        if (FromSchema(values, typeName + ".@elem", values.EmbeddedResource) is not { } element)
            return null;
        // A key of no characters, its quotes, a colon and a comma come on top of the value.
        var max = schema.MaxProperties is { } properties ? Positive(properties) : (MaxRequestSizeBytes - 2) / (element.MinSerializedSize + 6);
        return new(CelType.Map(CelType.String, element.Type), max, 2) { Key = StringKey, Element = element };
    }

    private static CelDeclType Object(CelSchema schema, string typeName)
    {
        var fields = new Dictionary<string, CelDeclType>(StringComparer.Ordinal);
        long minSize = 2;
        foreach (var (name, property) in schema.Properties ?? new Dictionary<string, CelSchema>())
        {
            var escaped = CelIdentifiers.Escape(name);
            if (FromSchema(property, $"{typeName}.{escaped ?? name}", property.EmbeddedResource) is not { } type)
                continue;
            if (escaped is not null)
                fields[escaped] = type;
            // Quotes, a colon and a comma.
            if (schema.Required.Contains(name) && !property.HasDefault)
                minSize += name.Length + type.MinSerializedSize + 4;
        }
        return new(CelType.Struct(typeName), 0, minSize) { Fields = fields };
    }

    private static CelDeclType Text(CelSchema schema) => schema.Format switch
    {
        "byte" => new(CelType.Bytes, schema.MaxLength is { } max ? Positive(max) : MaxRequestSizeBytes - 2, MinStringSize),
        "duration" => new(CelType.Duration, MaxTimeSize, MinDurationSize),
        "date" => new(CelType.Timestamp, DateSize, DateSize),
        "date-time" => new(CelType.Timestamp, MaxTimeSize, MinDateTimeSize),
        _ => new(CelType.String, MaxTextLength(schema), MinStringSize),
    };

    private static long MaxTextLength(CelSchema schema)
    {
        if (schema.MaxLength is { } max)
            return BytesOf(max);
        return schema.Enum is { Count: > 0 } values ? values.Max(v => (long)System.Text.Encoding.UTF8.GetByteCount(v)) : MaxRequestSizeBytes - 2;
    }
}

/// <summary>Declares the objects of schemas to the checker, and their sizes to the estimate.</summary>
public sealed class CelSchemaTypes : ICelTypeProvider, ICelSizeEstimator
{
    private readonly CelDeclType _root;
    private readonly Dictionary<string, CelDeclType> _types = new(StringComparer.Ordinal);

    /// <param name="root">The type whose paths the size estimate follows, whatever variable they begin with.</param>
    /// <param name="others">Further types that expressions may use.</param>
    public CelSchemaTypes(CelDeclType root, params CelDeclType[] others)
    {
        _root = root;
        Register(root);
        foreach (var other in others)
            Register(other);
    }

    private void Register(CelDeclType type)
    {
        if (type.Fields is { } fields)
        {
            _types[type.Type.Name] = type;
            foreach (var field in fields.Values)
                Register(field);
        }
        if (type.Element is { } element)
            Register(element);
    }

    public CelType? FindType(string name) => _types.GetValueOrDefault(name)?.Type;

    public CelType? FindField(string typeName, string field) => _types.GetValueOrDefault(typeName)?.Fields?.GetValueOrDefault(field)?.Type;

    public CelSizeEstimate? EstimateSize(IReadOnlyList<string> path, CelType type)
    {
        if (path.Count == 0)
            return null;
        var current = _root;
        for (var i = 1; i < path.Count; i++)
        {
            var next = path[i] switch
            {
                "@items" or "@values" => current.Element,
                "@keys" => current.Key,
                var field => current.Fields?.GetValueOrDefault(field),
            };
            if (next is null)
                return null;
            current = next;
        }
        return new(0, (ulong)current.MaxElements);
    }
}
