using System.Globalization;
using System.Text;
using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel.Libraries;

/// <summary>The format() function: clauses of printf, with the numbers of %f and %e written as in English.</summary>
internal static class StringFormat
{
    private const int DefaultPrecision = 6;

    // Go has no limit here; without one a clause of a few characters makes a result of gigabytes.
    private const int MaxPrecision = 1000;

    private sealed class Fault(string message) : Exception(message);

    public static CelValue Format(string format, CelList args)
    {
        try
        {
            return CelValue.String(Build(format, args));
        }
        catch (Fault fault)
        {
            return CelValue.Error(fault.Message);
        }
    }

    private static string Build(string format, CelList args)
    {
        var builder = new StringBuilder();
        var argument = 0;
        for (var i = 0; i < format.Length;)
        {
            if (format[i] != '%')
            {
                builder.Append(format[i++]);
                continue;
            }
            if (i + 1 < format.Length && format[i + 1] == '%')
            {
                builder.Append('%');
                i += 2;
                continue;
            }
            if (argument >= args.Count)
                throw new Fault($"index {argument} out of range");
            if (i + 1 >= format.Length)
                throw new Fault("unexpected end of string");
            i++;
            var clause = Clause(format, ref i, args[argument++]);
            WorkLimit.SpendCharacters(clause.Length);
            builder.Append(clause);
        }
        return builder.ToString();
    }

    private static string Clause(string format, ref int i, in CelValue value)
    {
        var precision = Precision(format, ref i);
        if (i >= format.Length)
            throw new Fault("could not parse formatting clause: unexpected end of string");
        if (value.IsError)
            throw new Fault(value.AsError.Message);
        var verb = format[i++];
        try
        {
            return verb switch
            {
                's' => Text(value),
                'd' => Decimal(value),
                'f' => Fixed(value, precision),
                'e' => Scientific(value, precision),
                'b' => Binary(value),
                'x' or 'X' => Hex(value, verb == 'X'),
                'o' => Octal(value),
                _ => throw new InvalidOperationException(),
            };
        }
        catch (InvalidOperationException)
        {
            throw new Fault($"could not parse formatting clause: unrecognized formatting clause \"{verb}\"");
        }
        catch (FormatException wrong)
        {
            throw new Fault($"error during formatting: {wrong.Message}");
        }
    }

    private static int Precision(string format, ref int i)
    {
        if (format[i] != '.')
            return DefaultPrecision;
        var start = ++i;
        while (i < format.Length && char.IsAsciiDigit(format[i]))
            i++;
        if (i >= format.Length)
            throw new Fault("could not parse formatting clause: error while parsing precision: could not find end of precision specifier");
        var digits = format[start..i];
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var precision))
            throw new Fault($"could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \"{digits}\": invalid syntax");
        if (precision > MaxPrecision)
            throw new Fault($"could not parse formatting clause: error while parsing precision: precision {precision} exceeds maximum allowed precision {MaxPrecision}");
        return precision;
    }

    private static FormatException Wrong(string rule, in CelValue value) => new($"{rule}, was given {value.Type.Name}");

    private static string Text(in CelValue value) => value.Kind switch
    {
        CelKind.List => List(value.AsList),
        CelKind.Map => Map(value.AsMap),
        CelKind.Bool or CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.String or CelKind.Bytes or CelKind.Timestamp or CelKind.Duration or CelKind.Type or CelKind.Null => ValueText.Describe(value),
        _ => throw Wrong("string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps", value),
    };

    /// <summary>A value within a list or map, written so that it could be read back.</summary>
    private static string Member(in CelValue value) => value.Kind switch
    {
        CelKind.String => GoFormat.Quote(value.AsString),
        CelKind.Bytes => "b" + GoFormat.Quote(ValueText.Describe(value)),
        CelKind.Timestamp => $"timestamp({GoFormat.Quote(ValueText.Describe(value))})",
        CelKind.Duration => $"duration({GoFormat.Quote(ValueText.Describe(value))})",
        CelKind.Double when !double.IsFinite(value.AsDouble) => GoFormat.Quote(GoFormat.Double(value.AsDouble)),
        CelKind.Double => GoFormat.FixedPoint(value.AsDouble, DefaultPrecision),
        CelKind.Optional or CelKind.Object => throw new FormatException($"no formatting function for {value.Type.Name}"),
        CelKind.Error => throw new FormatException(value.AsError.Message),
        _ => Text(value),
    };

    private static string List(CelList list)
    {
        var builder = new StringBuilder("[");
        WorkLimit.Spend(list.Count);
        for (var i = 0; i < list.Count; i++)
        {
            var member = Member(list[i]);
            WorkLimit.SpendCharacters(member.Length);
            builder.Append(i == 0 ? "" : ", ").Append(member);
        }
        return builder.Append(']').ToString();
    }

    private static string Map(CelMap map)
    {
        var entries = new List<(string Key, string Value)>(map.Count);
        foreach (var key in map.Keys)
        {
            if (key.Kind is not (CelKind.String or CelKind.Bool or CelKind.Int or CelKind.Uint))
                throw new FormatException($"no formatting function for map key of type {key.Type.Name}");
            if (!map.TryGet(key, out var value))
                throw new FormatException($"could not find key: \"{ValueText.Describe(key)}\"");
            entries.Add((Member(key), Member(value)));
        }
        entries.Sort((a, b) => ValueEquality.CompareStrings(a.Key, b.Key));
        return "{" + string.Join(", ", entries.Select(e => $"{e.Key}:{e.Value}")) + "}";
    }

    private static string Decimal(in CelValue value) => value.Kind is CelKind.Int or CelKind.Uint ? ValueText.Describe(value) : throw Wrong("decimal clause can only be used on integers", value);

    private static double Number(in CelValue value, string clause)
    {
        if (value.Kind == CelKind.Double)
            return value.AsDouble;
        return value.Kind != CelKind.String ? throw Wrong($"{clause} clause can only be used on doubles", value) : value.AsString switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => throw Wrong($"{clause} clause can only be used on doubles", value),
        };
    }

    private static string? Special(double number) => double.IsNaN(number) ? "NaN" : double.IsPositiveInfinity(number) ? "∞" : double.IsNegativeInfinity(number) ? "-∞" : null;

    private static string Fixed(in CelValue value, int precision)
    {
        var number = Number(value, "fixed-point");
        if (Special(number) is { } special)
            return special;
        // Thousands are grouped, and halves go to the even digit of the exact value.
        var text = GoFormat.FixedPoint(number, precision);
        var digitsStart = text[0] == '-' ? 1 : 0;
        var dot = text.IndexOf('.');
        var wholeEnd = dot < 0 ? text.Length : dot;
        var builder = new StringBuilder(text);
        for (var i = wholeEnd - 3; i > digitsStart; i -= 3)
            builder.Insert(i, ',');
        return builder.ToString();
    }

    private static string Scientific(in CelValue value, int precision)
    {
        var number = Number(value, "scientific");
        if (Special(number) is { } special)
            return special;
        var text = GoFormat.Scientific(number, precision);
        var mark = text.IndexOf('e');
        var builder = new StringBuilder(text[..mark]).Append("\u202f\u00d7\u202f10");
        foreach (var digit in text[(mark + 1)..])
        {
            if (digit != '+')
                builder.Append(digit == '-' ? '\u207b' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit - '0']);
        }
        return builder.ToString();
    }

    private static string Binary(in CelValue value) => value.Kind switch
    {
        CelKind.Bool => value.AsBool ? "1" : "0",
        CelKind.Int => Radix(value.AsInt, "B"),
        CelKind.Uint => value.AsUint.ToString("B", CultureInfo.InvariantCulture),
        _ => throw Wrong("only integers and bools can be formatted as binary", value),
    };

    private static string Radix(long value, string format) => (value < 0 ? "-" : "") + Magnitude(value).ToString(format, CultureInfo.InvariantCulture);

    private static ulong Magnitude(long value) => value < 0 ? unchecked((ulong)-value) : (ulong)value;

    private static string Octal(in CelValue value)
    {
        var (negative, magnitude) = value.Kind switch
        {
            CelKind.Int => (value.AsInt < 0, Magnitude(value.AsInt)),
            CelKind.Uint => (false, value.AsUint),
            _ => throw Wrong("octal clause can only be used on integers", value),
        };
        var digits = new StringBuilder();
        do
        {
            digits.Insert(0, (char)('0' + (magnitude & 7)));
            magnitude >>= 3;
        }
        while (magnitude != 0);
        return negative ? "-" + digits : digits.ToString();
    }

    private static string Hex(in CelValue value, bool upper) => value.Kind switch
    {
        CelKind.String => HexOf(Encoding.UTF8.GetBytes(value.AsString), upper),
        CelKind.Bytes => HexOf(value.AsBytes.Span, upper),
        CelKind.Int => Radix(value.AsInt, upper ? "X" : "x"),
        CelKind.Uint => value.AsUint.ToString(upper ? "X" : "x", CultureInfo.InvariantCulture),
        _ => throw Wrong("only integers, byte buffers, and strings can be formatted as hex", value),
    };

    private static string HexOf(ReadOnlySpan<byte> bytes, bool upper) => upper ? Convert.ToHexString(bytes) : Convert.ToHexStringLower(bytes);
}
