using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>nodeSelector and node affinity (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/).</summary>
/// <param name="added">Holds for every pod, besides its own affinity.</param>
internal sealed class NodeAffinity(V1NodeAffinity? added = null) : IPreFilterPlugin, IFilterPlugin, IPreScorePlugin, IScorePlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Mismatch = PluginStatus.Unresolvable("node(s) didn't match Pod's node affinity/selector");
    private static readonly PluginStatus Enforced = PluginStatus.Unresolvable("node(s) didn't match scheduler-enforced node affinity");
    private static readonly PluginStatus Conflict = PluginStatus.Unresolvable("pod affinity terms conflict");
    public string Name => "NodeAffinity";
    public int Weight => 2;
    public ClusterEvent Events => ClusterEvent.NodeAdd | ClusterEvent.NodeLabel;

    public bool MayHelp(PodInfo pod, in ClusterChange change) =>
        change.New is not V1Node node || (Mismatches(pod, node) is null && (change.Old is not V1Node old || Mismatches(pod, old) is not null));

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var required = pod.Pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution;
        if (required is null && pod.Pod.Spec.NodeSelector is not { Count: > 0 } && added?.RequiredDuringSchedulingIgnoredDuringExecution is null)
            return PluginStatus.Skip;
        // Terms are alternatives: names limit the nodes only when every term has them. So daemon pods look at one node, not all.
        HashSet<string>? names = null;
        foreach (var term in required?.NodeSelectorTerms ?? [])
        {
            HashSet<string>? ofTerm = null;
            foreach (var field in term.MatchFields ?? [])
            {
                if (field.Key != "metadata.name" || field.OperatorProperty != "In")
                    continue;
                if (ofTerm is null)
                    ofTerm = field.Values.ToHashSet(StringComparer.Ordinal);
                else
                    ofTerm.IntersectWith(field.Values);
            }
            if (ofTerm is null)
                return null;
            (names ??= new(StringComparer.Ordinal)).UnionWith(ofTerm);
        }
        if (names is { Count: 0 })
            return Conflict;
        nodeNames = names;
        return null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        if (added?.RequiredDuringSchedulingIgnoredDuringExecution is { } required && !NodeSelectors.Matches(required, node.Node!))
            return Enforced;
        return Selects(pod, node) ? null : Mismatch;
    }

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes) =>
        Preferred(pod) is { Count: > 0 } || added?.PreferredDuringSchedulingIgnoredDuringExecution is { Count: > 0 } ? null : PluginStatus.Skip;

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        return Sum(Preferred(pod)) + Sum(added?.PreferredDuringSchedulingIgnoredDuringExecution);

        long Sum(IList<V1PreferredSchedulingTerm>? terms)
        {
            long sum = 0;
            foreach (var term in terms ?? [])
            {
                if (term.Weight != 0 && NodeSelectors.MatchesTerm(term.Preference, node.Node!))
                    sum += term.Weight;
            }
            return sum;
        }
    }

    public void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores) => Scores.Normalize(scores, reverse: false);

    private static IList<V1PreferredSchedulingTerm>? Preferred(PodInfo pod) => pod.Pod.Spec.Affinity?.NodeAffinity?.PreferredDuringSchedulingIgnoredDuringExecution;

    /// <summary>As <see cref="NodeSelectors.Matches(V1PodSpec, V1Node)"/>, of what is prepared for going through all nodes.</summary>
    public static bool Selects(PodInfo pod, NodeInfo node)
    {
        foreach (var (key, value) in pod.NodeSelector)
        {
            if (node.Label(key) != value)
                return false;
        }
        return NodeSelectors.MatchesAffinity(pod.Pod.Spec, node.Node!);
    }

    private PluginStatus? Mismatches(PodInfo pod, V1Node node)
    {
        if (added?.RequiredDuringSchedulingIgnoredDuringExecution is { } required && !NodeSelectors.Matches(required, node))
            return Enforced;
        return NodeSelectors.Matches(pod.Pod.Spec, node) ? null : Mismatch;
    }
}
