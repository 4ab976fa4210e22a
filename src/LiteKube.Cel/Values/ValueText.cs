using System.Globalization;
using System.Text;

namespace LiteKube.Cel;

/// <summary>Values as text: for messages, and sizes in code points.</summary>
internal static class ValueText
{
    /// <summary>Text of a value inside an error message, e.g. <c>no such key: x</c>.</summary>
    public static string Describe(in CelValue value) => value.Kind switch
    {
        CelKind.Null => "null",
        CelKind.Bool => value.AsBool ? "true" : "false",
        CelKind.Int => value.AsInt.ToString(CultureInfo.InvariantCulture),
        CelKind.Uint => value.AsUint.ToString(CultureInfo.InvariantCulture),
        CelKind.Double => GoFormat.Double(value.AsDouble),
        CelKind.String => value.AsString,
        CelKind.Bytes => Encoding.UTF8.GetString(value.AsBytes.Span),
        CelKind.Duration => GoFormat.Duration(value.AsDurationNanos),
        CelKind.Timestamp => value.AsTimestamp.ToString(),
        CelKind.Type => value.AsType.Name,
        CelKind.List => DescribeList(value.AsList),
        CelKind.Map => $"map of {value.AsMap.Count}",
        CelKind.Optional => value.HasValue ? $"optional({Describe(value.OptionalValue)})" : "optional.none()",
        CelKind.Object => value.AsObject.ToString() ?? value.AsObject.Type.Name,
        CelKind.Error => value.AsError.Message,
        _ => "nothing",
    };

    private static string DescribeList(CelList list)
    {
        var builder = new StringBuilder("[");
        for (var i = 0; i < list.Count && builder.Length < 200; i++)
            builder.Append(i == 0 ? "" : ", ").Append(Describe(list[i]));
        return builder.Append(']').ToString();
    }

    /// <summary>Code points, which is what size() counts.</summary>
    public static int RuneCount(string text)
    {
        var count = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1]))
                count--;
        }
        return count;
    }

    /// <summary>Code points; a lone surrogate becomes U+FFFD, as it would in UTF-8.</summary>
    public static int[] Runes(string text)
    {
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            runes.Add(rune.Value);
        return [.. runes];
    }

    public static string FromRunes(ReadOnlySpan<int> runes)
    {
        var builder = new StringBuilder(runes.Length);
        foreach (var rune in runes)
            builder.Append(new Rune(rune));
        return builder.ToString();
    }
}
