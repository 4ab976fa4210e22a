namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Which names are valid inside a spec: each check gives the complaint in Kubernetes' words, or null.</summary>
internal static class NameChecks
{
    private const string ConfigKeyMessage = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

    public static string? DnsLabel(string name) => NameRules.CheckDns1123Label(name);

    public static string? DnsSubdomain(string name) => NameRules.CheckDns1123Subdomain(name);

    public static string? QualifiedName(string key) => NameRules.CheckQualifiedName(key);

    public static string? LabelValue(string value) => NameRules.CheckLabelValue(value);

    public static string? PathSegment(string name) => NameRules.CheckPathSegment(name);

    /// <summary>A key of ConfigMap or Secret data.</summary>
    public static string? ConfigKey(string key)
    {
        if (key.Length > 253)
            return "must be no more than 253 bytes";
        if (key.Length == 0 || key.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            return ConfigKeyMessage;
        return key is "." or ".." ? $"must not be '{key}'" : key.StartsWith("..", StringComparison.Ordinal) ? "must not start with '..'" : null;
    }

    public static string? EnvironmentName(string name) =>
        name.Any(c => c is < ' ' or > '~' or '=') ? "a valid environment variable name must consist only of printable ASCII characters other than '='" : null;

    public static IEnumerable<string> PortName(string name)
    {
        if (name.Length > 15)
            yield return "must be no more than 15 characters";
        if (name.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') || name.Length == 0)
            yield return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        if (!name.Any(char.IsAsciiLetterLower))
            yield return "must contain at least one letter (a-z)";
        if (name.Contains("--", StringComparison.Ordinal))
            yield return "must not contain consecutive hyphens";
        if (name.Length > 0 && (name[0] == '-' || name[^1] == '-'))
            yield return "must not begin or end with a hyphen";
    }
}
