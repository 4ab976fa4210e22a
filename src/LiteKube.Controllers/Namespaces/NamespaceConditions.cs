using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Namespaces;

/// <summary>
/// How the deletion of a namespace stands, in the conditions that `kubectl describe namespace` shows
/// (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/namespace-v1/#NamespaceStatus). Pure.
/// </summary>
internal static class NamespaceConditions
{
    /// <param name="failures">What went wrong with which resource.</param>
    /// <returns>The status to write, or null when it says all that already.</returns>
    public static V1NamespaceStatus? Compute(V1NamespaceStatus? current, DiscoveryResult discovery, IReadOnlyList<RemainingContent> remaining, IReadOnlyList<string> failures, DateTimeOffset now)
    {
        var conditions = current?.Conditions?.ToList() ?? [];
        var changed = false;
        void Set(string type, string? problem, string reason, string okReason, string okMessage)
        {
            var next = new V1NamespaceCondition
            {
                Type = type,
                Status = problem is null ? "False" : "True",
                Reason = problem is null ? okReason : reason,
                Message = problem ?? okMessage,
                LastTransitionTime = now.UtcDateTime,
            };
            var at = conditions.FindIndex(c => c.Type == type);
            if (at < 0)
            {
                conditions.Add(next);
                changed = true;
                return;
            }
            var known = conditions[at];
            if (known.Status == next.Status && known.Reason == next.Reason && known.Message == next.Message)
                return;
            if (known.Status == next.Status)
                next.LastTransitionTime = known.LastTransitionTime;
            conditions[at] = next;
            changed = true;
        }

        var unparsable = discovery.FailedGroupVersions.Keys.Where(v => v.Count(c => c == '/') > 1).ToList();
        var undiscovered = discovery.FailedGroupVersions.Where(f => !unparsable.Contains(f.Key)).OrderBy(f => f.Key, StringComparer.Ordinal).ToList();
        Set("NamespaceDeletionDiscoveryFailure",
            undiscovered.Count == 0 ? null : $"Discovery failed for some groups, {undiscovered.Count} failing: unable to retrieve the complete list of server APIs: {string.Join(", ", undiscovered.Select(f => $"{f.Key}: {f.Value}"))}",
            "DiscoveryFailed", "ResourcesDiscovered", "All resources successfully discovered");
        Set("NamespaceDeletionGroupVersionParsingFailure",
            unparsable.Count == 0 ? null : string.Join(", ", unparsable.Select(v => $"unexpected GroupVersion string: {v}")),
            "GroupVersionParsingFailed", "ParsedGroupVersions", "All legacy kube types successfully parsed");
        Set("NamespaceDeletionContentFailure",
            failures.Count == 0 ? null : $"Failed to delete all resource types, {failures.Count} remaining: {string.Join(", ", failures)}",
            "ContentDeletionFailed", "ContentDeleted", "All content successfully deleted, may be waiting on finalization");
        Set("NamespaceContentRemaining",
            remaining.Count == 0 ? null : $"Some resources are remaining: {string.Join(", ", remaining.Select(r => $"{r.Resource.Resource}.{r.Resource.Group} has {r.Count} resource instances").Order(StringComparer.Ordinal))}",
            "SomeResourcesRemain", "ContentRemoved", "All content successfully removed");
        var finalizers = remaining.SelectMany(r => r.Finalizers).GroupBy(f => f.Key, f => f.Value, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        Set("NamespaceFinalizersRemaining",
            finalizers.Count == 0 ? null : $"Some content in the namespace has finalizers remaining: {string.Join(", ", finalizers.Select(f => $"{f.Key} in {f.Sum()} resource instances"))}",
            "SomeFinalizersRemain", "ContentHasNoFinalizers", "All content-preserving finalizers finished");
        return changed ? new V1NamespaceStatus { Phase = "Terminating", Conditions = conditions } : null;
    }
}
