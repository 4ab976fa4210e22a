using System.Globalization;
using System.Text;

namespace LiteKube.Cel;

/// <summary>
/// Reads RE2's syntax, refuses what RE2 refuses, and writes it in .NET's. Characters outside the basic plane become pairs of
/// UTF-16 units, so that a dot takes a whole character.
/// </summary>
internal sealed class Re2Translator
{
    private const int MaxRepeat = 1000;
    private const int MaxSize = 20_000;
    private const int MaxDepth = 200;

    private readonly string _pattern;
    private readonly StringBuilder _out = new();
    private int _position;
    private bool _ungreedy;
    private bool _dotAll;
    private bool _multiline;

    private Re2Translator(string pattern) => _pattern = pattern;

    private sealed class Fault(string message) : Exception(message);

    public static bool TryTranslate(string pattern, out string translated, out string error)
    {
        var translator = new Re2Translator(pattern);
        try
        {
            translator.Alternation(0);
            if (translator._position < pattern.Length)
                throw Error("unexpected )", pattern);
            translated = translator._out.ToString();
            error = "";
            return true;
        }
        catch (Fault fault)
        {
            translated = "";
            error = fault.Message;
            return false;
        }
    }

    internal static Exception Error(string what, string where) => new Fault($"error parsing regexp: {what}: `{where}`");

    private bool More => _position < _pattern.Length;

    private char Peek(int ahead = 0) => _position + ahead < _pattern.Length ? _pattern[_position + ahead] : '\0';

    private bool Looking(string text) => string.CompareOrdinal(_pattern, _position, text, 0, text.Length) == 0;

    /// <summary>Gives the size of what was read, with repetitions counted out.</summary>
    private long Alternation(int depth)
    {
        if (depth > MaxDepth)
            throw Error("expression nests too deeply", _pattern);
        var (ungreedy, dotAll, multiline) = (_ungreedy, _dotAll, _multiline);
        long size = 0;
        while (More && Peek() != ')')
        {
            if (Peek() == '|')
            {
                _position++;
                _out.Append('|');
                continue;
            }
            size += Term(depth);
            if (size > MaxSize)
                throw Error("expression too large", _pattern);
        }
        (_ungreedy, _dotAll, _multiline) = (ungreedy, dotAll, multiline);
        return size;
    }

    private long Term(int depth)
    {
        var start = _position;
        var outStart = _out.Length;
        var size = Atom(depth, out var repeatable);
        var repeats = 0;
        while (More)
        {
            var operatorStart = _position;
            if (!TryRepeat(out var least, out var most))
                break;
            if (!repeatable)
                throw Error("missing argument to repetition operator", _pattern[operatorStart.._position]);
            if (repeats++ > 0)
                throw Error("invalid nested repetition operator", _pattern[start.._position]);
            var lazy = More && Peek() == '?';
            if (lazy)
                _position++;
            _out.Insert(outStart, "(?:").Append(')').Append(most < 0 ? $"{{{least},}}" : $"{{{least},{most}}}");
            if (lazy != _ungreedy)
                _out.Append('?');
            size *= Math.Max(1, Math.Max(least, most));
            if (size > MaxSize)
                throw Error(least > 1 || most > 1 ? "invalid repeat count" : "expression too large", _pattern[operatorStart.._position]);
        }
        return size;
    }

    private bool TryRepeat(out int least, out int most)
    {
        (least, most) = (0, -1);
        switch (Peek())
        {
            case '*':
                _position++;
                return true;
            case '+':
                least = 1;
                _position++;
                return true;
            case '?':
                most = 1;
                _position++;
                return true;
            case '{':
                return TryCounted(out least, out most);
            default:
                return false;
        }
    }

    /// <summary>{n}, {n,} or {n,m}; anything else in braces is text.</summary>
    private bool TryCounted(out int least, out int most)
    {
        (least, most) = (0, -1);
        var end = _pattern.IndexOf('}', _position);
        if (end < 0)
            return false;
        var parts = _pattern[(_position + 1)..end].Split(',');
        if (parts.Length > 2 || !Digits(parts[0]) || (parts.Length == 2 && parts[1].Length > 0 && !Digits(parts[1])))
            return false;
        var text = _pattern[_position..(end + 1)];
        least = Count(parts[0]);
        most = parts.Length == 1 ? least : parts[1].Length == 0 ? -1 : Count(parts[1]);
        if (least > MaxRepeat || most > MaxRepeat || (most >= 0 && least > most))
            throw Error("invalid repeat count", text);
        _position = end + 1;
        return true;
    }

    private static bool Digits(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);

    private static int Count(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : int.MaxValue;

    private long Atom(int depth, out bool repeatable)
    {
        repeatable = true;
        var c = Peek();
        switch (c)
        {
            case '(':
                return Group(depth, out repeatable);
            case '[':
                _out.Append(Re2CharClass.Read(_pattern, ref _position));
                return 2;
            case '.':
                _position++;
                _out.Append(Re2CharClass.AnyCharacter(_dotAll));
                return 2;
            case '^':
                _position++;
                _out.Append(_multiline ? "(?m:^)" : @"\A");
                return 1;
            case '$':
                _position++;
                _out.Append(_multiline ? "(?m:$)" : @"\z");
                return 1;
            case '\\':
                return Escape();
            case '*' or '+' or '?':
                throw Error("missing argument to repetition operator", c.ToString());
            default:
                var length = char.IsHighSurrogate(c) && char.IsLowSurrogate(Peek(1)) ? 2 : 1;
                Literal(_pattern.AsSpan(_position, length));
                _position += length;
                return 1;
        }
    }

    private void Literal(ReadOnlySpan<char> text)
    {
        if (text.Length > 1)
            _out.Append("(?:");
        foreach (var unit in text)
            _out.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
        if (text.Length > 1)
            _out.Append(')');
    }

    private long Group(int depth, out bool repeatable)
    {
        repeatable = true;
        var start = _position;
        var (ungreedy, dotAll, multiline) = (_ungreedy, _dotAll, _multiline);
        _position++;
        if (Looking("?P<") || Looking("?<"))
        {
            GroupName(start);
            _out.Append("(?:");
        }
        else if (Peek() == '?')
        {
            _position++;
            if (Flags(start))
            {
                repeatable = false;
                return 0;
            }
        }
        else
        {
            _out.Append("(?:");
        }
        var size = Alternation(depth + 1);
        if (Peek() != ')')
            throw Error("missing closing )", _pattern);
        _position++;
        _out.Append(')');
        (_ungreedy, _dotAll, _multiline) = (ungreedy, dotAll, multiline);
        return size + 1;
    }

    /// <summary>Names are checked and dropped: nothing here reads groups.</summary>
    private void GroupName(int start)
    {
        var open = _pattern.IndexOf('<', _position);
        var end = _pattern.IndexOf('>', open);
        if (Looking("?<=") || Looking("?<!"))
            throw Error("invalid or unsupported Perl syntax", _pattern[start..Math.Min(start + 4, _pattern.Length)]);
        var name = end < 0 ? "" : _pattern[(open + 1)..end];
        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            throw Error("invalid named capture", end < 0 ? _pattern[start..] : _pattern[start..(end + 1)]);
        _position = end + 1;
    }

    /// <summary>Flags of a group, or of what follows; true when no group was opened.</summary>
    private bool Flags(int start)
    {
        var negative = false;
        var ignoreCase = (bool?)null;
        while (More)
        {
            var c = _pattern[_position++];
            switch (c)
            {
                case 'i':
                    ignoreCase = !negative;
                    break;
                case 's':
                    _dotAll = !negative;
                    break;
                case 'm':
                    _multiline = !negative;
                    break;
                case 'U':
                    _ungreedy = !negative;
                    break;
                case '-' when !negative:
                    negative = true;
                    break;
                case ':' or ')':
                    if (negative && _pattern[_position - 2] == '-')
                        throw Error("invalid or unsupported Perl syntax", _pattern[start.._position]);
                    var flag = ignoreCase switch { true => "i", false => "-i", _ => "" };
                    _out.Append(c == ':' ? $"(?{flag}:" : flag.Length > 0 ? $"(?{flag})" : "");
                    return c == ')';
                default:
                    throw Error("invalid or unsupported Perl syntax", _pattern[start.._position]);
            }
        }
        throw Error("missing closing )", _pattern);
    }

    private long Escape()
    {
        if (_position + 1 >= _pattern.Length)
            throw new Fault("error parsing regexp: trailing backslash at end of expression: ``");
        switch (_pattern[_position + 1])
        {
            case 'A' or 'z' or 'b' or 'B':
                _out.Append(_pattern, _position, 2);
                _position += 2;
                return 1;
            case 'Q':
                return Quoted();
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'p' or 'P':
                _out.Append(Re2CharClass.ReadShorthand(_pattern, ref _position));
                return 2;
            default:
                Literal(char.ConvertFromUtf32(Re2CharClass.ReadEscape(_pattern, ref _position)));
                return 1;
        }
    }

    private long Quoted()
    {
        var end = _pattern.IndexOf(@"\E", _position + 2, StringComparison.Ordinal);
        var text = end < 0 ? _pattern[(_position + 2)..] : _pattern[(_position + 2)..end];
        _position = end < 0 ? _pattern.Length : end + 2;
        // A repetition behind the quotation takes its last character only.
        foreach (var rune in text.EnumerateRunes())
            Literal(rune.ToString());
        return text.Length;
    }
}
