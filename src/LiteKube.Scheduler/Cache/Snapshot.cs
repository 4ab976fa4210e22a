namespace LiteKube.Scheduler.Cache;

/// <summary>
/// The cluster as one scheduling attempt sees it. The scheduler's own; brought up to date before each attempt by
/// copying only the nodes that changed since (<see cref="SchedulerCache.Update"/>): usually the one that took the last pod.
/// </summary>
public sealed class Snapshot
{
    private readonly Dictionary<string, NodeInfo> _byName = new(StringComparer.Ordinal);
    private readonly List<NodeInfo> _nodes = [];
    private readonly Dictionary<string, int> _position = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _imageNodes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _withAffinity = new(StringComparer.Ordinal);
    private readonly HashSet<string> _withRequiredAntiAffinity = new(StringComparer.Ordinal);
    private bool _isOrdered = true;

    /// <summary>One of each zone in turn, so that those of a large cluster that are looked at are of all zones.</summary>
    public IReadOnlyList<NodeInfo> Nodes
    {
        get
        {
            if (!_isOrdered)
                Order();
            return _nodes;
        }
    }

    public NodeInfo? Find(string name) => _byName.GetValueOrDefault(name);

    public IEnumerable<NodeInfo> NodesWithAffinity => _withAffinity.Select(name => _byName[name]);
    public IEnumerable<NodeInfo> NodesWithRequiredAntiAffinity => _withRequiredAntiAffinity.Select(name => _byName[name]);

    /// <summary>How many nodes have the image.</summary>
    public int NodesWithImage(string image) => _imageNodes.GetValueOrDefault(image);

    internal void Set(NodeInfo node)
    {
        if (_position.TryGetValue(node.Name, out var at))
        {
            CountImages(_nodes[at], node);
            _isOrdered &= _nodes[at].Zone == node.Zone;
            _nodes[at] = node;
        }
        else
        {
            _isOrdered = false;
            CountImages(null, node);
            _position[node.Name] = _nodes.Count;
            _nodes.Add(node);
        }
        _byName[node.Name] = node;
        Mark(_withAffinity, node.Name, node.PodsWithAffinity.Count > 0);
        Mark(_withRequiredAntiAffinity, node.Name, node.PodsWithRequiredAntiAffinity.Count > 0);
    }

    internal void Remove(string name)
    {
        if (!_position.Remove(name, out var at))
            return;
        CountImages(_nodes[at], null);
        var last = _nodes[^1];
        _nodes[at] = last;
        _nodes.RemoveAt(_nodes.Count - 1);
        if (last.Name != name)
            _position[last.Name] = at;
        _byName.Remove(name);
        _withAffinity.Remove(name);
        _withRequiredAntiAffinity.Remove(name);
        _isOrdered = false;
    }

    private void Order()
    {
        _isOrdered = true;
        var zones = _nodes.GroupBy(static node => node.Zone, StringComparer.Ordinal).Select(static zone => zone.ToArray()).ToList();
        if (zones.Count < 2)
            return;
        _nodes.Clear();
        for (var turn = 0; _nodes.Count < _position.Count; turn++)
        {
            foreach (var zone in zones)
            {
                if (turn >= zone.Length)
                    continue;
                _position[zone[turn].Name] = _nodes.Count;
                _nodes.Add(zone[turn]);
            }
        }
    }

    private void CountImages(NodeInfo? old, NodeInfo? node)
    {
        if (ReferenceEquals(old?.Images, node?.Images))
            return;
        foreach (var image in old?.Images.Keys ?? [])
        {
            if (--_imageNodes[image] == 0)
                _imageNodes.Remove(image);
        }
        foreach (var image in node?.Images.Keys ?? [])
            _imageNodes[image] = _imageNodes.GetValueOrDefault(image) + 1;
    }

    private static void Mark(HashSet<string> set, string name, bool isIn)
    {
        if (isIn)
            set.Add(name);
        else
            set.Remove(name);
    }
}
