using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Preferences, and what is worth trying again for.</summary>
internal sealed partial class InterPodAffinity
{
    public ClusterEvent Events => ClusterEvent.AssignedPodAdd | ClusterEvent.AssignedPodLabel | ClusterEvent.AssignedPodDelete | ClusterEvent.PodLabel
        | ClusterEvent.NodeAdd | ClusterEvent.NodeLabel | ClusterEvent.Namespace;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change switch
    {
        { New: V1Node node } => NodeMayHelp(pod, change.Old as V1Node, node),
        { Old: PodInfo or null, New: PodInfo or null } => PodMayHelp(pod, change.Old as PodInfo, change.New as PodInfo),
        _ => true,
    };

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        var hasPreferences = pod.Affinity is { } own && own.Preferred.Count + own.PreferredAnti.Count > 0;
        if (ignoreExistingPreferences && !hasPreferences)
            return PluginStatus.Skip;
        var scores = new TopologyScores();
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
        foreach (var (key, domains) in state.Get<TopologyScores>().Values)
        {
            if (node.Label(key) is { } domain)
                sum += domains.GetValueOrDefault(domain);
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
            score = max > min ? (long)(IScorePlugin.MaxScore * ((double)(score - min) / (max - min))) : 0;
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
        if (hardAffinityWeight > 0)
        {
            foreach (var term in theirs.Required)
                AddTerm(term, pod, hardAffinityWeight);
        }
        Add(theirs.Preferred, pod, +1);
        Add(theirs.PreferredAnti, pod, -1);

        void Add(IReadOnlyList<AffinityTerm> terms, PodInfo target, int sign)
        {
            foreach (var term in terms)
                AddTerm(term, target, sign * term.Weight);
        }

        void AddTerm(AffinityTerm term, PodInfo target, int weight)
        {
            if (node.Label(term.TopologyKey) is not { } domain || !term.Matches(target, namespaceLabels))
                return;
            if (!scores.Values.TryGetValue(term.TopologyKey, out var domains))
                scores.Values[term.TopologyKey] = domains = new(StringComparer.Ordinal);
            domains[domain] = domains.GetValueOrDefault(domain) + weight;
        }
    }

    private bool PodMayHelp(PodInfo pod, PodInfo? old, PodInfo? now)
    {
        if (now?.Uid == pod.Uid)
            return true;
        IReadOnlyList<AffinityTerm> required = pod.Affinity?.Required ?? [], anti = pod.Affinity?.RequiredAnti ?? [];
        bool WantsBy(PodInfo? other) => other is not null && MatchesAll(required, other);
        bool Shuns(PodInfo? other) => other is not null && anti.Any(term => term.Matches(other, namespaceLabels));
        // It came to be one that is wanted near, or ceased to be one that is not.
        if (now is not null && WantsBy(now) && !WantsBy(old))
            return true;
        if (old is null)
            return false;
        if (Shuns(old) && !Shuns(now))
            return true;
        // One that wanted to be apart from this pod went.
        return now is null && old.Affinity?.RequiredAnti.Any(term => term.Matches(pod, namespaceLabels)) == true;
    }

    private static bool NodeMayHelp(PodInfo pod, V1Node? old, V1Node node)
    {
        foreach (var term in pod.Affinity?.Required ?? [])
        {
            if (Label(node, term) is { } domain && domain != Label(old, term))
                return true;
        }
        // A new node is apart from all. So is one that left its domain.
        if (old is null)
            return pod.Affinity?.Required is not { Count: > 0 };
        foreach (var term in pod.Affinity?.RequiredAnti ?? [])
        {
            if (Label(old, term) is { } domain && domain != Label(node, term))
                return true;
        }
        // Those that run may have turned it away by any key.
        return pod.Affinity is null;
    }

    private static string? Label(V1Node? node, AffinityTerm term) => node?.Metadata.Labels is { } labels && labels.TryGetValue(term.TopologyKey, out var value) ? value : null;

    /// <summary>By topology key and domain.</summary>
    private sealed class TopologyScores
    {
        public Dictionary<string, Dictionary<string, long>> Values { get; } = new(StringComparer.Ordinal);
    }
}
