namespace LiteKube.Cel.Evaluation;

/// <summary>The arithmetic operators, with overflow as an error.</summary>
internal static class Arithmetic
{
    public static CelValue Add(in CelValue a, in CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                var sum = unchecked(a.AsInt + b.AsInt);
                return ((a.AsInt ^ sum) & (b.AsInt ^ sum)) < 0 ? CelError.IntOverflow : CelValue.Int(sum);
            case (CelKind.Uint, CelKind.Uint):
                var unsigned = unchecked(a.AsUint + b.AsUint);
                return unsigned < a.AsUint ? CelError.UintOverflow : CelValue.Uint(unsigned);
            case (CelKind.Double, CelKind.Double):
                return CelValue.Double(a.AsDouble + b.AsDouble);
            case (CelKind.String, CelKind.String):
                WorkLimit.SpendCharacters((long)a.AsString.Length + b.AsString.Length);
                return CelValue.String(string.Concat(a.AsString, b.AsString));
            case (CelKind.Bytes, CelKind.Bytes):
                WorkLimit.SpendCharacters((long)a.AsBytes.Length + b.AsBytes.Length);
                return CelValue.Bytes([.. a.AsBytes.Span, .. b.AsBytes.Span]);
            case (CelKind.List, CelKind.List):
                return AddLists(a, b);
            case (CelKind.Duration, CelKind.Duration):
                return Duration((Int128)a.AsDurationNanos + b.AsDurationNanos);
            case (CelKind.Timestamp, CelKind.Duration):
                return CelTimestamp.Add(a.AsTimestamp, b.AsDurationNanos);
            case (CelKind.Duration, CelKind.Timestamp):
                return CelTimestamp.Add(b.AsTimestamp, a.AsDurationNanos);
            default:
                return CelError.NoSuchOverload;
        }
    }

    private static CelValue AddLists(in CelValue a, in CelValue b)
    {
        if (a.AsList is not ListBuilder builder)
            return a.AsList.Add(b.AsList);
        builder.Append(b.AsList);
        return a;
    }

    public static CelValue Subtract(in CelValue a, in CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                var difference = unchecked(a.AsInt - b.AsInt);
                return ((a.AsInt ^ b.AsInt) & (a.AsInt ^ difference)) < 0 ? CelError.IntOverflow : CelValue.Int(difference);
            case (CelKind.Uint, CelKind.Uint):
                return b.AsUint > a.AsUint ? CelError.UintOverflow : CelValue.Uint(a.AsUint - b.AsUint);
            case (CelKind.Double, CelKind.Double):
                return CelValue.Double(a.AsDouble - b.AsDouble);
            case (CelKind.Duration, CelKind.Duration):
                return Duration((Int128)a.AsDurationNanos - b.AsDurationNanos);
            case (CelKind.Timestamp, CelKind.Timestamp):
                return CelTimestamp.Subtract(a.AsTimestamp, b.AsTimestamp);
            case (CelKind.Timestamp, CelKind.Duration):
                return b.AsDurationNanos == long.MinValue ? CelError.TimestampOverflow : CelTimestamp.Add(a.AsTimestamp, -b.AsDurationNanos);
            default:
                return CelError.NoSuchOverload;
        }
    }

    private static CelValue Duration(Int128 nanoseconds) => nanoseconds < long.MinValue || nanoseconds > long.MaxValue ? CelError.DurationOverflow : CelValue.Duration((long)nanoseconds);

    public static CelValue Multiply(in CelValue a, in CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                var high = Math.BigMul(a.AsInt, b.AsInt, out var low);
                return high == low >> 63 ? CelValue.Int(low) : CelError.IntOverflow;
            case (CelKind.Uint, CelKind.Uint):
                return Math.BigMul(a.AsUint, b.AsUint, out var product) == 0 ? CelValue.Uint(product) : CelError.UintOverflow;
            case (CelKind.Double, CelKind.Double):
                return CelValue.Double(a.AsDouble * b.AsDouble);
            default:
                return CelError.NoSuchOverload;
        }
    }

    public static CelValue Divide(in CelValue a, in CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                if (b.AsInt == 0)
                    return CelError.DivisionByZero;
                return a.AsInt == long.MinValue && b.AsInt == -1 ? CelError.IntOverflow : CelValue.Int(a.AsInt / b.AsInt);
            case (CelKind.Uint, CelKind.Uint):
                return b.AsUint == 0 ? CelError.DivisionByZero : CelValue.Uint(a.AsUint / b.AsUint);
            case (CelKind.Double, CelKind.Double):
                return CelValue.Double(a.AsDouble / b.AsDouble);
            default:
                return CelError.NoSuchOverload;
        }
    }

    public static CelValue Modulo(in CelValue a, in CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                if (b.AsInt == 0)
                    return CelError.ModulusByZero;
                return a.AsInt == long.MinValue && b.AsInt == -1 ? CelError.IntOverflow : CelValue.Int(a.AsInt % b.AsInt);
            case (CelKind.Uint, CelKind.Uint):
                return b.AsUint == 0 ? CelError.ModulusByZero : CelValue.Uint(a.AsUint % b.AsUint);
            default:
                return CelError.NoSuchOverload;
        }
    }

    public static CelValue Negate(in CelValue a) => a.Kind switch
    {
        CelKind.Int => a.AsInt == long.MinValue ? CelError.IntOverflow : CelValue.Int(-a.AsInt),
        CelKind.Double => CelValue.Double(-a.AsDouble),
        CelKind.Duration => a.AsDurationNanos == long.MinValue ? CelError.DurationOverflow : CelValue.Duration(-a.AsDurationNanos),
        _ => CelError.NoSuchOverload,
    };

    public static CelValue Less(in CelValue a, in CelValue b) => Ordered(ValueEquality.Compare(a, b), static o => o < 0);

    public static CelValue LessOrEqual(in CelValue a, in CelValue b) => Ordered(ValueEquality.Compare(a, b), static o => o <= 0);

    public static CelValue Greater(in CelValue a, in CelValue b) => Ordered(ValueEquality.Compare(a, b), static o => o > 0);

    public static CelValue GreaterOrEqual(in CelValue a, in CelValue b) => Ordered(ValueEquality.Compare(a, b), static o => o >= 0);

    private static CelValue Ordered(in CelValue order, Func<long, bool> test) => order.IsError ? order : CelValue.Bool(test(order.AsInt));

    public static CelValue Equal(in CelValue a, in CelValue b) => CelValue.Bool(ValueEquality.AreEqual(a, b));

    public static CelValue NotEqual(in CelValue a, in CelValue b) => CelValue.Bool(!ValueEquality.AreEqual(a, b));

    public static CelValue In(in CelValue a, in CelValue b) => b.Kind switch
    {
        CelKind.List => CelValue.Bool(b.AsList.Contains(a)),
        CelKind.Map => CelValue.Bool(b.AsMap.TryGet(a, out _)),
        _ => CelError.NoSuchOverload,
    };
}
