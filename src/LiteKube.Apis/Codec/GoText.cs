using System.Buffers;
using System.Globalization;
using System.Text;

namespace LiteKube.Apis.Codec;

/// <summary>Text as Go prints and reads it.</summary>
internal static class GoText
{
    /// <summary>encoding/json's form of a float64: shortest digits that read back the same, an exponent below 1e-6 and from 1e21.</summary>
    public static string Float(double value)
    {
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var magnitude = Math.Abs(value);
        if (magnitude is 0 or >= 1e-4 and < 1e15)
            return shortest;
        var (sign, digits, exponent) = Split(shortest);
        if (magnitude is >= 1e-6 and < 1e21)
        {
            if (exponent < 0)
                return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
            return digits.Length > exponent + 1
                ? $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}"
                : sign + digits.PadRight(exponent + 1, '0');
        }

        var fraction = digits.Length > 1 ? "." + digits[1..] : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent)}");
    }

    // "-1.25E-07" is ("-", "125", -7): the number is 1.25 times ten to that exponent.
    private static (string Sign, string Digits, int Exponent) Split(string text)
    {
        var sign = text[0] == '-' ? "-" : "";
        var rest = text.AsSpan(sign.Length);
        var mark = rest.IndexOf('E');
        var exponent = mark < 0 ? 0 : int.Parse(rest[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = (mark < 0 ? rest : rest[..mark]).ToString();
        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        exponent += (dot < 0 ? mantissa.Length : dot) - 1;
        var leading = digits.Length - digits.TrimStart('0').Length;
        return (sign, digits[leading..].TrimEnd('0'), exponent - leading);
    }

    /// <summary>A JSON string's value from its raw bytes between the quotes; what is no valid UTF-8 or a lone surrogate becomes U+FFFD, as in Go.</summary>
    public static string Unescape(ReadOnlySpan<byte> raw)
    {
        if (!raw.Contains((byte)'\\'))
            return Encoding.UTF8.GetString(raw);
        var buffer = ArrayPool<char>.Shared.Rent(raw.Length);
        var length = 0;
        try
        {
            while (!raw.IsEmpty)
            {
                var plain = raw.IndexOf((byte)'\\');
                if (plain != 0)
                {
                    var part = plain < 0 ? raw : raw[..plain];
                    length += Encoding.UTF8.GetChars(part, buffer.AsSpan(length));
                    raw = raw[part.Length..];
                    continue;
                }

                raw = raw[AppendEscape(raw, buffer, ref length)..];
            }

            return new string(buffer, 0, length);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    // The reader has checked the escapes' form.
    private static int AppendEscape(ReadOnlySpan<byte> raw, char[] buffer, ref int length)
    {
        if (raw[1] != (byte)'u')
        {
            buffer[length++] = (char)raw[1] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', var c => c };
            return 2;
        }

        var unit = Hex(raw[2..6]);
        if (char.IsHighSurrogate(unit) && raw.Length >= 12 && raw[6] == (byte)'\\' && raw[7] == (byte)'u' && Hex(raw[8..12]) is var low && char.IsLowSurrogate(low))
        {
            buffer[length++] = unit;
            buffer[length++] = low;
            return 12;
        }

        buffer[length++] = char.IsSurrogate(unit) ? '\uFFFD' : unit;
        return 6;
    }

    private static char Hex(ReadOnlySpan<byte> digits) => (char)ushort.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>strconv.Quote for the characters that occur in names.</summary>
    public static string Quote(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => result.Append("\\\""),
                '\\' => result.Append("\\\\"),
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                < ' ' or '\x7f' => result.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => result.Append(c),
            };
        }

        return result.Append('"').ToString();
    }
}
