using System.Text;

namespace LiteKube.Apis.Selectors;

/// <summary>A parsed field selector: <c>metadata.name=a,status.phase!=Running</c> (https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/). Immutable.</summary>
public sealed class FieldSelector
{
    private readonly (string Field, string Value, bool IsEqual)[] _requirements;

    private FieldSelector((string Field, string Value, bool IsEqual)[] requirements) => _requirements = requirements;

    public static FieldSelector Everything { get; } = new([]);

    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    public static FieldSelector Parse(string text)
    {
        var requirements = new List<(string, string, bool)>();
        foreach (var term in SplitTerms(text))
        {
            if (term.Length > 0)
                requirements.Add(ReadTerm(text, term));
        }

        return requirements.Count == 0 ? Everything : new([.. requirements]);
    }

    public bool IsEverything => _requirements.Length == 0;

    /// <summary>(field, value, isEqual) in the order given.</summary>
    public IReadOnlyList<(string Field, string Value, bool IsEqual)> Requirements => _requirements;

    /// <summary>The value that an equality requirement demands of <paramref name="field"/>, or null: lets a list of one name read one key.</summary>
    public string? RequiredValue(string field)
    {
        foreach (var requirement in _requirements)
        {
            if (requirement.IsEqual && requirement.Field == field)
                return requirement.Value;
        }

        return null;
    }

    /// <param name="valueOf">A field's value as text; "" where the object has none.</param>
    public bool Matches(Func<string, string> valueOf)
    {
        foreach (var (field, value, isEqual) in _requirements)
        {
            if (string.Equals(valueOf(field), value, StringComparison.Ordinal) != isEqual)
                return false;
        }

        return true;
    }

    public override string ToString() => string.Join(',', _requirements.Select(r => $"{r.Field}{(r.IsEqual ? "=" : "!=")}{Escape(r.Value)}"));

    private static (string Field, string Value, bool IsEqual) ReadTerm(string text, string term)
    {
        for (var i = 0; i < term.Length; i++)
        {
            if (term[i] != '=' && !(term[i] == '!' && i + 1 < term.Length && term[i + 1] == '='))
                continue;
            var width = term[i] == '!' || (i + 1 < term.Length && term[i + 1] == '=') ? 2 : 1;
            return (term[..i], Unescape(term[(i + width)..]), term[i] == '=');
        }

        throw new FormatException($"invalid selector: '{text}'; can't understand '{term}'");
    }

    // A comma after a backslash belongs to the value.
    private static List<string> SplitTerms(string text)
    {
        var terms = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == ',')
            {
                terms.Add(text[start..i]);
                start = i + 1;
            }
        }

        terms.Add(text[start..]);
        return terms;
    }

    private static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal);

    private static string Unescape(string value)
    {
        if (value.AsSpan().IndexOfAny('\\', ',', '=') < 0)
            return value;
        var result = new StringBuilder(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] is ',' or '=')
                throw new FormatException($"invalid field selector: unescaped character in value: {(int)value[i]}");
            if (value[i] != '\\')
            {
                result.Append(value[i]);
                continue;
            }

            if (++i == value.Length)
                throw new FormatException("invalid field selector: invalid escape sequence: \\");
            if (value[i] is not ('\\' or ',' or '='))
                throw new FormatException($"invalid field selector: invalid escape sequence: \\{value[i]}");
            result.Append(value[i]);
        }

        return result.ToString();
    }
}
