using System.Text;

namespace LiteKube.Cel;

/// <summary>Names of properties as identifiers of the language, which Kubernetes escapes.</summary>
public static class CelIdentifiers
{
    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    };

    /// <summary>The identifier for a property, or null when it cannot be one, e.g. for <c>0a</c> or <c>a$b</c>.</summary>
    public static string? Escape(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
            return null;
        if (Reserved.Contains(name))
            return $"__{name}__";
        var plain = true;
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            if (c is '.' or '-' or '/')
                plain = false;
            else if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                return null;
            if (c == '_' && i > 0 && name[i - 1] == '_')
                plain = false;
        }
        return plain ? name : name
            .Replace("__", "\u0001", StringComparison.Ordinal)
            .Replace(".", "__dot__", StringComparison.Ordinal)
            .Replace("-", "__dash__", StringComparison.Ordinal)
            .Replace("/", "__slash__", StringComparison.Ordinal)
            .Replace("\u0001", "__underscores__", StringComparison.Ordinal);
    }

    /// <summary>The property for an identifier, or null when it is not the escape of any.</summary>
    public static string? Unescape(string identifier)
    {
        if (!identifier.Contains("__", StringComparison.Ordinal))
            return identifier;
        var builder = new StringBuilder(identifier.Length);
        for (var i = 0; i < identifier.Length;)
        {
            var word = EscapedWord(identifier, i);
            if (word is null)
            {
                builder.Append(identifier[i++]);
                continue;
            }
            var text = word switch
            {
                "underscores" => "__",
                "dot" => ".",
                "dash" => "-",
                "slash" => "/",
                _ when Reserved.Contains(word) && word.Length + 4 == identifier.Length => word,
                _ => null,
            };
            if (text is null)
                return null;
            builder.Append(text);
            i += word.Length + 4;
        }
        return builder.ToString();
    }

    /// <summary>The word between two pairs of underscores at a position.</summary>
    private static string? EscapedWord(string text, int at)
    {
        if (string.CompareOrdinal(text, at, "__", 0, 2) != 0)
            return null;
        var end = at + 2;
        while (end < text.Length && text[end] != '_')
            end++;
        return end > at + 2 && string.CompareOrdinal(text, end, "__", 0, 2) == 0 ? text[(at + 2)..end] : null;
    }
}
