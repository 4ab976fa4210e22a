using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Preferences (ScheduleAnyway), and what is worth trying again for.</summary>
internal sealed partial class PodTopologySpread
{
    /// <summary>Marks a node that is outside of the domains: the last choice.</summary>
    private const long Outside = -1;
    private readonly SpreadCounts _counts = new();

    public ClusterEvent Events => ClusterEvent.AssignedPodAdd | ClusterEvent.AssignedPodLabel | ClusterEvent.AssignedPodDelete | ClusterEvent.PodLabel
        | ClusterEvent.NodeAdd | ClusterEvent.NodeDelete | ClusterEvent.NodeLabel | ClusterEvent.NodeTaint;

    public bool MayHelp(PodInfo pod, in ClusterChange change)
    {
        var constraints = ConstraintsOf(pod, "DoNotSchedule");
        if (change.Old is V1Node || change.New is V1Node)
            return NodeMayHelp(pod, constraints, change.Old as V1Node, change.New as V1Node);
        var (old, now) = (change.Old as PodInfo, change.New as PodInfo);
        if ((now ?? old)?.Namespace != pod.Namespace)
            return false;
        var (counted, counts) = (old is not null && IsSelected(constraints, old), now is not null && IsSelected(constraints, now));
        // A change of labels matters when it makes the pod count or no longer count; the others when they are of one that counts.
        return old is not null && now is not null ? counted != counts : counted || counts;
    }

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        var constraints = ConstraintsOf(pod, "ScheduleAnyway");
        if (constraints.Length == 0)
            return PluginStatus.Skip;
        var mustHaveAll = pod.Pod.Spec.TopologySpreadConstraints is { Count: > 0 } || defaults?.IsSystem != true;
        var counts = new Dictionary<string, long>[constraints.Length];
        var inside = 0;
        for (var i = 0; i < constraints.Length; i++)
            counts[i] = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            if (mustHaveAll && !HasAllDomains(node, constraints))
                continue;
            inside++;
            for (var i = 0; i < constraints.Length; i++)
            {
                // Hosts are counted when they are scored: each is a domain of its own.
                if (constraints[i].TopologyKey != Hostname)
                    counts[i].TryAdd(node.Label(constraints[i].TopologyKey) ?? "", 0);
            }
        }
        // The more domains there are, the less each pod in one says.
        var weights = constraints.Select((constraint, i) => Math.Log((constraint.TopologyKey == Hostname ? inside : counts[i].Count) + 2)).ToArray();
        CountDomains(pod, constraints, counts, mustHaveAll);
        state.Set(new Soft(constraints, counts, weights, mustHaveAll));
        return null;
    }

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        var soft = state.Get<Soft>();
        if (soft.MustHaveAll && !HasAllDomains(node, soft.Constraints))
            return Outside;
        var score = 0.0;
        for (var i = 0; i < soft.Constraints.Length; i++)
        {
            var constraint = soft.Constraints[i];
            if (node.Label(constraint.TopologyKey) is not { } domain)
                continue;
            var count = constraint.TopologyKey == Hostname ? constraint.CountOn(pod, node) : soft.Counts[i].GetValueOrDefault(domain);
            score += count * soft.Weights[i] + (constraint.MaxSkew - 1);
        }
        return (long)Math.Round(score, MidpointRounding.AwayFromZero);
    }

    public void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores)
    {
        long min = long.MaxValue, max = 0;
        foreach (var score in scores)
        {
            if (score == Outside)
                continue;
            min = Math.Min(min, score);
            max = Math.Max(max, score);
        }
        foreach (ref var score in scores)
        {
            if (score == Outside)
                score = 0;
            else
                score = max == 0 ? IScorePlugin.MaxScore : IScorePlugin.MaxScore * (max + min - score) / max;
        }
    }

    private void CountDomains(PodInfo pod, SpreadConstraint[] constraints, Dictionary<string, long>[] counts, bool mustHaveAll)
    {
        var nodes = snapshot().Nodes;
        for (var i = 0; i < constraints.Length; i++)
        {
            var constraint = constraints[i];
            // Only domains with a node that may be chosen are of interest.
            if (constraint.TopologyKey == Hostname || counts[i].Count == 0)
                continue;
            var key = constraint.KindOf(pod, mustHaveAll ? constraints : [constraint]);
            var sums = _counts.Of(key, constraint.TopologyKey, nodes,
                node => (mustHaveAll && !HasAllDomains(node, constraints)) || !constraint.IncludesNode(pod, node) ? null : constraint.CountOn(pod, node));
            foreach (var domain in counts[i].Keys)
                counts[i][domain] = sums.GetValueOrDefault(domain);
        }
    }

    private static bool IsSelected(SpreadConstraint[] constraints, PodInfo other) => constraints.Any(constraint => constraint.Selects(other.Labels));

    private static bool NodeMayHelp(PodInfo pod, SpreadConstraint[] constraints, V1Node? old, V1Node? now)
    {
        var (had, has) = (old is not null && HasAll(old, constraints), now is not null && HasAll(now, constraints));
        if (old is null || now is null)
            return had || has;
        if (had != has || (has && constraints.Any(constraint => old.Metadata.Labels[constraint.TopologyKey] != now.Metadata.Labels[constraint.TopologyKey])))
            return true;
        return has && constraints.Any(static constraint => constraint.HonorsTaints) && Tolerations.HasUntolerated(pod.Tolerations, old) != Tolerations.HasUntolerated(pod.Tolerations, now);
    }

    private static bool HasAll(V1Node node, SpreadConstraint[] constraints) => constraints.All(constraint => node.Metadata.Labels?.ContainsKey(constraint.TopologyKey) == true);

    private sealed record Soft(SpreadConstraint[] Constraints, Dictionary<string, long>[] Counts, double[] Weights, bool MustHaveAll);
}
