using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Affinity and anti-affinity between pods, of the new pod and of those that run (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity).</summary>
/// <param name="hardAffinityWeight">What a running pod's required affinity to the new one weighs in scoring.</param>
/// <param name="ignoreExistingPreferences">Preferences of running pods do not count for a pod that has none.</param>
internal sealed partial class InterPodAffinity(Func<string, IDictionary<string, string>?> namespaceLabels, Func<Snapshot> snapshot, int hardAffinityWeight = 1, bool ignoreExistingPreferences = false)
    : IPreFilterExtensions, IFilterPlugin, IPreScorePlugin, IScorePlugin, IEnqueueExtensions
{
    private static readonly PluginStatus AffinityMismatch = PluginStatus.Unresolvable("node(s) didn't match pod affinity rules");
    private static readonly PluginStatus AntiAffinityMismatch = PluginStatus.Unschedulable("node(s) didn't match pod anti-affinity rules");
    private static readonly PluginStatus ExistingMismatch = PluginStatus.Unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

    public string Name => "InterPodAffinity";
    public int Weight => 2;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot cluster, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var counts = new Counts();
        foreach (var node in cluster.NodesWithRequiredAntiAffinity)
        {
            foreach (var existing in node.PodsWithRequiredAntiAffinity)
                CountExisting(counts, pod, existing, node, +1);
        }
        if (pod.Affinity is { } own && (own.Required.Count > 0 || own.RequiredAnti.Count > 0))
            CountOwn(own, cluster, counts);
        else if (counts.Existing.IsEmpty)
            return PluginStatus.Skip;
        state.Set(counts);
        return null;
    }

    public void AddPod(CycleState state, PodInfo pod, PodInfo added, NodeInfo node) => Count(state, pod, added, node, +1);

    public void RemovePod(CycleState state, PodInfo pod, PodInfo removed, NodeInfo node) => Count(state, pod, removed, node, -1);

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        var counts = state.Get<Counts>();
        if (pod.Affinity is { } own)
        {
            if (own.Required.Count > 0 && !SatisfiesAffinity(pod, own, node, counts))
                return AffinityMismatch;
            if (!counts.Anti.IsEmpty)
            {
                foreach (var term in own.RequiredAnti)
                {
                    if (node.Label(term.TopologyKey) is { } domain && counts.Anti.Has(term.TopologyKey, domain))
                        return AntiAffinityMismatch;
                }
            }
        }
        return !counts.Existing.IsEmpty && counts.Existing.HasAnyOf(node) ? ExistingMismatch : null;
    }

    private void Count(CycleState state, PodInfo pod, PodInfo other, NodeInfo node, int by)
    {
        if (state.Find<Counts>() is not { } counts)
            return;
        CountExisting(counts, pod, other, node, by);
        if (pod.Affinity is not { } own)
            return;
        if (MatchesAll(own.Required, other))
            Mark(counts.Affinity, own.Required, node, by);
        foreach (var term in own.RequiredAnti)
        {
            if (term.Matches(other, namespaceLabels))
                counts.Anti.Add(term.TopologyKey, node.Label(term.TopologyKey), by);
        }
    }

    private void CountExisting(Counts counts, PodInfo pod, PodInfo existing, NodeInfo node, int by)
    {
        foreach (var term in existing.Affinity?.RequiredAnti ?? [])
        {
            if (node.Label(term.TopologyKey) is { } domain && term.Matches(pod, namespaceLabels))
                counts.Existing.Add(term.TopologyKey, domain, by);
        }
    }

    private void CountOwn(PodAffinityTerms own, Snapshot cluster, Counts counts)
    {
        // Pods of one template are alike: each set of labels is asked about once, not each pod.
        var affinity = new Dictionary<LabelSet, bool>();
        var anti = own.RequiredAnti.Select(static _ => new Dictionary<LabelSet, bool>()).ToArray();
        foreach (var node in cluster.Nodes)
        {
            foreach (var (labels, pods) in node.PodsByLabels)
            {
                // The affinity terms are one condition: only a pod that matches all of them counts.
                if (own.Required.Count > 0 && Known(affinity, labels, own.Required))
                    Mark(counts.Affinity, own.Required, node, pods.All);
                for (var i = 0; i < anti.Length; i++)
                {
                    var term = own.RequiredAnti[i];
                    if (node.Label(term.TopologyKey) is { } domain && Known(anti[i], labels, [term]))
                        counts.Anti.Add(term.TopologyKey, domain, pods.All);
                }
            }
        }
    }

    private bool Known(Dictionary<LabelSet, bool> known, LabelSet labels, IReadOnlyList<AffinityTerm> terms)
    {
        if (!known.TryGetValue(labels, out var matches))
            known[labels] = matches = terms.All(term => term.Matches(labels, namespaceLabels));
        return matches;
    }

    private bool MatchesAll(IReadOnlyList<AffinityTerm> terms, PodInfo other) => terms.Count > 0 && terms.All(term => term.Matches(other, namespaceLabels));

    private static void Mark(DomainCounts domains, IReadOnlyList<AffinityTerm> terms, NodeInfo node, int by)
    {
        foreach (var term in terms)
            domains.Add(term.TopologyKey, node.Label(term.TopologyKey), by);
    }

    private bool SatisfiesAffinity(PodInfo pod, PodAffinityTerms own, NodeInfo node, Counts counts)
    {
        var hasNeighbours = true;
        foreach (var term in own.Required)
        {
            // Without the label the node is in no domain at all.
            if (node.Label(term.TopologyKey) is not { } domain)
                return false;
            hasNeighbours &= counts.Affinity.Has(term.TopologyKey, domain);
        }
        // The first pod of a group that wants to be together has nobody to join, and may start it.
        return hasNeighbours || (counts.Affinity.IsEmpty && MatchesAll(own.Required, pod));
    }

    /// <summary>Numbers of matching pods by domain: topology key and value.</summary>
    private sealed class DomainCounts
    {
        private readonly Dictionary<(string Key, string Domain), long> _counts = [];

        public bool IsEmpty => _counts.Count == 0;

        public bool Has(string key, string domain) => _counts.GetValueOrDefault((key, domain)) > 0;

        public bool HasAnyOf(NodeInfo node)
        {
            foreach (var ((key, domain), count) in _counts)
            {
                if (count > 0 && node.Label(key) == domain)
                    return true;
            }
            return false;
        }

        public void Add(string key, string? domain, int by)
        {
            if (domain is null)
                return;
            var count = _counts.GetValueOrDefault((key, domain)) + by;
            // Whether there is any at all decides whether a pod may be the first of its group.
            if (count == 0)
                _counts.Remove((key, domain));
            else
                _counts[(key, domain)] = count;
        }

        public DomainCounts Copy()
        {
            var copy = new DomainCounts();
            foreach (var (domain, count) in _counts)
                copy._counts.Add(domain, count);
            return copy;
        }
    }

    private sealed class Counts : ICopiedState
    {
        /// <summary>Domains with pods that want to be apart from the new one.</summary>
        public DomainCounts Existing { get; private init; } = new();

        public DomainCounts Affinity { get; private init; } = new();
        public DomainCounts Anti { get; private init; } = new();

        public object Copy() => new Counts { Existing = Existing.Copy(), Affinity = Affinity.Copy(), Anti = Anti.Copy() };
    }
}
