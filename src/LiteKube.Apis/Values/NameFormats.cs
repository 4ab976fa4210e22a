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
    private const string Label1035Regex = "[a-z]([-a-z0-9]*[a-z0-9])?";

    /// <summary>A label's or annotation's key, a finalizer's or resource's name: [prefix/]name.</summary>
    public static IReadOnlyList<string> LabelKey(string value)
    {
        var parts = value.Split('/');
        if (parts.Length > 2)
            return [$"a valid label key {RegexError(LabelKeyRule, LabelKeyRegex, "MyName", "my.name", "123-abc")} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
        var errors = new List<string>();
        if (parts.Length == 2)
        {
            if (parts[0].Length == 0)
                errors.Add("prefix part must be non-empty");
            else
                errors.AddRange(Dns1123Subdomain(parts[0]).Select(e => "prefix part " + e));
        }

        var name = parts[^1];
        if (name.Length == 0)
            errors.Add("name part must be non-empty");
        else if (name.Length > MaxLabelLength)
            errors.Add("name part " + TooLong(MaxLabelLength));
        if (!IsLabelName(name))
            errors.Add("name part " + RegexError(LabelKeyRule, LabelKeyRegex, "MyName", "my.name", "123-abc"));
        return errors;
    }

    public static IReadOnlyList<string> LabelValue(string value)
    {
        if (value.Length == 0)
            return [];
        return Check(value, MaxLabelLength, IsLabelName(value), () => RegexError(LabelValueRule, $"({LabelKeyRegex})?", "MyValue", "my_value", "12345"));
    }

    /// <summary>A pod's name and most other kinds' names.</summary>
    public static IReadOnlyList<string> Dns1123Subdomain(string value) =>
        Check(value, MaxSubdomainLength, value.Split('.').All(IsDnsLabel), () => RegexError(SubdomainRule, SubdomainRegex, "example.com"));

    /// <summary>A namespace's or container's name.</summary>
    public static IReadOnlyList<string> Dns1123Label(string value) =>
        Check(value, MaxLabelLength, IsDnsLabel(value), () => RegexError(Label1123Rule, Label1123Regex, "my-name", "123-abc"));

    /// <summary>A service's name.</summary>
    public static IReadOnlyList<string> Dns1035Label(string value) =>
        Check(value, MaxLabelLength, IsDnsLabel(value) && char.IsAsciiLetterLower(value[0]), () => RegexError(Label1035Rule, Label1035Regex, "my-name", "abc-123"));

    private static List<string> Check(string value, int maxLength, bool hasForm, Func<string> formError)
    {
        var errors = new List<string>();
        if (value.Length > maxLength)
            errors.Add(TooLong(maxLength));
        if (!hasForm)
            errors.Add(formError());
        return errors;
    }

    private static bool IsLabelName(string value)
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

    private static bool IsDnsLabel(string value)
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

    private static string TooLong(int length) => string.Create(CultureInfo.InvariantCulture, $"must be no more than {length} bytes");

    private static string RegexError(string rule, string regex, params string[] examples) =>
        $"{rule} (e.g. {string.Join(" or ", examples.Select(e => $"'{e}', "))}regex used for validation is '{regex}')";
}
