using System.Security.Cryptography;
using LiteKube.Apis;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry;

/// <summary>Which names objects of a kind may bear (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/): each check gives the complaint in Kubernetes' words, or null.</summary>
public static class NameRules
{
    /// <summary>So that a generated name has room for its suffix within a label's 63 characters.</summary>
    private const int MaxGenerateNameLength = 58;

    /// <summary>The rule that the resource's own names follow; a generateName may end in a dash.</summary>
    public static IReadOnlyList<string> CheckName(GroupResource resource, string name, bool isPrefix = false)
    {
        return (resource.Group, resource.Resource) switch
        {
            ("", "namespaces" or "services") or ("apps", "statefulsets") => NameFormats.Dns1123Label(isPrefix ? MaskTrailingDash(name) : name),
            // An event lives too short to be judged by more than the path that it needs.
            ("", "events") or (CoreResources.RbacGroup or "apiregistration.k8s.io", _) or ("certificates.k8s.io", "certificatesigningrequests" or "clustertrustbundles") => PathSegment(name, isPrefix),
            ("networking.k8s.io", "ipaddresses") => AddressFormats.Canonical(name) is { } complaint ? [complaint] : [],
            _ => NameFormats.Dns1123Subdomain(isPrefix ? MaskTrailingDash(name) : name),
        };
    }

    public static string? CheckDns1123Subdomain(string name) => First(NameFormats.Dns1123Subdomain(name));

    public static string? CheckDns1123Label(string name) => First(NameFormats.Dns1123Label(name));

    public static string? CheckDns1035Label(string name) => First(NameFormats.Dns1035Label(name));

    /// <summary>A label's, annotation's or finalizer's key: optional DNS prefix, slash, name.</summary>
    public static string? CheckQualifiedName(string key) => First(NameFormats.LabelKey(key));

    public static string? CheckLabelValue(string value) => First(NameFormats.LabelValue(value));

    public static string? CheckPathSegment(string name) => First(PathSegment(name, isPrefix: false));

    /// <summary>A name that can stand between two slashes of a path.</summary>
    public static IReadOnlyList<string> PathSegment(string name, bool isPrefix)
    {
        if (!isPrefix && name is "." or "..") return [$"may not be '{name}'"];
        return (name.Contains('/', StringComparison.Ordinal), name.Contains('%', StringComparison.Ordinal)) switch
        {
            (false, false) => [],
            (true, false) => ["may not contain '/'"],
            (false, true) => ["may not contain '%'"],
            _ => ["may not contain '/'", "may not contain '%'"],
        };
    }

    /// <summary>Five random characters, as upstream's SimpleNameGenerator.</summary>
    public static string RandomSuffix() => RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);

    public static string Generate(string prefix, string suffix) => (prefix.Length > MaxGenerateNameLength ? prefix[..MaxGenerateNameLength] : prefix) + suffix;

    private static string MaskTrailingDash(string name) => name.Length > 1 && name[^1] == '-' ? name[..^1] + "a" : name;

    private static string? First(IReadOnlyList<string> complaints) => complaints.Count == 0 ? null : complaints[0];
}
