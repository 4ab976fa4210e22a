using System.Globalization;
using System.Text;

namespace LiteKube.Cel;

/// <summary>Character classes of RE2, written for .NET: ASCII meanings of \d, \w and \s, and whole characters.</summary>
internal static class Re2CharClass
{
    private const int MaxRune = 0x10FFFF;
    private const string Pair = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";

    private static readonly HashSet<string> Categories = new(StringComparer.Ordinal)
    {
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co",
    };

    public static string AnyCharacter(bool withNewline) => withNewline ? $@"(?:{Pair}|[\s\S])" : $@"(?:{Pair}|[^\n])";

    private sealed class Set
    {
        public List<(int Low, int High)> Ranges { get; } = [];

        /// <summary>Unicode categories, in .NET's writing.</summary>
        public StringBuilder Categories { get; } = new();

        public void AddNegated(IEnumerable<(int Low, int High)> ranges)
        {
            var next = 0;
            foreach (var (low, high) in ranges.OrderBy(r => r.Low))
            {
                if (low > next)
                    Ranges.Add((next, low - 1));
                next = Math.Max(next, high + 1);
            }
            if (next <= MaxRune)
                Ranges.Add((next, MaxRune));
        }
    }

    /// <summary>Reads a bracket expression.</summary>
    public static string Read(string pattern, ref int position)
    {
        var start = position++;
        var negated = position < pattern.Length && pattern[position] == '^';
        if (negated)
            position++;
        var set = new Set();
        for (var first = true; ; first = false)
        {
            if (position >= pattern.Length)
                throw Re2Translator.Error("missing closing ]", pattern[start..]);
            if (pattern[position] == ']' && !first)
                break;
            ReadItem(pattern, ref position, set, start);
        }
        position++;
        return Write(set, negated);
    }

    private static void ReadItem(string pattern, ref int position, Set set, int classStart)
    {
        if (string.CompareOrdinal(pattern, position, "[:", 0, 2) == 0 && pattern.IndexOf(":]", position, StringComparison.Ordinal) is var end and > 0)
        {
            var name = pattern[(position + 2)..end];
            var ranges = Posix(name.TrimStart('^')) ?? throw Re2Translator.Error("invalid character class range", pattern[position..(end + 2)]);
            if (name.StartsWith('^'))
                set.AddNegated(ranges);
            else
                set.Ranges.AddRange(ranges);
            position = end + 2;
            return;
        }
        if (pattern[position] == '\\' && position + 1 < pattern.Length && pattern[position + 1] is 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'p' or 'P')
        {
            AddShorthand(pattern, ref position, set);
            return;
        }
        var rangeStart = position;
        var low = ReadCharacter(pattern, ref position, classStart);
        var high = low;
        if (position + 1 < pattern.Length && pattern[position] == '-' && pattern[position + 1] != ']')
        {
            position++;
            high = ReadCharacter(pattern, ref position, classStart);
        }
        if (high < low)
            throw Re2Translator.Error("invalid character class range", pattern[rangeStart..position]);
        set.Ranges.Add((low, high));
    }

    private static int ReadCharacter(string pattern, ref int position, int classStart)
    {
        if (position >= pattern.Length)
            throw Re2Translator.Error("missing closing ]", pattern[classStart..]);
        if (pattern[position] == '\\')
            return ReadEscape(pattern, ref position);
        Rune.DecodeFromUtf16(pattern.AsSpan(position), out var rune, out var length);
        position += length;
        return rune.Value;
    }

    /// <summary>Reads \d, \pL and the like outside of brackets.</summary>
    public static string ReadShorthand(string pattern, ref int position)
    {
        var set = new Set();
        AddShorthand(pattern, ref position, set);
        return Write(set, negated: false);
    }

    private static void AddShorthand(string pattern, ref int position, Set set)
    {
        var letter = pattern[position + 1];
        if (letter is 'p' or 'P')
        {
            AddCategory(pattern, ref position, set);
            return;
        }
        position += 2;
        (int, int)[] ranges = char.ToLowerInvariant(letter) switch
        {
            'd' => [('0', '9')],
            'w' => [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
            _ => [('\t', '\n'), ('\f', '\r'), (' ', ' ')],
        };
        if (char.IsUpper(letter))
            set.AddNegated(ranges);
        else
            set.Ranges.AddRange(ranges);
    }

    private static void AddCategory(string pattern, ref int position, Set set)
    {
        var start = position;
        var negated = pattern[position + 1] == 'P';
        position += 2;
        if (position >= pattern.Length)
            throw Re2Translator.Error("invalid character class range", pattern[start..]);
        var name = pattern[position].ToString();
        if (name == "{")
        {
            var end = pattern.IndexOf('}', position);
            if (end < 0)
                throw Re2Translator.Error("invalid character class range", pattern[start..]);
            name = pattern[(position + 1)..end];
            position = end;
        }
        position++;
        if (name.StartsWith('^'))
        {
            negated = !negated;
            name = name[1..];
        }
        if (name == "Any")
        {
            if (!negated)
                set.Ranges.Add((0, MaxRune));
            return;
        }
        if (!Categories.Contains(name))
            throw Re2Translator.Error("invalid character class range", pattern[start..position]);
        set.Categories.Append(negated ? @"\P{" : @"\p{").Append(name).Append('}');
    }

    /// <summary>Reads an escape that stands for one character.</summary>
    public static int ReadEscape(string pattern, ref int position)
    {
        var start = position;
        if (position + 1 >= pattern.Length)
            throw Re2Translator.Error("trailing backslash at end of expression", "");
        var c = pattern[position + 1];
        position += 2;
        switch (c)
        {
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case 'x':
                return ReadHex(pattern, ref position, start);
            case >= '0' and <= '7' when c == '0' || (position < pattern.Length && pattern[position] is >= '0' and <= '7'):
                var value = c - '0';
                for (var i = 0; i < 2 && position < pattern.Length && pattern[position] is >= '0' and <= '7'; i++)
                    value = value * 8 + (pattern[position++] - '0');
                return value;
            case < '\u0080' when !char.IsAsciiLetterOrDigit(c):
                return c;
            default:
                throw Re2Translator.Error("invalid escape sequence", pattern[start..position]);
        }
    }

    private static int ReadHex(string pattern, ref int position, int start)
    {
        var braced = position < pattern.Length && pattern[position] == '{';
        var end = braced ? pattern.IndexOf('}', position) : Math.Min(position + 2, pattern.Length);
        var digits = end < 0 ? "" : pattern[(braced ? position + 1 : position)..end];
        var valid = digits.Length is > 0 and <= 8 && (braced || digits.Length == 2);
        if (!valid || !int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || !Rune.IsValid(value))
            throw Re2Translator.Error("invalid escape sequence", pattern[start..Math.Max(position, Math.Min(end < 0 ? pattern.Length : end, pattern.Length))]);
        position = braced ? end + 1 : end;
        return value;
    }

    private static (int, int)[]? Posix(string name) => name switch
    {
        "alnum" => [('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => [('A', 'Z'), ('a', 'z')],
        "ascii" => [(0, 0x7f)],
        "blank" => [('\t', '\t'), (' ', ' ')],
        "cntrl" => [(0, 0x1f), (0x7f, 0x7f)],
        "digit" => [('0', '9')],
        "graph" => [('!', '~')],
        "lower" => [('a', 'z')],
        "print" => [(' ', '~')],
        "punct" => [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => [('\t', '\r'), (' ', ' ')],
        "upper" => [('A', 'Z')],
        "word" => [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => [('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => null,
    };

    private static string Write(Set set, bool negated)
    {
        if (set.Categories.Length > 0 && negated)
        {
            // Categories have no ranges to turn around; what lies outside the basic plane counts as outside of them.
            var inner = new StringBuilder().Append(set.Categories);
            AppendBasic(inner, set.Ranges);
            return $@"(?:{Pair}|[^{inner}\uD800-\uDFFF])";
        }
        var ranges = set.Ranges;
        if (negated)
        {
            var complement = new Set();
            complement.AddNegated(ranges);
            ranges = complement.Ranges;
        }
        var basic = new StringBuilder().Append(set.Categories);
        AppendBasic(basic, ranges);
        List<string> alternatives = basic.Length == 0 ? [] : [$"[{basic}]"];
        foreach (var (low, high) in ranges)
        {
            if (high > 0xFFFF)
                AppendPairs(alternatives, Math.Max(low, 0x10000), high);
        }
        // An empty class matches nothing.
        return alternatives.Count == 0 ? @"[^\s\S]" : alternatives.Count == 1 ? alternatives[0] : $"(?:{string.Join('|', alternatives)})";
    }

    private static void AppendBasic(StringBuilder builder, List<(int Low, int High)> ranges)
    {
        foreach (var (low, high) in ranges)
        {
            AppendRange(builder, low, Math.Min(high, 0xD7FF));
            AppendRange(builder, Math.Max(low, 0xE000), Math.Min(high, 0xFFFF));
        }
    }

    private static void AppendRange(StringBuilder builder, int low, int high)
    {
        if (low <= high)
            builder.Append(CultureInfo.InvariantCulture, $"\\u{low:X4}-\\u{high:X4}");
    }

    private static void AppendPairs(List<string> alternatives, int low, int high)
    {
        var (lowFirst, lowSecond) = Split(low);
        var (highFirst, highSecond) = Split(high);
        if (lowFirst == highFirst)
        {
            alternatives.Add(PairRange(lowFirst, lowFirst, lowSecond, highSecond));
            return;
        }
        alternatives.Add(PairRange(lowFirst, lowFirst, lowSecond, 0xDFFF));
        if (highFirst - lowFirst > 1)
            alternatives.Add(PairRange(lowFirst + 1, highFirst - 1, 0xDC00, 0xDFFF));
        alternatives.Add(PairRange(highFirst, highFirst, 0xDC00, highSecond));
    }

    private static (int First, int Second) Split(int rune) => (0xD800 + ((rune - 0x10000) >> 10), 0xDC00 + ((rune - 0x10000) & 0x3FF));

    private static string PairRange(int firstLow, int firstHigh, int secondLow, int secondHigh) =>
        string.Create(CultureInfo.InvariantCulture, $"[\\u{firstLow:X4}-\\u{firstHigh:X4}][\\u{secondLow:X4}-\\u{secondHigh:X4}]");
}
