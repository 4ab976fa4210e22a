using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>
/// Patterns in Go's syntax (RE2, https://github.com/google/re2/wiki/Syntax), run by .NET's engine without backtracking:
/// linear in the text, as there. What the two write differently is translated.
/// </summary>
internal static class GoPattern
{
    private const int CacheLimit = 4096;
    private const int MaxRepeat = 1000;

    private static readonly ConcurrentDictionary<string, Regex?> Compiled = new(StringComparer.Ordinal);

    private static readonly Dictionary<string, string> Posix = new(StringComparer.Ordinal)
    {
        ["alnum"] = "0-9A-Za-z",
        ["alpha"] = "A-Za-z",
        ["ascii"] = @"\x00-\x7F",
        ["blank"] = @"\t ",
        ["cntrl"] = @"\x00-\x1F\x7F",
        ["digit"] = "0-9",
        ["graph"] = "!-~",
        ["lower"] = "a-z",
        ["print"] = " -~",
        ["punct"] = @"!-/:-@\[-`{-~",
        ["space"] = @"\t\n\v\f\r ",
        ["upper"] = "A-Z",
        ["word"] = "0-9A-Za-z_",
        ["xdigit"] = "0-9A-Fa-f",
    };

    /// <summary>A pattern that is not valid matches nothing.</summary>
    public static bool IsMatch(string pattern, string text)
    {
        if (!Compiled.TryGetValue(pattern, out var regex))
        {
            // Patterns come from CRDs, which an administrator writes; the bound is for clusters that live long.
            if (Compiled.Count >= CacheLimit) Compiled.Clear();
            regex = Compiled[pattern] = Compile(pattern, out _);
        }
        return regex is not null && regex.IsMatch(text);
    }

    /// <summary>What is wrong with the pattern; null: nothing.</summary>
    public static string? Check(string pattern)
    {
        Compile(pattern, out var error);
        return error;
    }

    private static Regex? Compile(string pattern, out string? error)
    {
        try
        {
            error = null;
            return new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or FormatException)
        {
            error = e is FormatException ? $"error parsing regexp: {e.Message}" : $"error parsing regexp: {Reason(e)}: `{pattern}`";
            return null;
        }
    }

    private static string Reason(Exception exception) => exception switch
    {
        RegexParseException { Error: RegexParseError.InsufficientClosingParentheses } => "missing closing )",
        RegexParseException { Error: RegexParseError.InsufficientOpeningParentheses } => "unexpected )",
        RegexParseException { Error: RegexParseError.UnterminatedBracket } => "missing closing ]",
        RegexParseException { Error: RegexParseError.QuantifierAfterNothing } => "missing argument to repetition operator",
        RegexParseException { Error: RegexParseError.NestedQuantifiersNotParenthesized } => "invalid nested repetition operator",
        RegexParseException { Error: RegexParseError.ReversedCharacterRange } => "invalid character class range",
        RegexParseException { Error: RegexParseError.ReversedQuantifierRange } => "invalid repeat count",
        RegexParseException { Error: RegexParseError.UnescapedEndingBackslash } => "trailing backslash at end of expression",
        _ => "invalid or unsupported Perl syntax",
    };

    private static string Translate(string pattern)
    {
        var result = new StringBuilder(pattern.Length + 16);
        for (var i = 0; i < pattern.Length;)
        {
            switch (pattern[i])
            {
                case '\\':
                    i = Escape(pattern, i, result, inClass: false);
                    break;
                case '[':
                    i = Class(pattern, i, result);
                    break;
                // Go's $ is the end of the text; .NET's also stands before a last line break.
                case '$':
                    result.Append(HasMultilineFlag(pattern) ? "$" : "\\z");
                    i++;
                    break;
                case '(' when i + 1 < pattern.Length && pattern[i + 1] == '?':
                    i = Group(pattern, i, result);
                    break;
                case '{':
                    CheckRepeat(pattern, i);
                    result.Append(pattern[i++]);
                    break;
                default:
                    result.Append(pattern[i++]);
                    break;
            }
        }
        return result.ToString();
    }

    private static bool HasMultilineFlag(string pattern) => pattern.Contains("(?m", StringComparison.Ordinal) || pattern.Contains("(?im", StringComparison.Ordinal) || pattern.Contains("(?sm", StringComparison.Ordinal);

    private static void CheckRepeat(string pattern, int at)
    {
        var end = pattern.IndexOf('}', at);
        if (end < 0) return;
        foreach (var part in pattern[(at + 1)..end].Split(','))
        {
            if (part.Length > 0 && part.All(char.IsAsciiDigit) && (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > MaxRepeat))
                throw new FormatException($"invalid repeat count: `{pattern[at..(end + 1)]}`");
        }
    }

    private static int Group(string pattern, int at, StringBuilder result)
    {
        var rest = pattern.AsSpan(at);
        if (rest.StartsWith("(?P<"))
        {
            result.Append("(?<");
            return at + 4;
        }
        foreach (var unsupported in (ReadOnlySpan<string>)["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?#", "(?(", "(?'"])
        {
            if (rest.StartsWith(unsupported)) throw new FormatException($"invalid or unsupported Perl syntax: `{unsupported}`");
        }
        if (rest.StartsWith("(?U") || rest.StartsWith("(?iU")) throw new FormatException("invalid or unsupported Perl syntax: `(?U`");
        result.Append("(?");
        return at + 2;
    }

    private static int Class(string pattern, int at, StringBuilder result)
    {
        result.Append('[');
        var i = at + 1;
        if (i < pattern.Length && pattern[i] == '^')
        {
            result.Append('^');
            i++;
        }
        var isFirst = true;
        for (; i < pattern.Length && (pattern[i] != ']' || isFirst); isFirst = false)
        {
            if (pattern[i] == '\\') i = Escape(pattern, i, result, inClass: true);
            else if (pattern[i] == '[' && i + 1 < pattern.Length && pattern[i + 1] == ':') i = PosixClass(pattern, i, result);
            // .NET subtracts classes where an inner bracket opens.
            else if (pattern[i] is '[' or ']') result.Append('\\').Append(pattern[i++]);
            else result.Append(pattern[i++]);
        }
        if (i >= pattern.Length) throw new FormatException($"missing closing ]: `{pattern[at..]}`");
        result.Append(']');
        return i + 1;
    }

    private static int PosixClass(string pattern, int at, StringBuilder result)
    {
        var end = pattern.IndexOf(":]", at + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            result.Append("\\[");
            return at + 1;
        }
        var name = pattern[(at + 2)..end];
        if (!Posix.TryGetValue(name, out var members)) throw new FormatException($"invalid character class range: `{pattern[at..(end + 2)]}`");
        result.Append(members);
        return end + 2;
    }

    private static int Escape(string pattern, int at, StringBuilder result, bool inClass)
    {
        if (at + 1 >= pattern.Length) throw new FormatException("trailing backslash at end of expression: ``");
        var c = pattern[at + 1];
        var set = c switch
        {
            'd' => "0-9",
            'w' => "0-9A-Za-z_",
            's' => @"\t\n\f\r ",
            'D' => inClass ? @"\x00-/:-\uFFFF" : "^0-9",
            'W' => inClass ? @"\x00-/:-@\[-^`{-\uFFFF" : "^0-9A-Za-z_",
            'S' => inClass ? @"\x00-\x08\x0B\x0E-\x1F!-\uFFFF" : @"^\t\n\f\r ",
            _ => null,
        };
        if (set is not null)
        {
            result.Append(inClass ? set : $"[{set}]");
            return at + 2;
        }
        switch (c)
        {
            // One-letter categories need no braces in Go.
            case 'p' or 'P' when at + 2 < pattern.Length && pattern[at + 2] != '{':
                result.Append('\\').Append(c).Append('{').Append(pattern[at + 2]).Append('}');
                return at + 3;
            case 'x' when at + 2 < pattern.Length && pattern[at + 2] == '{':
                var end = pattern.IndexOf('}', at);
                if (end < 0 || !int.TryParse(pattern.AsSpan(at + 3, end - at - 3), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code > 0xFFFF)
                    throw new FormatException($"invalid escape sequence: `{pattern[at..]}`");
                result.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}");
                return end + 1;
            case 'Q':
                var close = pattern.IndexOf("\\E", at + 2, StringComparison.Ordinal);
                var literal = close < 0 ? pattern[(at + 2)..] : pattern[(at + 2)..close];
                result.Append(Regex.Escape(literal));
                return close < 0 ? pattern.Length : close + 2;
            case 'b' or 'B' or 'A' or 'z' or 'a' or 'f' or 't' or 'n' or 'r' or 'v' or 'x' or 'p' or 'P' or (>= '0' and <= '7'):
                result.Append('\\').Append(c);
                return at + 2;
            default:
                if (char.IsAsciiLetterOrDigit(c)) throw new FormatException($"invalid escape sequence: `\\{c}`");
                result.Append('\\').Append(c);
                return at + 2;
        }
    }
}
