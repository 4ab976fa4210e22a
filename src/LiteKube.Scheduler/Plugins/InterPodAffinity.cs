using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Affinity and anti-affinity between pods, of the new pod and of those that run (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity).</summary>
internal sealed class InterPodAffinity(Func<string, IDictionary<string, string>?> namespaceLabels, Func<Snapshot> snapshot)
    : IPreFilterPlugin, IFilterPlugin, IPreScorePlugin, IScorePlugin, IEnqueueExtensions
{
    /// <summary>What a running pod's required affinity to the new one weighs in scoring.</summary>
    private const int HardAffinityWeight = 1;
    private static readonly PluginStatus AffinityMismatch = PluginStatus.Unresolvable("node(s) didn't match pod affinity rules");
    private static readonly PluginStatus AntiAffinityMismatch = PluginStatus.Unschedulable("node(s) didn't match pod anti-affinity rules");
    private static readonly PluginStatus ExistingMismatch = PluginStatus.Unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

    public string Name => "InterPodAffinity";
    public int Weight => 2;

    public ClusterEvent Events => ClusterEvent.AssignedPodAdd | ClusterEvent.AssignedPodUpdate | ClusterEvent.AssignedPodDelete
        | ClusterEvent.NodeAdd | ClusterEvent.NodeLabel | ClusterEvent.PodUpdate | ClusterEvent.Namespace;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot cluster, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var counts = new Counts();
        foreach (var node in cluster.NodesWithRequiredAntiAffinity)
        {
            foreach (var existing in node.PodsWithRequiredAntiAffinity)
            {
                foreach (var term in existing.Affinity!.RequiredAnti)
                {
                    if (node.Label(term.TopologyKey) is { } domain && term.Matches(pod, namespaceLabels))
                        counts.ExistingAnti.Add((term.TopologyKey, domain));
                }
            }
        }
        if (pod.Affinity is { } own && (own.Required.Count > 0 || own.RequiredAnti.Count > 0))
            CountOwn(own, cluster, counts);
        else if (counts.ExistingAnti.Count == 0)
            return PluginStatus.Skip;
        state.Set(counts);
        return null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        var counts = state.Get<Counts>();
        if (pod.Affinity is { } own)
        {
            if (own.Required.Count > 0 && !SatisfiesAffinity(pod, own, node, counts))
                return AffinityMismatch;
            foreach (var term in own.RequiredAnti)
            {
                if (node.Label(term.TopologyKey) is { } domain && counts.Anti.Contains((term.TopologyKey, domain)))
                    return AntiAffinityMismatch;
            }
        }
        foreach (var (key, domain) in counts.ExistingAnti)
        {
            if (node.Label(key) == domain)
                return ExistingMismatch;
        }
        return null;
    }

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        var scores = new TopologyScores();
        var hasPreferences = pod.Affinity is { } own && own.Preferred.Count + own.PreferredAnti.Count > 0;
        var cluster = snapshot();
        foreach (var node in hasPreferences ? cluster.Nodes : cluster.NodesWithAffinity)
        {
            foreach (var existing in hasPreferences ? node.Pods : node.PodsWithAffinity)
                ScoreExisting(pod, existing, node, scores);
        }
        if (scores.Values.Count == 0)
            return PluginStatus.Skip;
        state.Set(scores);
        return null;
    }

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        long sum = 0;
        foreach (var ((key, domain), score) in state.Get<TopologyScores>().Values)
        {
            if (node.Label(key) == domain)
                sum += score;
        }
        return sum;
    }

    public void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores)
    {
        long min = long.MaxValue, max = long.MinValue;
        foreach (var score in scores)
        {
            min = Math.Min(min, score);
            max = Math.Max(max, score);
        }
        foreach (ref var score in scores)
            score = max > min ? (long)((double)IScorePlugin.MaxScore * (score - min) / (max - min)) : 0;
    }

    private void CountOwn(PodAffinityTerms own, Snapshot cluster, Counts counts)
    {
        foreach (var node in cluster.Nodes)
        {
            foreach (var existing in node.Pods)
            {
                // The affinity terms are one condition: only a pod that matches all of them counts.
                if (own.Required.Count > 0 && own.Required.All(term => term.Matches(existing, namespaceLabels)))
                    Mark(counts.Affinity, own.Required, node);
                foreach (var term in own.RequiredAnti)
                {
                    if (term.Matches(existing, namespaceLabels))
                        Mark(counts.Anti, [term], node);
                }
            }
        }
    }

    private static void Mark(HashSet<(string Key, string Domain)> domains, IReadOnlyList<AffinityTerm> terms, NodeInfo node)
    {
        foreach (var term in terms)
        {
            if (node.Label(term.TopologyKey) is { } domain)
                domains.Add((term.TopologyKey, domain));
        }
    }

    private bool SatisfiesAffinity(PodInfo pod, PodAffinityTerms own, NodeInfo node, Counts counts)
    {
        var hasNeighbours = true;
        foreach (var term in own.Required)
        {
            // Without the label the node is in no domain at all.
            if (node.Label(term.TopologyKey) is not { } domain)
                return false;
            hasNeighbours &= counts.Affinity.Contains((term.TopologyKey, domain));
        }
        // The first pod of a group that wants to be together has nobody to join, and may start it.
        return hasNeighbours || (counts.Affinity.Count == 0 && own.Required.All(term => term.Matches(pod, namespaceLabels)));
    }

    private void ScoreExisting(PodInfo pod, PodInfo existing, NodeInfo node, TopologyScores scores)
    {
        if (pod.Affinity is { } own)
        {
            Add(own.Preferred, existing, +1);
            Add(own.PreferredAnti, existing, -1);
        }
        if (existing.Affinity is not { } theirs)
            return;
        foreach (var term in theirs.Required)
            AddTerm(term, pod, HardAffinityWeight);
        Add(theirs.Preferred, pod, +1);
        Add(theirs.PreferredAnti, pod, -1);

        void Add(IReadOnlyList<AffinityTerm> terms, PodInfo target, int sign)
        {
            foreach (var term in terms)
                AddTerm(term, target, sign * term.Weight);
        }

        void AddTerm(AffinityTerm term, PodInfo target, int weight)
        {
            if (node.Label(term.TopologyKey) is { } domain && term.Matches(target, namespaceLabels))
                scores.Values[(term.TopologyKey, domain)] = scores.Values.GetValueOrDefault((term.TopologyKey, domain)) + weight;
        }
    }

    /// <summary>Domains (topology key and value) with matching pods.</summary>
    private sealed class Counts
    {
        public HashSet<(string Key, string Domain)> ExistingAnti { get; } = [];
        public HashSet<(string Key, string Domain)> Affinity { get; } = [];
        public HashSet<(string Key, string Domain)> Anti { get; } = [];
    }

    private sealed class TopologyScores
    {
        public Dictionary<(string Key, string Domain), long> Values { get; } = [];
    }
}
