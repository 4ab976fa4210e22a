namespace LiteKube.ApiServer.FlowControl;

/// <summary>How many watches may be interested in a write: its cost is theirs too. Watches of one object, of a namespace, and of all.</summary>
internal sealed class WatchCounts
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Key, int> _counts = [];

    private readonly record struct Key(string Group, string Resource, string Namespace, string Name);

    public void Add(RequestInfo info) => Change(info, 1);

    public void Remove(RequestInfo info) => Change(info, -1);

    public int InterestedIn(RequestInfo info)
    {
        lock (_lock)
        {
            var count = _counts.GetValueOrDefault(new(info.Group, info.Resource, "", ""));
            if (info.Namespace.Length > 0) count += _counts.GetValueOrDefault(new(info.Group, info.Resource, info.Namespace, ""));
            if (info.Name.Length > 0) count += _counts.GetValueOrDefault(new(info.Group, info.Resource, info.Namespace, info.Name));
            return count;
        }
    }

    private void Change(RequestInfo info, int by)
    {
        // A kubelet's watch of its own pods sees few of the writes: upstream does not count it.
        if (info is { Resource: "pods", Group: "" } && NamesNode(info.FieldSelector)) return;
        var key = new Key(info.Group, info.Resource, info.Namespace, info.Name);
        lock (_lock)
        {
            var count = _counts.GetValueOrDefault(key) + by;
            if (count > 0) _counts[key] = count;
            else _counts.Remove(key);
        }
    }

    private static bool NamesNode(string selector)
    {
        foreach (var range in selector.AsSpan().Split(','))
        {
            if (selector.AsSpan(range) is ['s', 'p', 'e', 'c', '.', 'n', 'o', 'd', 'e', 'N', 'a', 'm', 'e', '=', .. var value] && value.TrimStart('=').Length > 0) return true;
        }
        return false;
    }
}
