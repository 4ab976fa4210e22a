using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>The rules of an aggregated ClusterRole: those of every other role that its selectors match (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles).</summary>
internal static class AggregatedRules
{
    /// <summary>Null when the role is not an aggregated one.</summary>
    public static IReadOnlyList<JsonObject>? SelectorsOf(JsonObject role) =>
        role.Obj("aggregationRule") is { } rule ? [.. rule.Items("clusterRoleSelectors").Select(s => (JsonObject)s.DeepClone())] : null;

    public static IReadOnlyList<PolicyRule> Of(IReadOnlyList<JsonObject> selectors, IEnumerable<(string Name, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<PolicyRule> Rules)> roles, string ownName)
    {
        var rules = new List<PolicyRule>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, labels, partRules) in roles.OrderBy(r => r.Name, StringComparer.Ordinal))
        {
            if (name == ownName || !selectors.Any(s => LabelSelection.Matches(s, labels)))
                continue;
            foreach (var rule in partRules)
            {
                if (seen.Add(rule.ToString()))
                    rules.Add(rule);
            }
        }
        return rules;
    }
}
