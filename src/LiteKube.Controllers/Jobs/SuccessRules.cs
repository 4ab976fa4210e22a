using k8s.Models;

namespace LiteKube.Controllers.Jobs;

/// <summary>Whether the indexes that succeeded are enough (https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy). Pure.</summary>
internal static class SuccessRules
{
    /// <returns>"Matched rules at index N", or null.</returns>
    public static string? Match(V1SuccessPolicy? policy, int completions, IndexSet succeeded)
    {
        if (succeeded.IsEmpty)
            return null;
        var rules = policy?.Rules ?? [];
        for (var i = 0; i < rules.Count; i++)
        {
            if (IsMet(rules[i], completions, succeeded))
                return $"Matched rules at index {i}";
        }
        return null;
    }

    private static bool IsMet(V1SuccessPolicyRule rule, int completions, IndexSet succeeded)
    {
        if (rule.SucceededIndexes is null)
            return succeeded.Count >= rule.SucceededCount;
        var required = IndexSet.Parse(rule.SucceededIndexes, completions);
        var shared = required.CountShared(succeeded);
        return !required.IsEmpty && (shared == required.Count || shared >= rule.SucceededCount);
    }
}
