using System.Text;

namespace LiteKube.Cel;

/// <summary>A place in an expression: the line from 1, the column from 0, in code points; line -1 is no place.</summary>
public readonly record struct CelLocation(int Line, int Column)
{
    internal static readonly CelLocation None = new(-1, -1);
}

/// <summary>Something wrong with an expression.</summary>
public sealed record CelIssue(CelLocation Location, string Message, string Display)
{
    /// <summary>The issue with its source line and a caret, as Kubernetes shows it: <c>ERROR: &lt;input&gt;:1:5: ...</c>.</summary>
    public override string ToString() => Display;

    /// <summary>All issues as one text, an issue after the other.</summary>
    public static string Format(IEnumerable<CelIssue> issues) => string.Join("\n", issues.Select(i => i.Display));
}

/// <summary>An expression's text, with its offsets (in UTF-16 units) mapped to places.</summary>
internal sealed class SourceText
{
    private const int MaxSnippetLength = 16384;
    private readonly List<int> _lineStarts = [0];

    public SourceText(string text)
    {
        Text = text;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
                _lineStarts.Add(i + 1);
        }
    }

    public string Text { get; }

    public CelLocation LocationOf(int offset)
    {
        if (offset < 0)
            return CelLocation.None;
        var line = _lineStarts.BinarySearch(offset);
        line = line >= 0 ? line : ~line - 1;
        return new(line + 1, ValueText.RuneCount(Text[_lineStarts[line]..Math.Min(offset, Text.Length)]));
    }

    public CelIssue Issue(CelLocation location, string message) => new(location, message, Display(location, message));

    private string Display(CelLocation location, string message)
    {
        var builder = new StringBuilder($"ERROR: <input>:{location.Line}:{location.Column + 1}: {message}");
        if (location.Line < 1 || location.Line > _lineStarts.Count)
            return builder.ToString();
        var start = _lineStarts[location.Line - 1];
        var end = Text.IndexOf('\n', start);
        var snippet = (end < 0 ? Text[start..] : Text[start..end]).Replace('\t', ' ');
        if (snippet.Length > MaxSnippetLength)
            return builder.ToString();
        builder.Append("\n | ").Append(snippet).Append("\n | ");
        // Characters of more than a byte are drawn wide, so that the caret stays below its character.
        var runes = ValueText.Runes(snippet);
        for (var i = 0; i < location.Column && i < runes.Length; i++)
            builder.Append(runes[i] > 0x7f ? '\uff0e' : '.');
        builder.Append(location.Column < runes.Length && location.Column >= 0 && runes[location.Column] > 0x7f ? '\uff3e' : '^');
        return builder.ToString();
    }
}

/// <summary>Collects issues in the order of their places, no more than a hundred.</summary>
internal sealed class IssueList(SourceText source)
{
    private const int MaxReported = 100;
    private readonly List<CelIssue> _issues = [];
    private int _count;

    public int Count => _count;

    public void Report(int offset, string message) => Report(source.LocationOf(offset), message);

    public void Report(CelLocation location, string message)
    {
        if (_count++ < MaxReported)
            _issues.Add(source.Issue(location, message));
    }

    public IReadOnlyList<CelIssue> Sorted()
    {
        var sorted = _issues.OrderBy(i => i.Location.Line).ThenBy(i => i.Location.Column).ToList();
        if (_count > MaxReported)
            sorted.Add(new(CelLocation.None, $"{_count - MaxReported} more errors were truncated", $"{_count - MaxReported} more errors were truncated"));
        return sorted;
    }
}
