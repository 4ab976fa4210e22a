namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Which names are valid inside a spec: each check gives the complaint in Kubernetes' words, or null.</summary>
internal static class NameChecks
{
    private const string LabelMessage = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    private const string SubdomainMessage = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    private const string QualifiedNameMessage = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    private const string LabelValueMessage = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    private const string ConfigKeyMessage = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

    public static string? DnsLabel(string name) => name.Length > 63 ? "must be no more than 63 bytes" : IsLabel(name) ? null : LabelMessage;

    public static string? DnsSubdomain(string name)
    {
        if (name.Length > 253)
            return "must be no more than 253 bytes";
        foreach (var part in name.Split('.'))
        {
            if (!IsLabel(part))
                return SubdomainMessage;
        }
        return null;
    }

    public static string? QualifiedName(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = key[(slash + 1)..];
        if (slash == 0)
            return "prefix part must be non-empty";
        if (slash > 0 && DnsSubdomain(key[..slash]) is { } complaint)
            return "prefix part " + complaint;
        if (name.Length == 0)
            return "name part must be non-empty";
        return name.Length > 63 ? "name part must be no more than 63 bytes" : IsName(name) ? null : QualifiedNameMessage;
    }

    public static string? LabelValue(string value) => value.Length > 63 ? "must be no more than 63 bytes" : value.Length == 0 || IsName(value) ? null : LabelValueMessage;

    public static string? PathSegment(string name) => name switch
    {
        "." => "may not be '.'",
        ".." => "may not be '..'",
        _ when name.Contains('/', StringComparison.Ordinal) => "may not contain '/'",
        _ when name.Contains('%', StringComparison.Ordinal) => "may not contain '%'",
        _ => null,
    };

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

    private static bool IsLabel(string text) =>
        text.Length > 0 && text[0] != '-' && text[^1] != '-' && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static bool IsName(string text) =>
        char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
