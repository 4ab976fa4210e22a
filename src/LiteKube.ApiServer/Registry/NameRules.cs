using System.Collections.Frozen;
using System.Security.Cryptography;
using LiteKube.Apis;

namespace LiteKube.ApiServer.Registry;

/// <summary>Which names and label texts are valid (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/): each check gives the complaint in Kubernetes' words, or null.</summary>
public static class NameRules
{
    private const string SubdomainMessage = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    private const string LabelMessage = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    private const string Dns1035Message = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
    private const string QualifiedNameMessage = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    private const string LabelValueMessage = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    private static readonly FrozenSet<GroupResource> Labels = new[] { new GroupResource("", "namespaces") }.ToFrozenSet();
    private static readonly FrozenSet<GroupResource> Dns1035Labels = new[] { new GroupResource("", "services") }.ToFrozenSet();
    private const string RbacGroup = "rbac.authorization.k8s.io";

    /// <summary>The rule that the resource's own names follow; a generateName may end in a dash.</summary>
    public static string? CheckName(GroupResource resource, string name, bool isPrefix = false)
    {
        if (isPrefix) name = MaskTrailingDash(name);
        if (Labels.Contains(resource)) return CheckDns1123Label(name);
        if (Dns1035Labels.Contains(resource)) return CheckDns1035Label(name);
        if (resource.Group == RbacGroup || resource is { Group: "certificates.k8s.io" }) return CheckPathSegment(name);
        return CheckDns1123Subdomain(name);
    }

    public static string? CheckDns1123Subdomain(string name)
    {
        if (name.Length > 253) return "must be no more than 253 bytes";
        var start = 0;
        for (var i = 0; i <= name.Length; i++)
        {
            if (i < name.Length && name[i] != '.') continue;
            if (!IsLabel(name.AsSpan(start, i - start))) return SubdomainMessage;
            start = i + 1;
        }
        return null;
    }

    public static string? CheckDns1123Label(string name)
    {
        if (name.Length > 63) return "must be no more than 63 bytes";
        return IsLabel(name) ? null : LabelMessage;
    }

    public static string? CheckDns1035Label(string name)
    {
        if (name.Length > 63) return "must be no more than 63 bytes";
        return IsLabel(name) && char.IsAsciiLetterLower(name[0]) ? null : Dns1035Message;
    }

    public static string? CheckPathSegment(string name) => name switch
    {
        "." => "may not be '.'",
        ".." => "may not be '..'",
        _ when name.Contains('/', StringComparison.Ordinal) => "may not contain '/'",
        _ when name.Contains('%', StringComparison.Ordinal) => "may not contain '%'",
        _ => null,
    };

    /// <summary>A label's, annotation's or finalizer's key: optional DNS prefix, slash, name.</summary>
    public static string? CheckQualifiedName(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = key.AsSpan(slash + 1);
        if (slash == 0) return "prefix part must be non-empty";
        if (slash > 0)
        {
            if (name.Contains('/')) return "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            if (CheckDns1123Subdomain(key[..slash]) is { } complaint) return "prefix part " + complaint;
        }
        if (name.Length == 0) return "name part must be non-empty";
        if (name.Length > 63) return "name part must be no more than 63 bytes";
        return IsName(name) ? null : QualifiedNameMessage;
    }

    public static string? CheckLabelValue(string value)
    {
        if (value.Length > 63) return "must be no more than 63 bytes";
        return value.Length == 0 || IsName(value) ? null : LabelValueMessage;
    }

    /// <summary>A generateName with five random characters, as upstream's SimpleNameGenerator.</summary>
    public static string Generate(string prefix)
    {
        const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";
        if (prefix.Length > 58) prefix = prefix[..58];
        return prefix + RandomNumberGenerator.GetString(Alphabet, 5);
    }

    private static string MaskTrailingDash(string name) => name.Length > 1 && name[^1] == '-' ? name[..^1] + "a" : name;

    private static bool IsLabel(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || text[0] == '-' || text[^1] == '-') return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        }
        return true;
    }

    private static bool IsName(ReadOnlySpan<char> text)
    {
        if (!char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1])) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        }
        return true;
    }
}
