namespace LiteKube.Cel;

/// <summary>Equality and order across types, as the language defines them.</summary>
internal static class ValueEquality
{
    public static bool AreEqual(in CelValue a, in CelValue b)
    {
        if (a.Kind != b.Kind)
            return IsNumber(a.Kind) && IsNumber(b.Kind) && NumbersEqual(a, b);
        return a.Kind switch
        {
            CelKind.Null => true,
            CelKind.Bool => a.AsBool == b.AsBool,
            CelKind.Int => a.AsInt == b.AsInt,
            CelKind.Uint => a.AsUint == b.AsUint,
            CelKind.Double => a.AsDouble == b.AsDouble,
            CelKind.String => string.Equals(a.AsString, b.AsString, StringComparison.Ordinal),
            CelKind.Bytes => a.AsBytes.Span.SequenceEqual(b.AsBytes.Span),
            CelKind.Duration => a.AsDurationNanos == b.AsDurationNanos,
            CelKind.Timestamp => a.AsTimestamp == b.AsTimestamp,
            CelKind.List => a.AsList.EqualTo(b.AsList),
            CelKind.Map => a.AsMap.EqualTo(b.AsMap),
            CelKind.Type => TypesEqual(a.AsType, b.AsType),
            CelKind.Optional => a.HasValue == b.HasValue && (!a.HasValue || AreEqual(a.OptionalValue, b.OptionalValue)),
            CelKind.Object => a.AsObject.EqualTo(b.AsObject),
            _ => false,
        };
    }

    /// <summary>Types compare by name at run time: type([1]) is list whatever it holds.</summary>
    public static bool TypesEqual(CelType a, CelType b) => string.Equals(a.Name, b.Name, StringComparison.Ordinal);

    public static bool IsNumber(CelKind kind) => kind is CelKind.Int or CelKind.Uint or CelKind.Double;

    private static bool NumbersEqual(in CelValue a, in CelValue b) => CompareNumbers(a, b) == 0;

    /// <summary>-1, 0 or 1; null for NaN.</summary>
    public static int? CompareNumbers(in CelValue a, in CelValue b) => (a.Kind, b.Kind) switch
    {
        (CelKind.Int, CelKind.Int) => a.AsInt.CompareTo(b.AsInt),
        (CelKind.Uint, CelKind.Uint) => a.AsUint.CompareTo(b.AsUint),
        (CelKind.Double, CelKind.Double) => CompareDoubles(a.AsDouble, b.AsDouble),
        (CelKind.Int, CelKind.Uint) => CompareIntUint(a.AsInt, b.AsUint),
        (CelKind.Uint, CelKind.Int) => -CompareIntUint(b.AsInt, a.AsUint),
        (CelKind.Int, CelKind.Double) => CompareIntDouble(a.AsInt, b.AsDouble),
        (CelKind.Double, CelKind.Int) => -CompareIntDouble(b.AsInt, a.AsDouble),
        (CelKind.Uint, CelKind.Double) => CompareUintDouble(a.AsUint, b.AsDouble),
        (CelKind.Double, CelKind.Uint) => -CompareUintDouble(b.AsUint, a.AsDouble),
        _ => throw new InvalidOperationException("not numbers"),
    };

    /// <summary>The order of two values, or an error value when they have none.</summary>
    public static CelValue Compare(in CelValue a, in CelValue b)
    {
        if (IsNumber(a.Kind) && IsNumber(b.Kind))
            return CompareNumbers(a, b) is { } order ? CelValue.Int(order) : CelError.NotANumberOrder;
        if (a.Kind != b.Kind)
            return CelError.NoSuchOverload;
        return a.Kind switch
        {
            CelKind.Bool => CelValue.Int(a.AsBool.CompareTo(b.AsBool)),
            CelKind.String => CelValue.Int(CompareStrings(a.AsString, b.AsString)),
            CelKind.Bytes => CelValue.Int(Math.Sign(a.AsBytes.Span.SequenceCompareTo(b.AsBytes.Span))),
            CelKind.Duration => CelValue.Int(a.AsDurationNanos.CompareTo(b.AsDurationNanos)),
            CelKind.Timestamp => CelValue.Int(a.AsTimestamp.CompareTo(b.AsTimestamp)),
            _ => CelError.NoSuchOverload,
        };
    }

    /// <summary>By code point, which is the order of UTF-8 bytes; UTF-16 would put surrogates before U+E000.</summary>
    public static int CompareStrings(string a, string b)
    {
        var length = Math.Min(a.Length, b.Length);
        for (var i = 0; i < length; i++)
        {
            if (a[i] == b[i])
                continue;
            var aSurrogate = char.IsSurrogate(a[i]);
            return aSurrogate != char.IsSurrogate(b[i]) ? (aSurrogate ? 1 : -1) : a[i] < b[i] ? -1 : 1;
        }
        return a.Length.CompareTo(b.Length);
    }

    public static int KeyHash(in CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.String:
                return value.AsString.GetHashCode(StringComparison.Ordinal);
            case CelKind.Bool:
                return value.AsBool ? 3 : 2;
            case CelKind.Int:
                return ((double)value.AsInt).GetHashCode();
            case CelKind.Uint:
                return ((double)value.AsUint).GetHashCode();
            case CelKind.Double:
                return value.AsDouble.GetHashCode();
            default:
                return (int)value.Kind;
        }
    }

    private static int? CompareDoubles(double a, double b)
    {
        if (double.IsNaN(a) || double.IsNaN(b))
            return null;
        return a < b ? -1 : a > b ? 1 : 0;
    }

    private static int CompareIntUint(long a, ulong b) => a < 0 || b > long.MaxValue ? -1 : a.CompareTo((long)b);

    private static int? CompareIntDouble(long a, double b)
    {
        if (double.IsNaN(b))
            return null;
        if (b < -9223372036854775808.0)
            return 1;
        return b >= 9223372036854775808.0 ? -1 : CompareWhole(a.CompareTo((long)b), b - Math.Truncate(b));
    }

    private static int? CompareUintDouble(ulong a, double b)
    {
        if (double.IsNaN(b))
            return null;
        if (b < 0)
            return 1;
        return b >= 18446744073709551616.0 ? -1 : CompareWhole(a.CompareTo((ulong)b), b - Math.Truncate(b));
    }

    private static int CompareWhole(int wholes, double fraction) => wholes != 0 ? wholes : fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}
