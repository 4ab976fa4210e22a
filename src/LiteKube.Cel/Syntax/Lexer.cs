namespace LiteKube.Cel;

internal enum TokenKind : byte
{
    End,
    Symbol,
    Identifier,
    EscapedIdentifier,
    Int,
    Uint,
    Double,
    String,
    Bytes,
}

internal readonly record struct Token(TokenKind Kind, string Text, int Offset)
{
    public bool Is(string symbol) => Kind == TokenKind.Symbol && Text == symbol;
}

/// <summary>Splits an expression into tokens; what is none is reported and skipped.</summary>
internal sealed class Lexer(string text, IssueList issues)
{
    // Longest first, so that the first match is the right one. Words come as symbols too, since they cannot be names.
    private static readonly string[] Symbols = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*", "/", "%"];
    private int _position;

    public List<Token> Read()
    {
        var tokens = new List<Token>();
        while (true)
        {
            SkipBlank();
            if (_position >= text.Length)
                break;
            if (Next() is { } token)
                tokens.Add(token);
        }
        tokens.Add(new(TokenKind.End, "<EOF>", text.Length));
        return tokens;
    }

    private void SkipBlank()
    {
        while (_position < text.Length)
        {
            if (text[_position] is '\t' or ' ' or '\r' or '\n' or '\f')
            {
                _position++;
            }
            else if (text[_position] == '/' && Peek(1) == '/')
            {
                var end = text.IndexOf('\n', _position);
                _position = end < 0 ? text.Length : end;
            }
            else
            {
                break;
            }
        }
    }

    private char Peek(int ahead) => _position + ahead < text.Length ? text[_position + ahead] : '\0';

    private Token? Next()
    {
        var start = _position;
        var c = text[start];
        if (TryString(out var token))
            return token;
        if (c is '\'' or '"')
            return null;
        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
                _position++;
            var word = text[start.._position];
            return new(word is "in" or "true" or "false" or "null" ? TokenKind.Symbol : TokenKind.Identifier, word, start);
        }
        if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1))))
            return Number();
        if (c == '`' && TryEscapedIdentifier() is { } escaped)
            return escaped;
        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(text, start, symbol, 0, symbol.Length) == 0)
            {
                _position += symbol.Length;
                return new(TokenKind.Symbol, symbol, start);
            }
        }
        return Unknown(start, char.IsHighSurrogate(c) && char.IsLowSurrogate(Peek(1)) ? 2 : c is '=' or '&' or '|' && _position + 1 < text.Length ? 2 : 1);
    }

    private Token? Unknown(int start, int length)
    {
        _position = Math.Min(start + length, text.Length);
        issues.Report(start, $"Syntax error: token recognition error at: '{text[start.._position].Replace("\n", "\\n", StringComparison.Ordinal)}'");
        return null;
    }

    private Token Number()
    {
        var start = _position;
        if (text[start] == '0' && Peek(1) == 'x' && char.IsAsciiHexDigit(Peek(2)))
        {
            _position += 2;
            while (char.IsAsciiHexDigit(Peek(0)))
                _position++;
            return FinishInteger(start);
        }
        var isDouble = false;
        SkipDigits();
        if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            isDouble = true;
            _position++;
            SkipDigits();
        }
        if (Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            isDouble = true;
            _position += 2;
            SkipDigits();
        }
        return isDouble ? new(TokenKind.Double, text[start.._position], start) : FinishInteger(start);
    }

    private Token FinishInteger(int start)
    {
        if (Peek(0) is 'u' or 'U')
        {
            _position++;
            return new(TokenKind.Uint, text[start..(_position - 1)], start);
        }
        return new(TokenKind.Int, text[start.._position], start);
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(Peek(0)))
            _position++;
    }

    private Token? TryEscapedIdentifier()
    {
        var end = _position + 1;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '.' or '-' or '/' or ' '))
            end++;
        if (end >= text.Length || text[end] != '`' || end == _position + 1)
            return null;
        var token = new Token(TokenKind.EscapedIdentifier, text[(_position + 1)..end], _position);
        _position = end + 1;
        return token;
    }

    /// <summary>Reads a string or bytes literal with its prefixes; reports one that does not end or has a bad escape.</summary>
    private bool TryString(out Token token)
    {
        token = default;
        var p = _position;
        var isBytes = false;
        var raw = false;
        if (p < text.Length && text[p] is 'b' or 'B')
        {
            isBytes = true;
            p++;
        }
        if (p < text.Length && text[p] is 'r' or 'R')
        {
            raw = true;
            p++;
        }
        if (p >= text.Length || text[p] is not ('"' or '\''))
            return false;
        var quote = text[p];
        var triple = p + 2 < text.Length && text[p + 1] == quote && text[p + 2] == quote;
        var bodyStart = p + (triple ? 3 : 1);
        var end = bodyStart;
        while (true)
        {
            if (end >= text.Length || (!triple && (text[end] is '\n' or '\r')))
                return Broken(end);
            if (text[end] == quote && (!triple || (end + 2 < text.Length && text[end + 1] == quote && text[end + 2] == quote)))
                break;
            var escape = !raw && text[end] == '\\' ? Unescape.Length(text, end) : 1;
            if (escape == 0)
                return Broken(Math.Min(end + 1, text.Length - 1));
            end += escape;
        }
        token = new(isBytes ? TokenKind.Bytes : TokenKind.String, (raw ? "r" : "e") + text[bodyStart..end], _position);
        _position = end + (triple ? 3 : 1);
        return true;
    }

    /// <summary>A quote that opens nothing valid: the text up to the fault is no token, and reading goes on behind it.</summary>
    private bool Broken(int end)
    {
        // After a prefix letter it is the letter that is read first, as a name.
        if (text[_position] is '\'' or '"')
            Unknown(_position, Math.Max(1, Math.Min(end, text.Length - 1) - _position + 1));
        return false;
    }
}
