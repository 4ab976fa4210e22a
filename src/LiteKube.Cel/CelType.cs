using System.Collections.Immutable;

namespace LiteKube.Cel;

/// <summary>The kinds of types that the checker tells apart.</summary>
public enum CelTypeKind : byte
{
    Error,
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List,
    Map,
    Type,
    TypeParam,
    Struct,
    Opaque,
}

/// <summary>A type of the language. Types are values of the language too, hence comparable.</summary>
public sealed class CelType : IEquatable<CelType>
{
    public static readonly CelType Error = new(CelTypeKind.Error, "!error!");
    public static readonly CelType Dyn = new(CelTypeKind.Dyn, "dyn");
    public static readonly CelType Null = new(CelTypeKind.Null, "null_type");
    public static readonly CelType Bool = new(CelTypeKind.Bool, "bool");
    public static readonly CelType Int = new(CelTypeKind.Int, "int");
    public static readonly CelType Uint = new(CelTypeKind.Uint, "uint");
    public static readonly CelType Double = new(CelTypeKind.Double, "double");
    public static readonly CelType String = new(CelTypeKind.String, "string");
    public static readonly CelType Bytes = new(CelTypeKind.Bytes, "bytes");
    public static readonly CelType Duration = new(CelTypeKind.Duration, "google.protobuf.Duration");
    public static readonly CelType Timestamp = new(CelTypeKind.Timestamp, "google.protobuf.Timestamp");
    public static readonly CelType TypeType = new(CelTypeKind.Type, "type");
    public static readonly CelType DynList = List(Dyn);
    public static readonly CelType DynMap = Map(Dyn, Dyn);

    /// <summary>The name under which optional values are known.</summary>
    public const string OptionalName = "optional_type";

    private CelType(CelTypeKind kind, string name, params ImmutableArray<CelType> parameters) => (Kind, Name, Parameters) = (kind, name, parameters);

    public CelTypeKind Kind { get; }

    public string Name { get; }

    public ImmutableArray<CelType> Parameters { get; }

    public bool IsOptional => Kind == CelTypeKind.Opaque && Name == OptionalName;

    internal bool IsDynOrError => Kind is CelTypeKind.Dyn or CelTypeKind.Error;

    public static CelType List(CelType element) => new(CelTypeKind.List, "list", element);

    public static CelType Map(CelType key, CelType value) => new(CelTypeKind.Map, "map", key, value);

    public static CelType Optional(CelType value) => new(CelTypeKind.Opaque, OptionalName, value);

    /// <summary>A type with fields, which a type provider knows by this name.</summary>
    public static CelType Struct(string name) => new(CelTypeKind.Struct, name);

    /// <summary>A type without fields, used only through functions.</summary>
    public static CelType Opaque(string name, params ImmutableArray<CelType> parameters) => new(CelTypeKind.Opaque, name, parameters);

    public static CelType TypeOf(CelType type) => new(CelTypeKind.Type, "type", type);

    public static CelType Param(string name) => new(CelTypeKind.TypeParam, name);

    internal CelType WithParameters(ImmutableArray<CelType> parameters) => new(Kind, Name, parameters);

    public bool Equals(CelType? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || Kind != other.Kind || Parameters.Length != other.Parameters.Length || !string.Equals(Name, other.Name, StringComparison.Ordinal))
            return false;
        for (var i = 0; i < Parameters.Length; i++)
        {
            if (!Parameters[i].Equals(other.Parameters[i]))
                return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as CelType);

    public override int GetHashCode() => HashCode.Combine(Kind, Name, Parameters.Length);

    /// <summary>The type as error messages show it, e.g. <c>map(string, list(int))</c>.</summary>
    public override string ToString() => Kind switch
    {
        CelTypeKind.Duration => "duration",
        CelTypeKind.Timestamp => "timestamp",
        CelTypeKind.Null => "null",
        _ when Parameters.Length == 0 => Name,
        _ => $"{Name}({string.Join(", ", Parameters)})",
    };
}
