using System.Diagnostics;

namespace LiteKube.Cel;

/// <summary>
/// A value of the language: scalars are held in place, so that comparing two numbers of a JSON document allocates nothing.
/// </summary>
[DebuggerDisplay("{DebugText}")]
public readonly struct CelValue
{
    private readonly object? _reference;
    private readonly long _bits;
    private readonly int _nanos;

    private CelValue(CelKind kind, object? reference, long bits = 0, int nanos = 0)
    {
        Kind = kind;
        _reference = reference;
        _bits = bits;
        _nanos = nanos;
    }

    public static readonly CelValue Null = new(CelKind.Null, null);
    public static readonly CelValue True = new(CelKind.Bool, null, 1);
    public static readonly CelValue False = new(CelKind.Bool, null);
    public static readonly CelValue OptionalNone = new(CelKind.Optional, null);

    public CelKind Kind { get; }

    public bool IsError => Kind == CelKind.Error;

    internal bool IsTrue => Kind == CelKind.Bool && _bits != 0;

    public bool AsBool => Check(CelKind.Bool)._bits != 0;

    public long AsInt => Check(CelKind.Int)._bits;

    public ulong AsUint => unchecked((ulong)Check(CelKind.Uint)._bits);

    public double AsDouble => BitConverter.Int64BitsToDouble(Check(CelKind.Double)._bits);

    public string AsString => (string)Check(CelKind.String)._reference!;

    public ReadOnlyMemory<byte> AsBytes => (byte[])Check(CelKind.Bytes)._reference!;

    /// <summary>Nanoseconds.</summary>
    public long AsDurationNanos => Check(CelKind.Duration)._bits;

    public CelTimestamp AsTimestamp => new(Check(CelKind.Timestamp)._bits, _nanos);

    public CelList AsList => (CelList)Check(CelKind.List)._reference!;

    public CelMap AsMap => (CelMap)Check(CelKind.Map)._reference!;

    public CelObject AsObject => (CelObject)Check(CelKind.Object)._reference!;

    public CelType AsType => (CelType)Check(CelKind.Type)._reference!;

    public CelError AsError => (CelError)Check(CelKind.Error)._reference!;

    /// <summary>Whether an optional holds a value.</summary>
    public bool HasValue => Check(CelKind.Optional)._reference is not null;

    /// <summary>The value that an optional holds; <see cref="HasValue"/> must be true.</summary>
    public CelValue OptionalValue => ((Box)Check(CelKind.Optional)._reference!).Value;

    internal object? Reference => _reference;

    /// <summary>The type of the value at run time, without type parameters.</summary>
    public CelType Type => Kind switch
    {
        CelKind.Null => CelType.Null,
        CelKind.Bool => CelType.Bool,
        CelKind.Int => CelType.Int,
        CelKind.Uint => CelType.Uint,
        CelKind.Double => CelType.Double,
        CelKind.String => CelType.String,
        CelKind.Bytes => CelType.Bytes,
        CelKind.Duration => CelType.Duration,
        CelKind.Timestamp => CelType.Timestamp,
        CelKind.List => TypeNames.List,
        CelKind.Map => TypeNames.Map,
        CelKind.Type => CelType.TypeType,
        CelKind.Optional => TypeNames.Optional,
        CelKind.Object => AsObject.Type,
        _ => CelType.Error,
    };

    public static CelValue Bool(bool value) => value ? True : False;

    public static CelValue Int(long value) => new(CelKind.Int, null, value);

    public static CelValue Uint(ulong value) => new(CelKind.Uint, null, unchecked((long)value));

    public static CelValue Double(double value) => new(CelKind.Double, null, BitConverter.DoubleToInt64Bits(value));

    public static CelValue String(string value) => new(CelKind.String, value);

    public static CelValue Bytes(byte[] value) => new(CelKind.Bytes, value);

    public static CelValue Duration(long nanoseconds) => new(CelKind.Duration, null, nanoseconds);

    public static CelValue Timestamp(CelTimestamp value) => new(CelKind.Timestamp, null, value.Seconds, value.Nanos);

    public static CelValue List(CelList value) => new(CelKind.List, value);

    public static CelValue List(params CelValue[] values) => new(CelKind.List, new ArrayCelList(values));

    public static CelValue Map(CelMap value) => new(CelKind.Map, value);

    public static CelValue Object(CelObject value) => new(CelKind.Object, value);

    public static CelValue FromType(CelType type) => new(CelKind.Type, type);

    public static CelValue OptionalOf(in CelValue value) => new(CelKind.Optional, new Box(value));

    public static CelValue Error(string message) => new(CelKind.Error, new CelError(message));

    public static CelValue Error(CelError error) => new(CelKind.Error, error);

    private CelValue Check(CelKind kind)
    {
        if (Kind != kind)
            throw new InvalidOperationException($"A CEL value of kind {Kind} was read as {kind}.");
        return this;
    }

    private string DebugText => Kind == CelKind.Error ? "error: " + AsError.Message : ValueText.Describe(this);

    public override string ToString() => DebugText;

    private sealed class Box(CelValue value)
    {
        public CelValue Value { get; } = value;
    }

    private static class TypeNames
    {
        public static readonly CelType List = CelType.List(CelType.Dyn);
        public static readonly CelType Map = CelType.Map(CelType.Dyn, CelType.Dyn);
        public static readonly CelType Optional = CelType.Optional(CelType.Dyn);
    }
}
