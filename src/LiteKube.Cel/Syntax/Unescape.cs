using System.Globalization;
using System.Text;

namespace LiteKube.Cel;

/// <summary>The escapes of string and bytes literals.</summary>
internal static class Unescape
{
    /// <summary>The length of the escape at a backslash, 0 when it is none.</summary>
    public static int Length(string text, int at)
    {
        if (at + 1 >= text.Length)
            return 0;
        switch (text[at + 1])
        {
            case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v' or '"' or '\'' or '\\' or '?' or '`':
                return 2;
            case 'x' or 'X':
                return Hex(text, at + 2, 2) ? 4 : 0;
            case 'u':
                return Hex(text, at + 2, 4) ? 6 : 0;
            case 'U':
                return Hex(text, at + 2, 8) ? 10 : 0;
            case >= '0' and <= '3':
                return at + 3 < text.Length && text[at + 2] is >= '0' and <= '7' && text[at + 3] is >= '0' and <= '7' ? 4 : 0;
            default:
                return 0;
        }
    }

    private static bool Hex(string text, int at, int count)
    {
        if (at + count > text.Length)
            return false;
        for (var i = 0; i < count; i++)
        {
            if (!char.IsAsciiHexDigit(text[at + i]))
                return false;
        }
        return true;
    }

    /// <summary>The string that a literal's body stands for; null for a code point that does not exist.</summary>
    public static string? ToText(string body, bool raw)
    {
        body = body.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (raw || !body.Contains('\\', StringComparison.Ordinal))
            return body;
        var builder = new StringBuilder(body.Length);
        for (var i = 0; i < body.Length;)
        {
            if (body[i] != '\\')
            {
                builder.Append(body[i++]);
                continue;
            }
            var length = Length(body, i);
            if (!Rune.TryCreate(CodePoint(body, i, length), out var rune))
                return null;
            builder.Append(rune);
            i += length;
        }
        return builder.ToString();
    }

    /// <summary>The bytes that a literal's body stands for: escapes of \x and octal are bytes, the rest is UTF-8.</summary>
    public static byte[]? ToBytes(string body, bool raw)
    {
        body = body.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (raw || !body.Contains('\\', StringComparison.Ordinal))
            return Encoding.UTF8.GetBytes(body);
        var bytes = new List<byte>(body.Length);
        for (var i = 0; i < body.Length;)
        {
            if (body[i] != '\\')
            {
                var end = body.IndexOf('\\', i);
                end = end < 0 ? body.Length : end;
                bytes.AddRange(Encoding.UTF8.GetBytes(body[i..end]));
                i = end;
                continue;
            }
            // Bytes have no escapes for code points.
            if (body[i + 1] is 'u' or 'U')
                return null;
            var length = Length(body, i);
            bytes.Add((byte)CodePoint(body, i, length));
            i += length;
        }
        return [.. bytes];
    }

    private static int CodePoint(string text, int at, int length) => text[at + 1] switch
    {
        'a' => '\a',
        'b' => '\b',
        'f' => '\f',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\v',
        'x' or 'X' or 'u' or 'U' => int.TryParse(text.AsSpan(at + 2, length - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : -1,
        >= '0' and <= '3' => (text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'),
        var other => other,
    };
}
