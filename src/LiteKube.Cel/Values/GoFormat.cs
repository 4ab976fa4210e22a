using System.Globalization;
using System.Text;

namespace LiteKube.Cel;

/// <summary>Numbers and strings as Go's fmt writes them, since messages and string() show them so.</summary>
internal static class GoFormat
{
    /// <summary><c>%g</c>: the shortest digits that read back the same, with an exponent outside 1e-4..1e6.</summary>
    public static string Double(double value)
    {
        if (double.IsNaN(value))
            return "NaN";
        if (double.IsInfinity(value))
            return value > 0 ? "+Inf" : "-Inf";
        var (negative, digits, point) = Shortest(value);
        var exponent = point - 1;
        var sign = negative ? "-" : "";
        if (exponent is < -4 or >= 6)
        {
            var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
            return $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("D2", CultureInfo.InvariantCulture)}";
        }
        return sign + Fixed(digits, point);
    }

    /// <summary><c>%f</c> with the shortest digits that read back the same.</summary>
    public static string ShortestFixed(double value)
    {
        var (negative, digits, point) = Shortest(value);
        return (negative ? "-" : "") + Fixed(digits, point);
    }

    /// <summary>A duration as string() gives it: seconds.</summary>
    public static string Duration(long nanoseconds)
    {
        var seconds = nanoseconds / 1_000_000_000;
        var rest = nanoseconds % 1_000_000_000;
        return ShortestFixed(seconds + rest / 1e9) + "s";
    }

    private static string Fixed(string digits, int point)
    {
        if (point <= 0)
            return "0." + new string('0', -point) + digits;
        return digits.Length <= point ? digits + new string('0', point - digits.Length) : $"{digits[..point]}.{digits[point..]}";
    }

    /// <summary>The digits, and how many of them stand before the point.</summary>
    private static (bool Negative, string Digits, int Point) Shortest(double value)
    {
        if (value == 0)
            return (double.IsNegative(value), "0", 1);
        var text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var mark = text.IndexOf('E');
        var exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = mark < 0 ? text : text[..mark];
        var dot = mantissa.IndexOf('.');
        var point = (dot < 0 ? mantissa.Length : dot) + exponent;
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        point -= all.Length - digits.Length;
        digits = digits.TrimEnd('0');
        return (value < 0, digits, point);
    }

    /// <summary><c>%q</c>: a double-quoted string with Go's escapes.</summary>
    public static string Quote(string text)
    {
        var builder = new StringBuilder(text.Length + 2).Append('"');
        foreach (var rune in text.EnumerateRunes())
        {
            var escape = rune.Value switch
            {
                '\a' => "\\a",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\v' => "\\v",
                '\\' => "\\\\",
                '"' => "\\\"",
                < 0x20 or 0x7f => $"\\x{rune.Value:x2}",
                _ when Rune.IsControl(rune) => $"\\u{rune.Value:x4}",
                _ => null,
            };
            _ = escape is null ? builder.Append(rune) : builder.Append(escape);
        }
        return builder.Append('"').ToString();
    }

    /// <summary><c>%.Nf</c>, exactly rounded.</summary>
    public static string FixedPoint(double value, int precision) => Special(value) ?? value.ToString("F" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary><c>%.Ne</c>, with at least two digits of exponent.</summary>
    public static string Scientific(double value, int precision)
    {
        if (Special(value) is { } special)
            return special;
        var text = value.ToString("e" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var mark = text.IndexOf('e');
        var exponent = int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{text[..mark]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("D2", CultureInfo.InvariantCulture)}";
    }

    private static string? Special(double value) => double.IsNaN(value) ? "NaN" : double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : null;
}
