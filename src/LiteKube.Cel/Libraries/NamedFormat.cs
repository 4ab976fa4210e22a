using System.Text.RegularExpressions;
using LiteKube.Cel.Libraries;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel;

/// <summary>A format of text that Kubernetes knows by name.</summary>
internal sealed partial class NamedFormat(string name, int maxRegexSize, Func<string, IEnumerable<string>> validate) : CelObject
{
    public static readonly CelType FormatType = CelType.Struct("kubernetes.NamedFormat");

    private const string LabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string SubdomainPattern = LabelPattern + "(\\." + LabelPattern + ")*";
    private const string Label1035Pattern = "[a-z]([-a-z0-9]*[a-z0-9])?";
    private const string QualifiedNamePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    private static readonly Dictionary<string, NamedFormat> Known = new(StringComparer.Ordinal)
    {
        ["dns1123Label"] = new("DNS1123Label", 30, Label),
        ["dns1123Subdomain"] = new("DNS1123Subdomain", 60, Subdomain),
        ["dns1035Label"] = new("DNS1035Label", 30, Label1035),
        ["qualifiedName"] = new("QualifiedName", 60, QualifiedName),
        ["dns1123LabelPrefix"] = new("DNS1123LabelPrefix", 30, s => Label(MaskTrailingDash(s))),
        ["dns1123SubdomainPrefix"] = new("DNS1123SubdomainPrefix", 60, s => Subdomain(MaskTrailingDash(s))),
        ["dns1035LabelPrefix"] = new("DNS1035LabelPrefix", 30, s => Label1035(MaskTrailingDash(s))),
        ["labelValue"] = new("LabelValue", 40, LabelValue),
        ["uri"] = new("URI", 1103, s => GoUrl.TryParse(s, out _, out var error) ? [] : [error]),
        ["uuid"] = new("uuid", 72, s => UuidRegex().IsMatch(s) ? [] : ["does not match the UUID format"]),
        ["byte"] = new("byte", 84, s => Base64Regex().IsMatch(s) ? [] : ["invalid base64"]),
        ["date"] = new("date", 66, s => TimeText.TryParseDate(s, out _) ? [] : ["invalid date"]),
        ["datetime"] = new("datetime", 66, s => TimeText.TryParseTimestamp(s.ToUpperInvariant(), out _) ? [] : ["invalid datetime"]),
    };

    public override CelType Type => FormatType;

    public int MaxRegexSize => maxRegexSize;

    public override bool EqualTo(CelObject other) => other is NamedFormat format && format.ToString() == name;

    public override string ToString() => name;

    public static CelLibrary Library() => new("kubernetes.format",
    [
        Function("format.named", Global("format-named", [CelType.String], CelType.Optional(FormatType), args =>
            Known.TryGetValue(args[0].AsString, out var format) ? CelValue.OptionalOf(CelValue.Object(format)) : CelValue.OptionalNone)),
        Function("validate", Member("format-validate", [FormatType, CelType.String], CelType.Optional(StringList), args => ((NamedFormat)args[0].AsObject).Validate(args[1].AsString))),
        .. Known.Select(k => Function("format." + k.Key, Global("format." + k.Key, [], FormatType, _ => CelValue.Object(k.Value)))),
    ], types: [FormatType]);

    private CelValue Validate(string text)
    {
        CelValue[] errors = [.. validate(text).Select(CelValue.String)];
        return errors.Length == 0 ? CelValue.OptionalNone : CelValue.OptionalOf(CelValue.List(errors));
    }

    internal static bool IsDnsLabel(string text) => !Label(text).Any();

    internal static bool IsDnsSubdomain(string text) => !Subdomain(text).Any();

    /// <summary>A prefix may end in a dash, since more is to follow.</summary>
    private static string MaskTrailingDash(string text) => text.Length > 1 && text.EndsWith('-') ? text[..^2] + "a" : text;

    private static string RegexMessage(string message, string pattern, params string[] examples) =>
        $"{message} (e.g. {string.Join(" or ", examples.Select(e => $"'{e}', "))}regex used for validation is '{pattern}')";

    private static IEnumerable<string> TooLong(string text, int max)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(text) > max)
            yield return $"must be no more than {max} characters";
    }

    private static IEnumerable<string> Label(string text)
    {
        var errors = TooLong(text, 63).ToList();
        if (!LabelRegex().IsMatch(text))
        {
            errors.Add(SubdomainRegex().IsMatch(text)
                ? "must not contain dots"
                : RegexMessage("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", LabelPattern, "my-name", "123-abc"));
        }
        return errors;
    }

    private static IEnumerable<string> Subdomain(string text)
    {
        var errors = TooLong(text, 253).ToList();
        if (!SubdomainRegex().IsMatch(text))
            errors.Add(RegexMessage("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", SubdomainPattern, "example.com"));
        return errors;
    }

    private static IEnumerable<string> Label1035(string text)
    {
        var errors = TooLong(text, 63).ToList();
        if (!Label1035Regex().IsMatch(text))
            errors.Add(RegexMessage("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", Label1035Pattern, "my-name", "abc-123"));
        return errors;
    }

    private static IEnumerable<string> LabelValue(string text)
    {
        var errors = TooLong(text, 63).ToList();
        if (text.Length > 0 && !QualifiedNameRegex().IsMatch(text))
            errors.Add(RegexMessage("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", $"({QualifiedNamePattern})?", "MyValue", "my_value", "12345"));
        return errors;
    }

    private static IEnumerable<string> QualifiedName(string text)
    {
        const string rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
        var message = RegexMessage(rule, QualifiedNamePattern, "MyName", "my.name", "123-abc");
        var parts = text.Split('/');
        if (parts.Length > 2)
            return [$"a qualified name {message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
        List<string> errors = [];
        if (parts.Length == 2)
            errors.AddRange(parts[0].Length == 0 ? ["prefix part must be non-empty"] : Subdomain(parts[0]).Select(e => "prefix part " + e));
        var name = parts[^1];
        if (name.Length == 0)
            errors.Add("name part must be non-empty");
        errors.AddRange(TooLong(name, 63).Select(e => "name part " + e));
        if (!QualifiedNameRegex().IsMatch(name))
            errors.Add("name part " + message);
        return errors;
    }

    [GeneratedRegex("^" + LabelPattern + "\\z", RegexOptions.CultureInvariant)]
    private static partial Regex LabelRegex();

    [GeneratedRegex("^" + SubdomainPattern + "\\z", RegexOptions.CultureInvariant)]
    private static partial Regex SubdomainRegex();

    [GeneratedRegex("^" + Label1035Pattern + "\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Label1035Regex();

    [GeneratedRegex("^" + QualifiedNamePattern + "\\z", RegexOptions.CultureInvariant)]
    private static partial Regex QualifiedNameRegex();

    [GeneratedRegex("^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UuidRegex();

    [GeneratedRegex("^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Base64Regex();
}
