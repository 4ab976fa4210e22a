using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Plugins;

/// <summary>One topology spread constraint of a pod, with its selector parsed.</summary>
internal sealed class SpreadConstraint
{
    private readonly V1TopologySpreadConstraint _constraint;
    private readonly LabelSelector _selector;
    private readonly KeyValuePair<string, string>[] _sameLabels;
    /// <summary>The few sets of labels that a cluster's pods have, and whether they are selected.</summary>
    private readonly Dictionary<LabelSet, bool> _selected = [];

    public SpreadConstraint(V1TopologySpreadConstraint constraint, PodInfo pod, LabelSelector? selector = null)
    {
        _constraint = constraint;
        _selector = selector ?? LabelSelector.From(constraint.LabelSelector);
        _sameLabels = [.. (constraint.MatchLabelKeys ?? []).Where(key => pod.Labels?.ContainsKey(key) == true).Select(key => KeyValuePair.Create(key, pod.Labels![key]))];
        SelectsPod = Selects(pod.Labels);
    }

    public string TopologyKey => _constraint.TopologyKey;
    public int MaxSkew => _constraint.MaxSkew;
    public int MinDomains => _constraint.MinDomains ?? 1;

    /// <summary>The pod counts among those that it is to be spread from.</summary>
    public bool SelectsPod { get; }

    /// <summary>A selector that selects everything counts nothing: upstream's choice.</summary>
    private bool CountsNothing => _selector.IsEverything && _sameLabels.Length == 0;

    public static SpreadConstraint[] Of(PodInfo pod, string whenUnsatisfiable) =>
        pod.Pod.Spec.TopologySpreadConstraints is { Count: > 0 } constraints
            ? [.. constraints.Where(constraint => constraint.WhenUnsatisfiable == whenUnsatisfiable).Select(constraint => new SpreadConstraint(constraint, pod))]
            : [];

    /// <summary>Selected pods on the node that are to stay, in the pod's namespace.</summary>
    public int CountOn(PodInfo pod, NodeInfo node)
    {
        if (CountsNothing)
            return 0;
        var count = 0;
        foreach (var (labels, pods) in node.PodsByLabels)
        {
            if (pods.Staying > 0 && labels.Namespace == pod.Namespace && Selects(labels))
                count += pods.Staying;
        }
        return count;
    }

    public bool Selects(IDictionary<string, string>? labels)
    {
        if (!_selector.Matches(labels))
            return false;
        foreach (var (key, value) in _sameLabels)
        {
            if (labels is null || !labels.TryGetValue(key, out var theirs) || theirs != value)
                return false;
        }
        return true;
    }

    /// <summary>Whether the node's pods count, by nodeAffinityPolicy (Honor by default) and nodeTaintsPolicy (Ignore).</summary>
    public bool IncludesNode(PodInfo pod, V1Node node)
    {
        if (_constraint.NodeAffinityPolicy != "Ignore" && !NodeSelectors.Matches(pod.Pod, node))
            return false;
        return _constraint.NodeTaintsPolicy != "Honor" || !Tolerations.HasUntolerated(pod, node);
    }

    public bool HonorsTaints => _constraint.NodeTaintsPolicy == "Honor";

    private bool Selects(LabelSet labels)
    {
        if (!_selected.TryGetValue(labels, out var selects))
            _selected[labels] = selects = Selects(labels.Labels);
        return selects;
    }
}
