using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LiteKube.Apis.Codec;

/// <summary>What a YAML scalar means: YAML 1.1's booleans and octal numbers, as go-yaml v2 resolves them.</summary>
internal static class YamlScalar
{
    public static JsonNode? Resolve(Scalar scalar)
    {
        var tag = scalar.Tag.IsEmpty ? "" : scalar.Tag.Value;
        if (tag is "!" or "tag:yaml.org,2002:str")
            return JsonValue.Create(scalar.Value);
        if (tag == "tag:yaml.org,2002:binary")
            return JsonValue.Create(Binary(scalar.Value));
        return scalar.Style == ScalarStyle.Plain || tag.Length > 0 ? ResolvePlain(scalar.Value) : JsonValue.Create(scalar.Value);
    }

    private static string Binary(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            ? Encoding.UTF8.GetString(bytes, 0, length)
            : throw new DecodeException("yaml: !!binary value contains invalid base64 data");
    }

    /// <summary>The value of an unquoted scalar; a string where it is nothing else.</summary>
    public static JsonNode? ResolvePlain(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON":
                return JsonValue.Create(true);
            case "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF":
                return JsonValue.Create(false);
            case ".nan" or ".NaN" or ".NAN" or ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf" or "-.INF":
                throw new DecodeException($"json: unsupported value: {(text[^1] is 'f' or 'F' ? text[0] == '-' ? "-Inf" : "+Inf" : "NaN")}");
        }

        if (!char.IsAsciiDigit(text[0]) && text[0] is not ('+' or '-' or '.'))
            return JsonValue.Create(text);
        var plain = text.Replace("_", "", StringComparison.Ordinal);
        return Integer(plain) ?? Number(plain) ?? JsonValue.Create(text);
    }

    // 0x, 0o, 0b and a leading 0 set the base, as strconv.ParseInt reads with base 0.
    private static JsonValue? Integer(string text)
    {
        var isNegative = text[0] == '-';
        var digits = text.AsSpan(text[0] is '-' or '+' ? 1 : 0);
        if (digits.Length is 0 or > 70)
            return null;
        var (radix, prefix) = digits switch
        {
            ['0', 'x' or 'X', _, ..] => (16, 2),
            ['0', 'o' or 'O', _, ..] => (8, 2),
            ['0', 'b' or 'B', _, ..] => (2, 2),
            ['0', _, ..] => (8, 1),
            _ => (10, 0),
        };
        var value = BigInteger.Zero;
        foreach (var c in digits[prefix..])
        {
            var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : 99;
            if (digit >= radix)
                return null;
            value = value * radix + digit;
        }

        value = isNegative ? -value : value;
        if (value >= long.MinValue && value <= long.MaxValue)
            return JsonValue.Create((long)value);
        return value > 0 && value <= ulong.MaxValue ? JsonValue.Create((ulong)value) : null;
    }

    // Digits with a point anywhere among them, and an exponent: "1.", ".5", "1e3"; not "." alone.
    private static JsonValue? Number(string text)
    {
        var rest = text.AsSpan(text[0] is '-' or '+' ? 1 : 0);
        var mark = rest.IndexOfAny('e', 'E');
        var exponent = mark < 0 ? "0" : rest[(mark + 1)..];
        if (exponent is ['-' or '+', ..])
            exponent = exponent[1..];
        var mantissa = mark < 0 ? rest : rest[..mark];
        var point = mantissa.IndexOf('.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var fraction = point < 0 ? "" : mantissa[(point + 1)..];
        if (whole.Length + fraction.Length == 0 || exponent.Length == 0 || !IsDigits(whole) || !IsDigits(fraction) || !IsDigits(exponent))
            return null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? JsonValue.Create(number) : null;
    }

    private static bool IsDigits(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') < 0;
}
