using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>Which requests a webhook or policy is about: a RuleWithOperations of admissionregistration.k8s.io/v1, with the names that policies may add.</summary>
internal sealed class ResourceRule
{
    private const string Any = "*";

    private readonly string[] _operations;
    private readonly string[] _groups;
    private readonly string[] _versions;
    private readonly (string Resource, string Subresource)[] _resources;
    private readonly string[] _names;
    private readonly string _scope;

    private ResourceRule(JsonObject rule)
    {
        _operations = [.. rule.Strings("operations")];
        _groups = [.. rule.Strings("apiGroups")];
        _versions = [.. rule.Strings("apiVersions")];
        _resources = [.. rule.Strings("resources").Select(Split)];
        _names = [.. rule.Strings("resourceNames")];
        _scope = rule.Str("scope");
    }

    public static ResourceRule Read(JsonObject rule) => new(rule);

    public static ResourceRule[] ReadAll(JsonObject? holder, string field) => [.. holder.Items(field).Select(Read)];

    /// <param name="resource">The request's, or one that shows the same objects in another version.</param>
    public bool Matches(AdmissionAttributes attributes, GroupVersionResource resource) =>
        MatchesScope(attributes, resource) && Has(_operations, attributes.OperationName) && Has(_groups, resource.Group) && Has(_versions, resource.Version)
        && MatchesResource(resource.Resource, attributes.Request.Subresource) && (_names.Length == 0 || _names.Contains(attributes.Name, StringComparer.Ordinal));

    private bool MatchesScope(AdmissionAttributes attributes, GroupVersionResource resource)
    {
        var isCluster = attributes.Namespace.Length == 0 || resource is { Group: "", Version: "v1", Resource: "namespaces" };
        return _scope switch
        {
            "" or Any => true,
            "Namespaced" => !isCluster,
            "Cluster" => isCluster,
            _ => false,
        };
    }

    private bool MatchesResource(string resource, string subresource)
    {
        foreach (var (name, sub) in _resources)
        {
            if ((name == Any || name == resource) && (sub == Any || sub == subresource)) return true;
        }
        return false;
    }

    private static bool Has(string[] list, string value)
    {
        foreach (var item in list)
        {
            if (item == Any || item == value) return true;
        }
        return false;
    }

    /// <summary>"pods/*" is about the subresources and the pods too; "pods" about no subresource.</summary>
    private static (string, string) Split(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? (text, "") : (text[..slash], text[(slash + 1)..]);
    }
}
