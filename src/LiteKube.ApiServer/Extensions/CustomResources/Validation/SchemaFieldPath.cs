using System.Text;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Paths that name a field by its schema: ".spec.color", ".spec['a.b']".</summary>
internal static class SchemaFieldPath
{
    /// <inheritdoc cref="Find(string, StructuralSchema, bool, out StructuralSchema, out string)"/>
    public static string? Find(string path, StructuralSchema schema, bool allowsBrackets, out StructuralSchema found) => Find(path, schema, allowsBrackets, out found, out _);

    /// <param name="normalized">The path as errors show it: "spec.color", "labels[a]".</param>
    /// <returns>What is wrong with the path; null: it leads to <paramref name="found"/>.</returns>
    public static string? Find(string path, StructuralSchema schema, bool allowsBrackets, out StructuralSchema found, out string normalized)
    {
        found = schema;
        normalized = "";
        var rest = path.AsSpan();
        while (!rest.IsEmpty)
        {
            var delimiter = Next(ref rest);
            if (delimiter is not ("[" or ".")) return $"expected [ or . but got: {delimiter}";
            if (delimiter == "[" && !allowsBrackets) return "array notation is not allowed";
            if (rest.IsEmpty) return "unexpected end of JSON path";
            var name = Next(ref rest);
            if (delimiter == "[" && Unquote(ref name) is { } complaint) return complaint;
            if (found.Properties.Count > 0)
            {
                if (!found.Properties.TryGetValue(name, out var property)) return "does not refer to a valid field";
                (found, normalized) = (property, normalized.Length == 0 ? name : $"{normalized}.{name}");
            }
            else if (found.AdditionalProperties is { } additional)
            {
                (found, normalized) = (additional, $"{normalized}[{name}]");
            }
            else
            {
                return "does not refer to a valid field";
            }
            if (delimiter == ".") continue;
            if (rest.IsEmpty) return "unexpected end of JSON path";
            if (Next(ref rest) is var close && close != "]") return $"expected ] but got {close}";
        }
        return null;
    }

    /// <summary>A delimiter, a quoted text with its quotes, or what stands before the next delimiter.</summary>
    private static string Next(ref ReadOnlySpan<char> rest)
    {
        var length = rest[0] == '\'' ? QuotedLength(rest) : rest.IndexOfAny('.', '[', ']') is var at && at > 0 ? at : at == 0 ? 1 : rest.Length;
        var token = rest[..length].ToString();
        rest = rest[length..];
        return token;
    }

    private static int QuotedLength(ReadOnlySpan<char> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\'' && text[i - 1] != '\\') return i + 1;
        }
        return text.Length;
    }

    private static string? Unquote(ref string token)
    {
        if (token.Length < 2 || token[0] != '\'' || token[^1] != '\'') return $"expected single quoted string but got {token}";
        var text = new StringBuilder();
        for (var i = 1; i < token.Length - 1; i++)
        {
            if (token[i] != '\\' || i + 1 == token.Length - 1)
            {
                text.Append(token[i]);
                continue;
            }
            var escaped = token[++i] switch { 'a' => '\a', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', 'v' => '\v', '\'' => '\'', '\\' => '\\', _ => '\0' };
            if (escaped == '\0') return $"invalid string literal: invalid escape char \\{token[i]}";
            text.Append(escaped);
        }
        token = text.ToString();
        return null;
    }
}
