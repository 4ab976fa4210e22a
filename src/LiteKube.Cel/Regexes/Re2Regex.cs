using System.Text.RegularExpressions;
using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel;

/// <summary>A regular expression of RE2's syntax, matched in time linear in the text.</summary>
internal sealed class Re2Regex
{
    private readonly Regex _regex;

    private Re2Regex(Regex regex) => _regex = regex;

    public static bool TryCompile(string pattern, out Re2Regex regex, out string error)
    {
        regex = null!;
        if (!Re2Translator.TryTranslate(pattern, out var translated, out error))
            return false;
        try
        {
            regex = new(new Regex(translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
            return true;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            error = $"error parsing regexp: expression too large: `{pattern}`";
            return false;
        }
    }

    public CelValue IsMatch(string text) => CelValue.Bool(_regex.IsMatch(text));

    public CelValue Find(string text) => CelValue.String(_regex.Match(text).Value);

    /// <summary>All matches that do not overlap, or the first of them; an empty match right behind another is none.</summary>
    public CelValue FindAll(string text, long limit)
    {
        List<CelValue> found = [];
        var previousEnd = -1;
        for (var match = _regex.Match(text); match.Success && (limit < 0 || found.Count < limit); match = match.NextMatch())
        {
            var insideCharacter = match.Index < text.Length && char.IsLowSurrogate(text[match.Index]);
            if (match.Length == 0 && (match.Index == previousEnd || insideCharacter))
                continue;
            previousEnd = match.Index + match.Length;
            found.Add(CelValue.String(match.Value));
        }
        return CelValue.List([.. found]);
    }

    /// <summary>The code of a call whose pattern is constant, compiled once; null when it is not such a call.</summary>
    public static CelFunctionBody? Specialize(string function, Node[] args, out string? error)
    {
        error = null;
        if (function is not ("matches" or "find" or "findAll") || args.Length < 2 || args[1] is not ConstNode { Value: { Kind: CelKind.String } pattern })
            return null;
        if (!TryCompile(pattern.AsString, out var regex, out var message))
        {
            error = message;
            return null;
        }
        return function switch
        {
            "matches" => a => regex.IsMatch(a[0].AsString),
            "find" => a => regex.Find(a[0].AsString),
            _ => a => regex.FindAll(a[0].AsString, a.Length > 2 ? a[2].AsInt : -1),
        };
    }
}
