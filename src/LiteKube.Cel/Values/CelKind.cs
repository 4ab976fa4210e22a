namespace LiteKube.Cel;

/// <summary>What a value is at run time.</summary>
public enum CelKind : byte
{
    /// <summary>No value at all: the default of <see cref="CelValue"/>, never seen by an expression.</summary>
    None,
    Error,
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
    Optional,
    Object,
}
