using k8s.Models;
using LiteKube.Apis.Nodes;
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
    private LabelSet? _last;
    private bool _lastIsSelected;

    public SpreadConstraint(V1TopologySpreadConstraint constraint, PodInfo pod, LabelSelector? selector = null)
    {
        _constraint = constraint;
        _selector = selector ?? LabelSelector.From(constraint.LabelSelector);
        _sameLabels = [.. (constraint.MatchLabelKeys ?? []).Where(key => pod.Labels?.ContainsKey(key) == true).Select(key => KeyValuePair.Create(key, pod.Labels![key]))];
        SelectsPod = Selects(pod.Labels);
        // The instances that nodes know by heart.
        TopologyKey = constraint.TopologyKey switch { NodeInfo.HostnameLabel => NodeInfo.HostnameLabel, NodeInfo.ZoneLabel => NodeInfo.ZoneLabel, var key => key };
    }

    public string TopologyKey { get; }
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
    public bool IncludesNode(PodInfo pod, NodeInfo node)
    {
        if (_constraint.NodeAffinityPolicy != "Ignore" && !NodeAffinity.Selects(pod, node))
            return false;
        return _constraint.NodeTaintsPolicy != "Honor" || !Tolerations.HasUntolerated(pod.Tolerations, node.Node!);
    }

    /// <summary>
    /// What makes the counts of this constraint the same for two pods: namespace, what is selected, and which nodes
    /// count. null when that is not told in a few words.
    /// </summary>
    /// <param name="all">The constraints whose domains a node must be in.</param>
    public string? KindOf(PodInfo pod, SpreadConstraint[] all)
    {
        var ignoresNodes = _constraint.NodeAffinityPolicy == "Ignore";
        if (HonorsTaints || (!ignoresNodes && pod.Pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not null))
            return null;
        return string.Join('\n', [pod.Namespace, _selector.ToString(), .. _sameLabels.Select(static label => label.ToString()), "", .. all.Select(static constraint => constraint.TopologyKey), "", TopologyKey,
            .. ignoresNodes ? [] : pod.NodeSelector.Select(static pair => pair.ToString())]);
    }

    public bool HonorsTaints => _constraint.NodeTaintsPolicy == "Honor";

    private bool Selects(LabelSet labels)
    {
        // From node to node it is mostly the same one.
        if (ReferenceEquals(labels, _last))
            return _lastIsSelected;
        if (!_selected.TryGetValue(labels, out var selects))
            _selected[labels] = selects = Selects(labels.Labels);
        (_last, _lastIsSelected) = (labels, selects);
        return selects;
    }
}
