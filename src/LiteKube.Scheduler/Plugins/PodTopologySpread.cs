using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Spreads like pods over zones, hosts or other domains (https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/).</summary>
/// <param name="defaults">Constraints for pods without any; null for none.</param>
internal sealed partial class PodTopologySpread(Func<Snapshot> snapshot, DefaultSpread? defaults = null) : IPreFilterExtensions, IFilterPlugin, IPreScorePlugin, IScorePlugin, IEnqueueExtensions
{
    public const string Hostname = NodeInfo.HostnameLabel;
    private static readonly PluginStatus Skewed = PluginStatus.Unschedulable("node(s) didn't match pod topology spread constraints");
    private static readonly PluginStatus NoDomain = PluginStatus.Unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");

    public string Name => "PodTopologySpread";
    public int Weight => 2;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot cluster, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var constraints = ConstraintsOf(pod, "DoNotSchedule");
        if (constraints.Length == 0)
            return PluginStatus.Skip;
        var domains = constraints.Select(static _ => new DomainCounts()).ToArray();
        foreach (var node in cluster.Nodes)
        {
            // A node counts only when it is in a domain of every constraint.
            if (!HasAllDomains(node, constraints))
                continue;
            for (var i = 0; i < constraints.Length; i++)
            {
                if (constraints[i].IncludesNode(pod, node))
                    domains[i].Add(node.Label(constraints[i].TopologyKey)!, constraints[i].CountOn(pod, node));
            }
        }
        state.Set(new Hard(constraints, domains));
        return null;
    }

    public void AddPod(CycleState state, PodInfo pod, PodInfo added, NodeInfo node) => Count(state, pod, added, node, +1);

    public void RemovePod(CycleState state, PodInfo pod, PodInfo removed, NodeInfo node) => Count(state, pod, removed, node, -1);

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        var hard = state.Get<Hard>();
        for (var i = 0; i < hard.Constraints.Length; i++)
        {
            var constraint = hard.Constraints[i];
            if (node.Label(constraint.TopologyKey) is not { } domain)
                return NoDomain;
            var domains = hard.Domains[i];
            // While there are fewer domains than wanted, the one that is still to come is the emptiest.
            var smallest = domains.Count < constraint.MinDomains ? 0 : domains.Smallest;
            var skew = domains.In(domain) + (constraint.SelectsPod ? 1 : 0) - smallest;
            if (skew > constraint.MaxSkew)
                return Skewed;
        }
        return null;
    }

    private SpreadConstraint[] ConstraintsOf(PodInfo pod, string whenUnsatisfiable) =>
        pod.Pod.Spec.TopologySpreadConstraints is { Count: > 0 } ? SpreadConstraint.Of(pod, whenUnsatisfiable) : defaults?.Of(pod, whenUnsatisfiable) ?? [];

    private static void Count(CycleState state, PodInfo pod, PodInfo other, NodeInfo node, int by)
    {
        if (state.Find<Hard>() is not { } hard || other.Namespace != pod.Namespace || !HasAllDomains(node, hard.Constraints))
            return;
        for (var i = 0; i < hard.Constraints.Length; i++)
        {
            var constraint = hard.Constraints[i];
            if (constraint.Selects(other.Labels) && constraint.IncludesNode(pod, node))
                hard.Domains[i].Add(node.Label(constraint.TopologyKey)!, by);
        }
    }

    private static bool HasAllDomains(NodeInfo node, SpreadConstraint[] constraints)
    {
        foreach (var constraint in constraints)
        {
            if (node.Label(constraint.TopologyKey) is null)
                return false;
        }
        return true;
    }

    /// <summary>How many selected pods each domain has.</summary>
    private sealed class DomainCounts
    {
        private readonly Dictionary<string, int> _counts;
        private int? _smallest;

        public DomainCounts() => _counts = new(StringComparer.Ordinal);

        private DomainCounts(DomainCounts other) => (_counts, _smallest) = (new(other._counts, StringComparer.Ordinal), other._smallest);

        public int Count => _counts.Count;

        /// <summary>Looked for once after a change: it is asked for each node.</summary>
        public int Smallest => _smallest ??= _counts.Count == 0 ? 0 : _counts.Values.Min();

        public int In(string domain) => _counts.GetValueOrDefault(domain);

        public void Add(string domain, int by)
        {
            _counts[domain] = _counts.GetValueOrDefault(domain) + by;
            _smallest = null;
        }

        public DomainCounts Copy() => new(this);
    }

    private sealed record Hard(SpreadConstraint[] Constraints, DomainCounts[] Domains) : ICopiedState
    {
        public object Copy() => new Hard(Constraints, [.. Domains.Select(static domains => domains.Copy())]);
    }
}
