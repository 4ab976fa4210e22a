using k8s.Models;
using LiteKube.Apis.Selectors;

namespace LiteKube.Scheduler.Cache;

/// <summary>A pod's affinity and anti-affinity to other pods, with parsed selectors.</summary>
public sealed record PodAffinityTerms(
    IReadOnlyList<AffinityTerm> Required,
    IReadOnlyList<AffinityTerm> RequiredAnti,
    IReadOnlyList<AffinityTerm> Preferred,
    IReadOnlyList<AffinityTerm> PreferredAnti)
{
    public static PodAffinityTerms? Of(V1Pod pod)
    {
        var affinity = pod.Spec.Affinity?.PodAffinity;
        var anti = pod.Spec.Affinity?.PodAntiAffinity;
        if (affinity is null && anti is null)
            return null;
        var ns = pod.Metadata.NamespaceProperty ?? "";
        return new PodAffinityTerms(
            [.. (affinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term, ns, 0))],
            [.. (anti?.RequiredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term, ns, 0))],
            [.. (affinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term.PodAffinityTerm, ns, term.Weight))],
            [.. (anti?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term.PodAffinityTerm, ns, term.Weight))]);
    }
}

/// <param name="Namespaces">Where the other pods are looked for, besides those that <paramref name="NamespaceSelector"/> selects.</param>
public sealed record AffinityTerm(LabelSelector Selector, IReadOnlySet<string> Namespaces, LabelSelector? NamespaceSelector, string TopologyKey, int Weight)
{
    public static AffinityTerm From(V1PodAffinityTerm term, string podNamespace, int weight)
    {
        // Neither a list nor a selector of namespaces means the pod's own.
        IEnumerable<string> namespaces = term.Namespaces is { Count: > 0 } listed ? listed : term.NamespaceSelector is null ? [podNamespace] : [];
        return new AffinityTerm(LabelSelector.From(term.LabelSelector), namespaces.ToHashSet(StringComparer.Ordinal), term.NamespaceSelector is null ? null : LabelSelector.From(term.NamespaceSelector), term.TopologyKey, weight);
    }

    /// <param name="namespaceLabels">Of a namespace by name; null when it is unknown.</param>
    public bool Matches(PodInfo pod, Func<string, IDictionary<string, string>?> namespaceLabels) =>
        (Namespaces.Contains(pod.Namespace) || NamespaceSelector?.Matches(namespaceLabels(pod.Namespace)) == true)
        && Selector.Matches(pod.Labels);
}
