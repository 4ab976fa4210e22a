using System.Text;
using LiteKube.Cel.Evaluation;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>The string extensions, in the version that Kubernetes enables. Positions count code points.</summary>
internal static class StringLibrary
{
    private static readonly CelType S = CelType.String;
    private static readonly CelType I = CelType.Int;

    public static CelLibrary Create() => new("strings", [.. Functions()]);

    private static IEnumerable<CelFunction> Functions() =>
    [
        Function("charAt", Member("string_char_at_int", [S, I], S, CharAt)),
        Function(
            "indexOf",
            Member("string_index_of_string", [S, S], I, args => IndexOf(args[0].AsString, args[1].AsString, 0)),
            Member("string_index_of_string_int", [S, S, I], I, args => IndexOf(args[0].AsString, args[1].AsString, args[2].AsInt))),
        Function(
            "lastIndexOf",
            Member("string_last_index_of_string", [S, S], I, args => LastIndexOf(args[0].AsString, args[1].AsString, null)),
            Member("string_last_index_of_string_int", [S, S, I], I, args => LastIndexOf(args[0].AsString, args[1].AsString, args[2].AsInt))),
        Function("lowerAscii", Member("string_lower_ascii", [S], S, args => CelValue.String(MapAscii(args[0].AsString, char.ToLowerInvariant)))),
        Function("upperAscii", Member("string_upper_ascii", [S], S, args => CelValue.String(MapAscii(args[0].AsString, char.ToUpperInvariant)))),
        Function(
            "replace",
            Member("string_replace_string_string", [S, S, S], S, args => CelValue.String(Replace(args[0].AsString, args[1].AsString, args[2].AsString, -1))),
            Member("string_replace_string_string_int", [S, S, S, I], S, args => CelValue.String(Replace(args[0].AsString, args[1].AsString, args[2].AsString, args[3].AsInt)))),
        Function(
            "split",
            Member("string_split_string", [S, S], StringList, args => Split(args[0].AsString, args[1].AsString, -1)),
            Member("string_split_string_int", [S, S, I], StringList, args => Split(args[0].AsString, args[1].AsString, args[2].AsInt))),
        Function(
            "substring",
            Member("string_substring_int", [S, I], S, args => Substring(args[0].AsString, args[1].AsInt, null)),
            Member("string_substring_int_int", [S, I, I], S, args => Substring(args[0].AsString, args[1].AsInt, args[2].AsInt))),
        Function("trim", Member("string_trim", [S], S, args => CelValue.String(args[0].AsString.Trim()))),
        Function(
            "join",
            Member("list_join", [StringList], S, args => Join(args[0].AsList, "")),
            Member("list_join_string", [StringList, S], S, args => Join(args[0].AsList, args[1].AsString))),
        Function("format", Member("string_format", [S, CelType.DynList], S, args => StringFormat.Format(args[0].AsString, args[1].AsList))),
        Function("strings.quote", Global("strings_quote", [S], S, args => CelValue.String(Quote(args[0].AsString)))),
    ];

    private static CelValue OutOfRange(long index) => CelValue.Error($"index out of range: {index}");

    private static CelValue CharAt(ReadOnlySpan<CelValue> args)
    {
        var runes = ValueText.Runes(args[0].AsString);
        var index = args[1].AsInt;
        if (index < 0 || index > runes.Length)
            return OutOfRange(index);
        return CelValue.String(index == runes.Length ? "" : new Rune(runes[index]).ToString());
    }

    private static CelValue IndexOf(string text, string part, long offset)
    {
        if (offset < 0)
            return OutOfRange(offset);
        var runes = ValueText.Runes(text);
        if (part.Length == 0)
            return CelValue.Int(Math.Min(offset, runes.Length));
        if (offset >= runes.Length)
            return CelValue.Int(-1);
        var found = runes.AsSpan((int)offset).IndexOf(ValueText.Runes(part));
        return CelValue.Int(found < 0 ? -1 : found + offset);
    }

    private static CelValue LastIndexOf(string text, string part, long? offset)
    {
        if (offset < 0)
            return OutOfRange(offset.Value);
        var runes = ValueText.Runes(text);
        if (part.Length == 0)
            return CelValue.Int(Math.Min(offset ?? runes.Length, runes.Length));
        if (offset >= runes.Length)
            return CelValue.Int(-1);
        var parts = ValueText.Runes(part);
        var end = offset is { } start ? Math.Min(runes.Length, start + parts.Length) : runes.Length;
        return CelValue.Int(runes.AsSpan(0, (int)end).LastIndexOf(parts));
    }

    private static string MapAscii(string text, Func<char, char> map) => string.Create(text.Length, (text, map), static (span, state) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsAscii(state.text[i]) ? state.map(state.text[i]) : state.text[i];
    });

    /// <summary>Replaces the first occurrences, all when the limit is negative; an empty pattern lies around each character.</summary>
    private static string Replace(string text, string old, string with, long limit)
    {
        if (old.Length > 0 && limit < 0 && with.Length <= old.Length)
            return text.Replace(old, with, StringComparison.Ordinal);
        var left = limit < 0 ? long.MaxValue : limit;
        var builder = new StringBuilder();
        var position = 0;
        while (left > 0)
        {
            var found = old.Length == 0 ? position : text.IndexOf(old, position, StringComparison.Ordinal);
            if (found < 0)
                break;
            WorkLimit.SpendCharacters(found - position + with.Length + 4);
            builder.Append(text, position, found - position).Append(with);
            position = found + old.Length;
            left--;
            if (old.Length > 0)
                continue;
            if (position >= text.Length)
                break;
            var width = CharacterLength(text, position);
            builder.Append(text, position, width);
            position += width;
        }
        return builder.Append(text, position, text.Length - position).ToString();
    }

    private static int CharacterLength(string text, int at) => char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;

    private static CelValue Split(string text, string separator, long limit)
    {
        if (limit == 0)
            return CelValue.List();
        List<CelValue> parts = [];
        var position = 0;
        while (limit < 0 || parts.Count < limit - 1)
        {
            int next;
            if (separator.Length == 0)
            {
                if (position >= text.Length || position + CharacterLength(text, position) >= text.Length)
                    break;
                next = position + CharacterLength(text, position);
            }
            else
            {
                next = text.IndexOf(separator, position, StringComparison.Ordinal);
            }
            if (next < 0)
                break;
            WorkLimit.Spend(1);
            parts.Add(CelValue.String(text[position..next]));
            position = next + separator.Length;
        }
        if (separator.Length > 0 || position < text.Length)
            parts.Add(CelValue.String(text[position..]));
        return CelValue.List([.. parts]);
    }

    private static CelValue Substring(string text, long start, long? end)
    {
        var runes = ValueText.Runes(text);
        if (start > end)
            return CelValue.Error($"invalid substring range. start: {start}, end: {end}");
        if (start < 0 || start > runes.Length)
            return OutOfRange(start);
        if (end < 0 || end > runes.Length)
            return OutOfRange(end.Value);
        return CelValue.String(ValueText.FromRunes(runes.AsSpan((int)start..(int)(end ?? runes.Length))));
    }

    private static CelValue Join(CelList list, string separator)
    {
        var builder = new StringBuilder();
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i].Kind != CelKind.String)
                return list[i].IsError ? list[i] : CelValue.Error($"join: invalid input: {ValueText.Describe(list[i])}");
            WorkLimit.SpendCharacters(separator.Length + list[i].AsString.Length + 4);
            builder.Append(i == 0 ? "" : separator).Append(list[i].AsString);
        }
        return CelValue.String(builder.ToString());
    }

    private static string Quote(string text)
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
                _ => null,
            };
            _ = escape is null ? builder.Append(rune) : builder.Append(escape);
        }
        return builder.Append('"').ToString();
    }
}
