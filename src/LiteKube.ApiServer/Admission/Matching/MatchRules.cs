using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>Validates the rules in configurations of webhooks and policies.</summary>
internal static class MatchRules
{
    private static readonly string[] Operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    private static readonly string[] Scopes = ["*", "Cluster", "Namespaced"];

    /// <param name="rule">A RuleWithOperations.</param>
    public static void Validate(JsonObject rule, FieldPath path, FieldErrors errors)
    {
        var operations = rule.Strings("operations").ToList();
        if (operations.Count == 0) errors.Required(path.Child("operations"), "");
        NoOthers(operations, path.Child("operations"), "operations", errors);
        for (var i = 0; i < operations.Count; i++)
        {
            if (!Operations.Contains(operations[i])) errors.NotSupported(path.Child("operations").Index(i), operations[i], Operations);
        }
        var groups = rule.Strings("apiGroups").ToList();
        if (groups.Count == 0) errors.Required(path.Child("apiGroups"), "");
        NoOthers(groups, path.Child("apiGroups"), "API groups", errors);
        var versions = rule.Strings("apiVersions").ToList();
        if (versions.Count == 0) errors.Required(path.Child("apiVersions"), "");
        NoOthers(versions, path.Child("apiVersions"), "API versions", errors);
        for (var i = 0; i < versions.Count; i++)
        {
            if (versions[i].Length == 0) errors.Required(path.Child("apiVersions").Index(i), "");
        }
        ValidateResources([.. rule.Strings("resources")], path.Child("resources"), errors);
        if (rule.StrOrNull("scope") is { } scope && !Scopes.Contains(scope)) errors.NotSupported(path.Child("scope"), scope, Scopes);
    }

    private static void ValidateResources(List<string> resources, FieldPath path, FieldErrors errors)
    {
        if (resources.Count == 0) errors.Required(path, "");
        var withAllSubresources = new HashSet<string>(StringComparer.Ordinal);
        var subresourcesOfAll = new HashSet<string>(StringComparer.Ordinal);
        // Of the names without a subresource Kubernetes looks at the last.
        var isLastPlain = false;
        for (var i = 0; i < resources.Count; i++)
        {
            var text = resources[i];
            if (text.Length == 0)
            {
                errors.Required(path.Index(i), "");
                continue;
            }
            if (text.Split('/', 2) is not [var resource, var subresource])
            {
                isLastPlain = text != "*";
                continue;
            }
            if (withAllSubresources.Contains(resource)) errors.Invalid(path.Index(i), text, $"if '{resource}/*' is present, must not specify {text}");
            if (subresourcesOfAll.Contains(subresource)) errors.Invalid(path.Index(i), text, $"if '*/{subresource}' is present, must not specify {text}");
            if (subresource == "*") withAllSubresources.Add(resource);
            if (resource == "*") subresourcesOfAll.Add(subresource);
        }
        if (resources.Count > 1 && resources.Contains("*/*")) errors.Invalid(path, List(resources), "if '*/*' is present, must not specify other resources");
        if (resources.Contains("*") && isLastPlain) errors.Invalid(path, List(resources), "if '*' is present, must not specify other resources without subresources");
    }

    private static void NoOthers(List<string> values, FieldPath path, string what, FieldErrors errors)
    {
        if (values.Count > 1 && values.Contains("*")) errors.Invalid(path, List(values), $"if '*' is present, must not specify other {what}");
    }

    private static JsonArray List(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);
}
