using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Which names are valid inside a spec: each check gives the complaints in Kubernetes' words; none: the name is good.</summary>
internal static class NameChecks
{
    private const string ConfigKeyMessage = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

    public static IReadOnlyList<string> DnsLabel(string name) => NameFormats.Dns1123Label(name);

    public static IReadOnlyList<string> DnsSubdomain(string name) => NameFormats.Dns1123Subdomain(name);

    public static IReadOnlyList<string> QualifiedName(string key) => NameFormats.LabelKey(key);

    public static IReadOnlyList<string> LabelValue(string value) => NameFormats.LabelValue(value);

    public static IReadOnlyList<string> PathSegment(string name) => NameRules.PathSegment(name, isPrefix: false);

    public static IReadOnlyList<string> Address(string text) => AddressFormats.Address(text) is { } complaint ? [complaint] : [];

    public static IReadOnlyList<string> Range(string text) => AddressFormats.Range(text) is { } complaint ? [complaint] : [];

    /// <summary>A key of ConfigMap or Secret data.</summary>
    public static IReadOnlyList<string> ConfigKey(string key)
    {
        var hasForm = key.Length > 0;
        foreach (var c in key)
            hasForm &= char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
        if (hasForm && key.Length <= NameFormats.MaxSubdomainLength && !key.StartsWith('.'))
            return [];
        List<string> complaints = [];
        if (key.Length > NameFormats.MaxSubdomainLength)
            complaints.Add("must be no more than 253 characters");
        if (!hasForm)
            complaints.Add(ConfigKeyMessage);
        if (NoParentPrefix(key) is { } dots)
            complaints.Add(dots);
        return complaints;
    }

    public static IReadOnlyList<string> EnvironmentName(string name)
    {
        if (name.Length == 0)
            return ["environment variable name must be non-empty"];
        foreach (var c in name)
        {
            if (c is < ' ' or > '~' or '=')
                return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
        }
        return [];
    }

    public static IReadOnlyList<string> PortName(string name)
    {
        var (hasForm, hasLetter) = (name.Length > 0, false);
        foreach (var c in name)
        {
            hasForm &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
            hasLetter |= char.IsAsciiLetterLower(c);
        }
        var (hasDouble, hasEnd) = (name.Contains("--", StringComparison.Ordinal), name.Length > 0 && (name[0] == '-' || name[^1] == '-'));
        if (name.Length <= 15 && hasForm && hasLetter && !hasDouble && !hasEnd)
            return [];
        List<string> complaints = [];
        if (name.Length > 15)
            complaints.Add("must be no more than 15 characters");
        if (!hasForm)
            complaints.Add("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
        if (!hasLetter)
            complaints.Add("must contain at least one letter (a-z)");
        if (hasDouble)
            complaints.Add("must not contain consecutive hyphens");
        if (hasEnd)
            complaints.Add("must not begin or end with a hyphen");
        return complaints;
    }

    private static string? NoParentPrefix(string key) =>
        key is "." or ".." ? $"must not be '{key}'" : key.StartsWith("..", StringComparison.Ordinal) ? "must not start with '..'" : null;
}
