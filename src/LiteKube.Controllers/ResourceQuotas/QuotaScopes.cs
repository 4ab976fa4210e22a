using k8s.Models;

namespace LiteKube.Controllers.ResourceQuotas;

/// <summary>Which pods a quota speaks of (https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes). Pure.</summary>
internal static class QuotaScopes
{
    /// <summary>A quota with scopes counts pods only.</summary>
    public static bool HasScopes(V1ResourceQuota quota) => quota.Spec?.Scopes is { Count: > 0 } || quota.Spec?.ScopeSelector?.MatchExpressions is { Count: > 0 };

    public static bool Matches(V1ResourceQuota quota, V1Pod pod) =>
        (quota.Spec?.Scopes ?? []).All(scope => Matches(pod, scope, "Exists", []))
        && (quota.Spec?.ScopeSelector?.MatchExpressions ?? []).All(e => Matches(pod, e.ScopeName, e.OperatorProperty, e.Values ?? []));

    private static bool Matches(V1Pod pod, string scope, string op, IList<string> values) => scope switch
    {
        "Terminating" => pod.Spec.ActiveDeadlineSeconds is not null,
        "NotTerminating" => pod.Spec.ActiveDeadlineSeconds is null,
        "BestEffort" => PodResources.IsBestEffort(pod.Spec),
        "NotBestEffort" => !PodResources.IsBestEffort(pod.Spec),
        "PriorityClass" => MatchesPriority(pod.Spec.PriorityClassName ?? "", op, values),
        "CrossNamespacePodAffinity" => AffinityTerms(pod.Spec.Affinity).Any(t => t.Namespaces is { Count: > 0 } || t.NamespaceSelector is not null),
        _ => false,
    };

    private static bool MatchesPriority(string name, string op, IList<string> values) => op switch
    {
        "In" => values.Contains(name),
        "NotIn" => !values.Contains(name),
        "DoesNotExist" => name.Length == 0,
        _ => name.Length > 0,
    };

    private static IEnumerable<V1PodAffinityTerm> AffinityTerms(V1Affinity? affinity) =>
    [
        .. affinity?.PodAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? [],
        .. (affinity?.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(p => p.PodAffinityTerm),
        .. affinity?.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? [],
        .. (affinity?.PodAntiAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(p => p.PodAffinityTerm),
    ];
}
