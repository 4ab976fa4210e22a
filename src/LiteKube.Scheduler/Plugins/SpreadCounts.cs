using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Plugins;

/// <summary>
/// How many pods each domain of a constraint has, kept from one pod to the next of its kind: of a thousand nodes only
/// the one that took the last pod has changed since, and is recognized by its copy in the snapshot being another one.
/// The scheduling loop's own.
/// </summary>
internal sealed class SpreadCounts
{
    /// <summary>Kinds of pods that are remembered; more at a time are rare, and then all are counted anew.</summary>
    private const int MaxKinds = 64;
    private readonly Dictionary<string, Kind> _kinds = new(StringComparer.Ordinal);

    /// <param name="key">The same for all pods whose counts are the same; null for one that is like no other.</param>
    /// <param name="count">Pods that count on a node; null when the node does not.</param>
    public IReadOnlyDictionary<string, long> Of(string? key, string topologyKey, IReadOnlyList<NodeInfo> nodes, Func<NodeInfo, int?> count)
    {
        if (key is null || !_kinds.TryGetValue(key, out var kind) || kind.Nodes.Length != nodes.Count)
        {
            kind = new Kind(nodes.Count);
            if (key is not null)
            {
                if (_kinds.Count >= MaxKinds)
                    _kinds.Clear();
                _kinds[key] = kind;
            }
        }
        for (var i = 0; i < nodes.Count; i++)
        {
            var node = nodes[i];
            if (ReferenceEquals(kind.Nodes[i], node))
                continue;
            if (kind.Nodes[i]?.Label(topologyKey) is { } before && kind.Counts[i] != 0)
                kind.Sums[before] -= kind.Counts[i];
            kind.Nodes[i] = node;
            kind.Counts[i] = node.Label(topologyKey) is null ? 0 : count(node) ?? 0;
            if (kind.Counts[i] != 0)
                kind.Sums[node.Label(topologyKey)!] = kind.Sums.GetValueOrDefault(node.Label(topologyKey)!) + kind.Counts[i];
        }
        return kind.Sums;
    }

    private sealed class Kind(int nodes)
    {
        public NodeInfo?[] Nodes { get; } = new NodeInfo?[nodes];
        public int[] Counts { get; } = new int[nodes];
        public Dictionary<string, long> Sums { get; } = new(StringComparer.Ordinal);
    }
}
