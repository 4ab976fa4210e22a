using System.Globalization;

namespace LiteKube.Apis.Values;

/// <summary>
/// The forms of names and labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/). Each check
/// gives Kubernetes' sentences on what is wrong; empty: nothing.
/// </summary>
public static class NameFormats
{
    public const int MaxLabelLength = 63;
    public const int MaxSubdomainLength = 253;

    private const string LabelKeyRule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    private const string LabelKeyRegex = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
    private const string LabelValueRule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    private const string SubdomainRule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    private const string SubdomainRegex = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    private const string Label1123Rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    private const string Label1123Regex = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string Label1035Rule = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    private const string UnderscoreRule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
    private const string UnderscoreRegex = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
    private const string WildcardRule = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    private const string WildcardRegex = "\\*\\." + SubdomainRegex;
    private const string Label1035Regex = "[a-z]([-a-z0-9]*[a-z0-9])?";

    /// <summary>A label's or annotation's key, a finalizer's or resource's name: [prefix/]name.</summary>
    public static IReadOnlyList<string> LabelKey(string value)
    {
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        var name = value.AsSpan(slash + 1);
        if (IsLabelName(name) && name.Length <= MaxLabelLength && (slash < 0 || (slash <= MaxSubdomainLength && IsSubdomain(value.AsSpan(0, slash)))))
            return [];
        if (name.Contains('/'))
            return [$"a valid label key {RegexError(LabelKeyRule, LabelKeyRegex, "MyName", "my.name", "123-abc")} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
        var errors = new List<string>();
        if (slash == 0)
            errors.Add("prefix part must be non-empty");
        else if (slash > 0)
            AddPrefixErrors(errors, value[..slash]);
        if (name.Length == 0)
            errors.Add("name part must be non-empty");
        else if (name.Length > MaxLabelLength)
            errors.Add("name part " + TooLong(MaxLabelLength, "bytes"));
        if (!IsLabelName(name))
            errors.Add("name part " + RegexError(LabelKeyRule, LabelKeyRegex, "MyName", "my.name", "123-abc"));
        return errors;
    }

    public static IReadOnlyList<string> LabelValue(string value)
    {
        var hasForm = value.Length == 0 || IsLabelName(value);
        if (hasForm && value.Length <= MaxLabelLength)
            return [];
        return Errors(value, MaxLabelLength, "bytes", hasForm ? null : RegexError(LabelValueRule, $"({LabelKeyRegex})?", "MyValue", "my_value", "12345"));
    }

    /// <summary>A pod's name and most other kinds' names.</summary>
    public static IReadOnlyList<string> Dns1123Subdomain(string value)
    {
        var hasForm = IsSubdomain(value);
        if (hasForm && value.Length <= MaxSubdomainLength)
            return [];
        return Errors(value, MaxSubdomainLength, "characters", hasForm ? null : RegexError(SubdomainRule, SubdomainRegex, "example.com"));
    }

    /// <summary>A search path of a pod's DNS: underscores may begin a label.</summary>
    public static IReadOnlyList<string> Dns1123SubdomainWithUnderscore(string value)
    {
        var hasForm = value.Split('.').All(label => IsUnderscoreLabel(label));
        return Errors(value, MaxSubdomainLength, "characters", hasForm ? null : RegexError(UnderscoreRule, UnderscoreRegex, "example.com"));
    }

    /// <summary>A host of an Ingress such as *.example.com.</summary>
    public static IReadOnlyList<string> WildcardDns1123Subdomain(string value)
    {
        var hasForm = value.StartsWith("*.", StringComparison.Ordinal) && IsSubdomain(value.AsSpan(2));
        return Errors(value, MaxSubdomainLength, "characters", hasForm ? null : RegexError(WildcardRule, WildcardRegex, "*.example.com"));
    }

    /// <summary>A namespace's or container's name.</summary>
    public static IReadOnlyList<string> Dns1123Label(string value)
    {
        var hasForm = IsDnsLabel(value);
        if (hasForm && value.Length <= MaxLabelLength)
            return [];
        return Errors(value, MaxLabelLength, "characters", hasForm ? null : IsSubdomain(value) ? "must not contain dots" : RegexError(Label1123Rule, Label1123Regex, "my-name", "123-abc"));
    }

    /// <summary>A service's port name in its older form.</summary>
    public static IReadOnlyList<string> Dns1035Label(string value)
    {
        var hasForm = IsDnsLabel(value) && char.IsAsciiLetterLower(value[0]);
        return Errors(value, MaxLabelLength, "characters", hasForm ? null : RegexError(Label1035Rule, Label1035Regex, "my-name", "abc-123"));
    }

    private static IReadOnlyList<string> Errors(string value, int maxLength, string unit, string? formError)
    {
        if (value.Length <= maxLength)
            return formError is null ? [] : [formError];
        return formError is null ? [TooLong(maxLength, unit)] : [TooLong(maxLength, unit), formError];
    }

    private static void AddPrefixErrors(List<string> errors, string prefix)
    {
        if (prefix.Length > MaxSubdomainLength)
            errors.Add("prefix part " + TooLong(MaxSubdomainLength, "bytes"));
        if (!IsSubdomain(prefix))
            errors.Add("prefix part " + RegexError(SubdomainRule, SubdomainRegex, "example.com"));
    }

    private static bool IsLabelName(ReadOnlySpan<char> value)
    {
        if (value.Length == 0 || !char.IsAsciiLetterOrDigit(value[0]) || !char.IsAsciiLetterOrDigit(value[^1]))
            return false;
        foreach (var c in value)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
                return false;
        }

        return true;
    }

    private static bool IsUnderscoreLabel(ReadOnlySpan<char> value)
    {
        var label = value.Length > 0 && value[0] == '_' ? value[1..] : value;
        if (label.Length == 0 || label[0] is '-' or '_' || label[^1] is '-' or '_')
            return false;
        foreach (var c in label)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('-' or '_'))
                return false;
        }

        return true;
    }

    private static bool IsSubdomain(ReadOnlySpan<char> value)
    {
        foreach (var label in value.Split('.'))
        {
            if (!IsDnsLabel(value[label]))
                return false;
        }

        return true;
    }

    private static bool IsDnsLabel(ReadOnlySpan<char> value)
    {
        if (value.Length == 0 || value[0] == '-' || value[^1] == '-')
            return false;
        foreach (var c in value)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-')
                return false;
        }

        return true;
    }

    private static string TooLong(int length, string unit) => string.Create(CultureInfo.InvariantCulture, $"must be no more than {length} {unit}");

    private static string RegexError(string rule, string regex, params string[] examples) =>
        $"{rule} (e.g. {string.Join(" or ", examples.Select(e => $"'{e}', "))}regex used for validation is '{regex}')";
}
