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
    /// <summary>Any JSON value: apiextensions JSON and its JSONSchemaPropsOr... unions.</summary>
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

/// <summary>One JSON object type: a built-in API type, or one that a CRD brings at run time.</summary>
public sealed class TypeSchema
{
    /// <summary>As OpenAPI v2 names it: "io.k8s.api.core.v1.PodSpec".</summary>
    public required string Name { get; init; }

    /// <summary>In the order in which Go marshals them.</summary>
    public IReadOnlyList<FieldSchema> Fields { get; internal set; } = [];

    /// <summary>The type is replaced as a whole by server-side apply (+structType=atomic).</summary>
    public bool IsAtomic { get; init; }

    public FieldSchema? Find(string jsonName) => throw new NotImplementedException();
    public FieldSchema? Find(ReadOnlySpan<byte> utf8JsonName) => throw new NotImplementedException();

    public override string ToString() => Name;
}

public sealed class FieldSchema
{
    public required string Name { get; init; }
    public required ValueKind Kind { get; init; }
    public Cardinality Cardinality { get; init; }
    /// <summary>Set when <see cref="Kind"/> is Object.</summary>
    public TypeSchema? Type { get; internal set; }
    public int ProtoNumber { get; init; }
    /// <summary>Go's omitempty: the zero value is not written.</summary>
    public bool OmitEmpty { get; init; }
    /// <summary>A Go pointer: an explicit zero value is kept although <see cref="OmitEmpty"/>.</summary>
    public bool IsPointer { get; init; }
    public bool IsRequired { get; init; }
    /// <summary>"merge", "replace", "retainKeys" or "merge,retainKeys"; null: replaced.</summary>
    public string? PatchStrategy { get; init; }
    public string? PatchMergeKey { get; init; }
    public ListType ListType { get; init; }
    public IReadOnlyList<string> ListMapKeys { get; init; } = [];
    public bool IsAtomicMap { get; init; }
    /// <summary>The enumeration's values where the API documents one; null elsewhere.</summary>
    public IReadOnlyList<string>? Enum { get; init; }
}
