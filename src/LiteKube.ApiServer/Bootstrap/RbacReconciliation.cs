using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>What a stored default role or binding lacks (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation).</summary>
internal static class RbacReconciliation
{
    /// <summary>The stored object with what it lacks; null when it lacks nothing or is not to be touched.</summary>
    public static JsonObject? Merge(JsonObject stored, JsonObject wanted)
    {
        if (stored.Annotations().GetValueOrDefault(BootstrapPolicy.AutoUpdateAnnotation) == "false")
            return null;
        var merged = (JsonObject)stored.DeepClone();
        var changed = AddMissing(merged, wanted, "labels") | AddMissing(merged, wanted, "annotations");
        changed |= wanted.Str("kind") is "Role" or "ClusterRole" ? MergeRules(merged, wanted) : MergeSubjects(merged, wanted);
        return changed ? merged : null;
    }

    private static bool AddMissing(JsonObject merged, JsonObject wanted, string field)
    {
        var changed = false;
        foreach (var (key, value) in wanted.Meta().StringMap(field))
        {
            if (merged.Meta().Obj(field).Has(key))
                continue;
            merged.GetOrAdd("metadata").GetOrAdd(field)[key] = value;
            changed = true;
        }
        return changed;
    }

    private static bool MergeRules(JsonObject merged, JsonObject wanted)
    {
        if (wanted.Obj("aggregationRule") is { } aggregation)
        {
            // The rules of an aggregated role follow its parts; only the selectors are ours.
            var selectors = merged.GetOrAdd("aggregationRule").GetOrAddArray("clusterRoleSelectors");
            var missing = aggregation.Items("clusterRoleSelectors").Where(s => !selectors.Any(have => have.SameAs(s))).ToList();
            missing.ForEach(s => selectors.Add(s.DeepClone()));
            return missing.Count > 0;
        }
        var lacking = RuleCoverage.Missing(PolicyRule.ListFrom(merged), PolicyRule.ListFrom(wanted));
        if (lacking.Count == 0)
            return false;
        var rules = merged.GetOrAddArray("rules");
        foreach (var rule in RuleCoverage.Compact(lacking))
            rules.Add((JsonNode)rule.ToJson());
        return true;
    }

    private static bool MergeSubjects(JsonObject merged, JsonObject wanted)
    {
        var lacking = wanted.Items("subjects").Where(s => !merged.Items("subjects").Any(have => have.SameAs(s))).ToList();
        if (lacking.Count == 0)
            return false;
        var subjects = merged.GetOrAddArray("subjects");
        lacking.ForEach(s => subjects.Add(s.DeepClone()));
        return true;
    }
}
