using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Spreads like pods over zones, hosts or other domains (https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/).</summary>
internal sealed class PodTopologySpread(Func<Snapshot> snapshot) : IPreFilterPlugin, IFilterPlugin, IPreScorePlugin, IScorePlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Skewed = PluginStatus.Unschedulable("node(s) didn't match pod topology spread constraints");
    private static readonly PluginStatus NoDomain = PluginStatus.Unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");

    public string Name => "PodTopologySpread";
    public int Weight => 2;

    public ClusterEvent Events => ClusterEvent.AssignedPodAdd | ClusterEvent.AssignedPodUpdate | ClusterEvent.AssignedPodDelete
        | ClusterEvent.NodeAdd | ClusterEvent.NodeDelete | ClusterEvent.NodeLabel | ClusterEvent.NodeTaint | ClusterEvent.PodUpdate;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot cluster, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var constraints = SpreadConstraint.Of(pod, "DoNotSchedule");
        if (constraints.Count == 0)
            return PluginStatus.Skip;
        foreach (var constraint in constraints)
            constraint.Count(pod, cluster, constraints);
        state.Set(new Hard(constraints));
        return null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        foreach (var constraint in state.Get<Hard>().Constraints)
        {
            if (node.Label(constraint.TopologyKey) is not { } domain)
                return NoDomain;
            var skew = constraint.CountIn(domain) + (constraint.SelectsPod ? 1 : 0) - constraint.SmallestCount;
            if (skew > constraint.MaxSkew)
                return Skewed;
        }
        return null;
    }

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        var constraints = SpreadConstraint.Of(pod, "ScheduleAnyway");
        if (constraints.Count == 0)
            return PluginStatus.Skip;
        var cluster = snapshot();
        foreach (var constraint in constraints)
        {
            constraint.Count(pod, cluster, constraints);
            // The more domains there are, the less each pod in one says.
            constraint.ScoreWeight = Math.Log(nodes.Select(node => node.Label(constraint.TopologyKey)).Where(domain => domain is not null).Distinct(StringComparer.Ordinal).Count() + 2);
        }
        state.Set(new Soft(constraints));
        return null;
    }

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        var score = 0.0;
        foreach (var constraint in state.Get<Soft>().Constraints)
        {
            // A node outside of the domains is the last choice; Normalize knows it by this mark.
            if (node.Label(constraint.TopologyKey) is not { } domain)
                return -1;
            score += constraint.CountIn(domain) * constraint.ScoreWeight + (constraint.MaxSkew - 1);
        }
        return (long)Math.Round(score);
    }

    public void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores)
    {
        long min = long.MaxValue, max = 0;
        foreach (var score in scores)
        {
            if (score < 0)
                continue;
            min = Math.Min(min, score);
            max = Math.Max(max, score);
        }
        foreach (ref var score in scores)
        {
            if (score < 0)
                score = 0;
            else
                score = max == 0 ? IScorePlugin.MaxScore : IScorePlugin.MaxScore * (max + min - score) / max;
        }
    }

    private sealed record Hard(IReadOnlyList<SpreadConstraint> Constraints);

    private sealed record Soft(IReadOnlyList<SpreadConstraint> Constraints);
}

/// <summary>One constraint of a pod, with the count of like pods in each domain.</summary>
internal sealed class SpreadConstraint
{
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly V1TopologySpreadConstraint _constraint;
    private readonly LabelSelector _selector;
    private readonly IReadOnlyList<KeyValuePair<string, string>> _sameLabels;

    private SpreadConstraint(V1TopologySpreadConstraint constraint, PodInfo pod)
    {
        _constraint = constraint;
        _selector = LabelSelector.From(constraint.LabelSelector);
        _sameLabels = [.. (constraint.MatchLabelKeys ?? []).Where(key => pod.Labels?.ContainsKey(key) == true).Select(key => KeyValuePair.Create(key, pod.Labels![key]))];
        SelectsPod = Selects(pod);
    }

    public string TopologyKey => _constraint.TopologyKey;
    public int MaxSkew => _constraint.MaxSkew;

    /// <summary>The pod counts among those that it is to be spread from.</summary>
    public bool SelectsPod { get; }

    public double ScoreWeight { get; set; }

    /// <summary>Of all domains; nothing while there are fewer than minDomains, so that a new one is wanted.</summary>
    public int SmallestCount => _counts.Count == 0 || _counts.Count < (_constraint.MinDomains ?? 1) ? 0 : _counts.Values.Min();

    public static IReadOnlyList<SpreadConstraint> Of(PodInfo pod, string whenUnsatisfiable) =>
        pod.Pod.Spec.TopologySpreadConstraints is { Count: > 0 } constraints
            ? [.. constraints.Where(constraint => constraint.WhenUnsatisfiable == whenUnsatisfiable).Select(constraint => new SpreadConstraint(constraint, pod))]
            : [];

    public int CountIn(string domain) => _counts.GetValueOrDefault(domain);

    /// <param name="all">A node counts only when it is in a domain of every constraint.</param>
    public void Count(PodInfo pod, Snapshot cluster, IReadOnlyList<SpreadConstraint> all)
    {
        foreach (var node in cluster.Nodes)
        {
            if (!IncludesNode(pod, node) || !all.All(constraint => node.Label(constraint.TopologyKey) is not null))
                continue;
            var domain = node.Label(TopologyKey)!;
            var count = 0;
            foreach (var existing in node.Pods)
            {
                if (existing.Namespace == pod.Namespace && existing.Pod.Metadata.DeletionTimestamp is null && Selects(existing))
                    count++;
            }
            _counts[domain] = _counts.GetValueOrDefault(domain) + count;
        }
    }

    private bool Selects(PodInfo pod) =>
        _selector.Matches(pod.Labels) && _sameLabels.All(label => pod.Labels is { } labels && labels.TryGetValue(label.Key, out var value) && value == label.Value);

    private bool IncludesNode(PodInfo pod, NodeInfo node)
    {
        if (_constraint.NodeAffinityPolicy != "Ignore" && !NodeSelectors.Matches(pod.Pod, node.Node!))
            return false;
        return _constraint.NodeTaintsPolicy != "Honor"
            || (node.Node!.Spec?.Taints ?? []).All(taint => taint.Effect is not ("NoSchedule" or "NoExecute") || Tolerations.Tolerate(pod.Tolerations, taint));
    }
}
