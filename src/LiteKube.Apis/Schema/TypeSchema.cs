using System.Text;

namespace LiteKube.Apis.Schema;

/// <summary>What a field holds; for lists and maps, what each element holds.</summary>
public enum ValueKind : byte
{
    String,
    Boolean,
    Int32,
    Int64,
    Double,
    /// <summary>base64 in JSON.</summary>
    Bytes,
    Time,
    MicroTime,
    Duration,
    Quantity,
    IntOrString,
    /// <summary>Any JSON object: RawExtension, FieldsV1.</summary>
    RawObject,
    /// <summary>Any JSON value: apiextensions JSON and its JSONSchemaPropsOr... unions (see <see cref="FieldSchema.Union"/>).</summary>
    AnyJson,
    /// <summary>A nested type: <see cref="FieldSchema.Type"/>.</summary>
    Object,
}

public enum Cardinality : byte
{
    One,
    List,
    Map,
}

/// <summary>How server-side apply and strategic merge treat a list or map (KEP-555; the x-kubernetes-list-type markers).</summary>
public enum ListType : byte
{
    Unspecified,
    Atomic,
    Set,
    Map,
}

/// <summary>The JSON forms, beside an object of <see cref="FieldSchema.Type"/>, that apiextensions' JSONSchemaPropsOr... types take.</summary>
public enum JsonUnion : byte
{
    None,
    /// <summary>An object or a list of such objects.</summary>
    ObjectOrArray,
    /// <summary>An object or true or false.</summary>
    ObjectOrBool,
    /// <summary>An object or a list of strings.</summary>
    ObjectOrStrings,
}

/// <summary>One JSON object type: a built-in API type, or one that a CRD brings at run time.</summary>
public sealed class TypeSchema
{
    private readonly Func<TypeSchema, IReadOnlyList<FieldSchema>>? _load;
    private volatile FieldTable? _table;

    public TypeSchema()
    {
    }

    internal TypeSchema(Func<TypeSchema, IReadOnlyList<FieldSchema>> load) => _load = load;

    /// <summary>As OpenAPI v2 names it: "io.k8s.api.core.v1.PodSpec".</summary>
    public required string Name { get; init; }

    /// <summary>In the order in which Go marshals them; fields of inlined types are among them. Built-in types are read when first asked for.</summary>
    public IReadOnlyList<FieldSchema> Fields
    {
        get => Table.Fields;
        internal set => _table = new FieldTable(value);
    }

    /// <summary>The type is replaced as a whole by server-side apply (+structType=atomic).</summary>
    public bool IsAtomic { get; init; }

    /// <summary>The type has kind and apiVersion.</summary>
    public bool IsRoot { get; init; }

    /// <summary>What a CRD says of the type; null for built-in types. Objects of it are decoded, pruned and defaulted by it, and keep their fields in the order of their names.</summary>
    public Structural.StructuralSchema? Structural { get; init; }

    /// <summary>"PodSpec".</summary>
    public string ShortName => field ??= Name[(Name.LastIndexOf('.') + 1)..];

    /// <summary>As Go's errors name it: "v1.PodSpec".</summary>
    public string GoName => field ??= Name[(Name.LastIndexOf('.', Name.LastIndexOf('.') - 1) + 1)..];

    public FieldSchema? Find(string jsonName)
    {
        Span<byte> utf8 = stackalloc byte[256];
        return Encoding.UTF8.TryGetBytes(jsonName, utf8, out var written) ? Find(utf8[..written]) : null;
    }

    public FieldSchema? Find(ReadOnlySpan<byte> utf8JsonName)
    {
        var table = Table;
        var index = table.IndexOf(utf8JsonName, 0);
        return index < 0 ? null : table.Fields[index];
    }

    internal FieldTable Table
    {
        get
        {
            if (_table is { } table)
                return table;
            lock (this)
                return _table ??= new FieldTable(_load?.Invoke(this) ?? []);
        }
    }

    /// <summary>How objects of the type are written in protobuf.</summary>
    internal Codec.ProtobufPlan Protobuf => field ??= new(this);

    public override string ToString() => Name;
}

public sealed class FieldSchema
{
    public required string Name { get; init; }
    public required ValueKind Kind { get; init; }
    public Cardinality Cardinality { get; init; }
    /// <summary>Set when <see cref="Kind"/> is Object, and for unions.</summary>
    public TypeSchema? Type { get; internal set; }
    public JsonUnion Union { get; init; }
    public int ProtoNumber { get; init; }

    /// <summary>The numbers of the messages around this field in protobuf, outermost first: JSON has a Volume's emptyDir beside its name, protobuf in message 2. Empty for most.</summary>
    public IReadOnlyList<int> ProtoPath { get; init; } = [];

    /// <summary>Go's omitempty: the zero value is not written. It never applies to a struct that is no pointer.</summary>
    public bool OmitEmpty { get; init; }

    /// <summary>Go's omitzero: as <see cref="OmitEmpty"/>, for structs as well.</summary>
    public bool OmitZero { get; init; }

    /// <summary>A Go pointer: an explicit zero value is kept although <see cref="OmitEmpty"/>.</summary>
    public bool IsPointer { get; init; }

    /// <summary>The list or map holds pointers: null elements stay null.</summary>
    public bool HasPointerElements { get; init; }

    /// <summary>A map whose values are lists of strings (user info's extra).</summary>
    public bool IsMapOfLists { get; init; }

    public bool IsRequired { get; init; }
    /// <summary>"merge", "replace", "retainKeys" or "merge,retainKeys"; null: replaced.</summary>
    public string? PatchStrategy { get; init; }
    public string? PatchMergeKey { get; init; }
    public ListType ListType { get; init; }
    public IReadOnlyList<string> ListMapKeys { get; init; } = [];
    public bool IsAtomicMap { get; init; }
    /// <summary>The enumeration's values where the API documents one; null elsewhere.</summary>
    public IReadOnlyList<string>? Enum { get; init; }

    /// <summary>The +default marker's value as JSON text; null: none.</summary>
    public string? Default { get; init; }

    /// <summary>The field's type as Go's errors name it, without pointer: "int32", "[]v1.Container", "v1.PullPolicy".</summary>
    public string GoType
    {
        get => field ??= GoNames.Of(this);
        init;
    }

    public override string ToString() => Name;
}
