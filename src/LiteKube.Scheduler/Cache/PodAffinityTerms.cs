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
            [.. (affinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term, pod, ns, 0))],
            [.. (anti?.RequiredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term, pod, ns, 0))],
            [.. (affinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term.PodAffinityTerm, pod, ns, term.Weight))],
            [.. (anti?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => AffinityTerm.From(term.PodAffinityTerm, pod, ns, term.Weight))]);
    }
}

/// <param name="Namespaces">Where the other pods are looked for, besides those that <paramref name="NamespaceSelector"/> selects.</param>
public sealed record AffinityTerm(LabelSelector Selector, IReadOnlySet<string> Namespaces, LabelSelector? NamespaceSelector, string TopologyKey, int Weight)
{
    public static AffinityTerm From(V1PodAffinityTerm term, V1Pod pod, string podNamespace, int weight)
    {
        // Neither a list nor a selector of namespaces means the pod's own.
        IEnumerable<string> namespaces = term.Namespaces is { Count: > 0 } listed ? listed : term.NamespaceSelector is null ? [podNamespace] : [];
        return new AffinityTerm(LabelSelector.From(WithLabelKeys(term, pod)), namespaces.ToHashSet(StringComparer.Ordinal), term.NamespaceSelector is null ? null : LabelSelector.From(term.NamespaceSelector), term.TopologyKey, weight);
    }

    /// <param name="namespaceLabels">Of a namespace by name; null when it is unknown.</param>
    public bool Matches(PodInfo pod, Func<string, IDictionary<string, string>?> namespaceLabels) =>
        Matches(pod.LabelSet, namespaceLabels);

    /// <summary>Same, for any pod with these labels.</summary>
    public bool Matches(LabelSet pods, Func<string, IDictionary<string, string>?> namespaceLabels) =>
        (Namespaces.Contains(pods.Namespace) || NamespaceSelector?.Matches(namespaceLabels(pods.Namespace)) == true)
        && Selector.Matches(pods.Labels);

    /// <summary>
    /// With what matchLabelKeys and mismatchLabelKeys add: the pod's own values are wanted, or shunned. The API server
    /// writes them into the selector of new pods; said twice they select the same.
    /// </summary>
    private static V1LabelSelector? WithLabelKeys(V1PodAffinityTerm term, V1Pod pod)
    {
        if (term.LabelSelector is null || (term.MatchLabelKeys is not { Count: > 0 } && term.MismatchLabelKeys is not { Count: > 0 }))
            return term.LabelSelector;
        List<V1LabelSelectorRequirement> expressions = [.. term.LabelSelector.MatchExpressions ?? []];
        Add(term.MatchLabelKeys, "In");
        Add(term.MismatchLabelKeys, "NotIn");
        return new V1LabelSelector { MatchLabels = term.LabelSelector.MatchLabels, MatchExpressions = expressions };

        void Add(IList<string>? keys, string op)
        {
            foreach (var key in keys ?? [])
            {
                if (pod.Metadata.Labels is { } labels && labels.TryGetValue(key, out var value))
                    expressions.Add(new V1LabelSelectorRequirement { Key = key, OperatorProperty = op, Values = [value] });
            }
        }
    }
}
