using System.Globalization;

namespace LiteKube.Apis.Codec;

/// <summary>Says in encoding/json's words what is wrong with bytes that are no JSON. Runs only after reading them failed.</summary>
internal ref struct GoSyntax
{
    private readonly ReadOnlySpan<byte> _text;
    private int _at;

    private GoSyntax(ReadOnlySpan<byte> text) => _text = text;

    /// <summary>The first error, or null when the bytes are well-formed after all.</summary>
    public static string? Describe(ReadOnlySpan<byte> text) => new GoSyntax(text).Scan();

    private string? Scan()
    {
        // True for an object, false for a list.
        var open = new Stack<bool>();
        var error = BeginValue(open);
        while (error is null && open.Count > 0)
            error = Next(open);
        if (error is not null)
            return error;
        return SkipSpace() ? Bad("after top-level value") : null;
    }

    private string? Next(Stack<bool> open)
    {
        if (!SkipSpace())
            return End;
        var isObject = open.Peek();
        if (_text[_at] == (isObject ? '}' : ']'))
        {
            open.Pop();
            _at++;
            return null;
        }

        if (_text[_at] != ',')
            return Bad(isObject ? "after object key:value pair" : "after array element");
        _at++;
        return isObject ? Member(open) : BeginValue(open);
    }

    private string? BeginValue(Stack<bool> open)
    {
        if (!SkipSpace())
            return End;
        if (open.Count == ObjectDecoder.MaxDepth && _text[_at] is ((byte)'{' or (byte)'['))
            return "exceeded max depth";
        switch ((char)_text[_at])
        {
            case '{':
                _at++;
                open.Push(true);
                if (!SkipSpace())
                    return End;
                return _text[_at] == '}' ? null : Member(open);
            case '[':
                _at++;
                open.Push(false);
                if (!SkipSpace())
                    return End;
                return _text[_at] == ']' ? null : BeginValue(open);
            case '"':
                return String();
            case 't':
                return Literal("true");
            case 'f':
                return Literal("false");
            case 'n':
                return Literal("null");
            case '-' or (>= '0' and <= '9'):
                return Number();
            default:
                return Bad("looking for beginning of value");
        }
    }

    private string? Member(Stack<bool> open)
    {
        if (!SkipSpace())
            return End;
        if (_text[_at] != '"')
            return Bad("looking for beginning of object key string");
        if (String() is { } error)
            return error;
        if (!SkipSpace())
            return End;
        if (_text[_at] != ':')
            return Bad("after object key");
        _at++;
        return BeginValue(open);
    }

    private string? String()
    {
        for (_at++; _at < _text.Length; _at++)
        {
            if (_text[_at] == '"')
            {
                _at++;
                return null;
            }

            if (_text[_at] < ' ')
                return Bad("in string literal");
            if (_text[_at] != '\\')
                continue;
            if (++_at >= _text.Length)
                return End;
            if (_text[_at] == 'u')
            {
                for (var digits = 0; digits < 4; digits++)
                {
                    if (++_at >= _text.Length)
                        return End;
                    if (!char.IsAsciiHexDigit((char)_text[_at]))
                        return Bad("in \\u hexadecimal character escape");
                }
            }
            else if (!"\"\\/bfnrt".Contains((char)_text[_at], StringComparison.Ordinal))
            {
                return Bad("in string escape code");
            }
        }

        return End;
    }

    private string? Literal(string word)
    {
        for (var i = 0; i < word.Length; i++, _at++)
        {
            if (_at >= _text.Length)
                return End;
            if (_text[_at] != word[i])
                return Bad($"in literal {word} (expecting '{word[i]}')");
        }

        return null;
    }

    private string? Number()
    {
        if (_text[_at] == '-')
            _at++;
        if (_at >= _text.Length)
            return End;
        if (_text[_at] == '0')
            _at++;
        else if (Digits("in numeric literal") is { } error)
            return error;
        if (_at < _text.Length && _text[_at] == '.')
        {
            _at++;
            if (Digits("after decimal point in numeric literal") is { } error)
                return error;
        }

        if (_at >= _text.Length || _text[_at] is not ((byte)'e' or (byte)'E'))
            return null;
        _at++;
        if (_at < _text.Length && _text[_at] is ((byte)'+' or (byte)'-'))
            _at++;
        return Digits("in exponent of numeric literal");
    }

    private string? Digits(string context)
    {
        if (_at >= _text.Length)
            return End;
        if (!char.IsAsciiDigit((char)_text[_at]))
            return Bad(context);
        while (_at < _text.Length && char.IsAsciiDigit((char)_text[_at]))
            _at++;
        return null;
    }

    private bool SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
            _at++;
        return _at < _text.Length;
    }

    private static string End => "unexpected end of JSON input";

    private readonly string Bad(string context)
    {
        var c = (char)_text[_at];
        var quoted = c switch
        {
            '\'' => "'\\''",
            '"' => "'\"'",
            < ' ' and not ('\n' or '\t' or '\r') or (>= '\x7f' and < '\xa1') => string.Create(CultureInfo.InvariantCulture, $"'\\x{(int)c:x2}'"),
            _ => $"'{GoText.Quote(c.ToString())[1..^1]}'",
        };
        return $"invalid character {quoted} {context}";
    }
}
