using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Queue;

/// <summary>
/// Which waiting pods preemption makes room for, and on which nodes. They hold that room against pods that are no more
/// important than they are. Read by the scheduling loop, written by it and by the informers.
/// </summary>
internal sealed class Nominator
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _nodeByPod = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PodInfo[]> _podsByNode = new(StringComparer.Ordinal);
    private volatile bool _isEmpty = true;

    /// <summary>Almost always; then nothing has to be asked per node.</summary>
    public bool IsEmpty => _isEmpty;

    public IReadOnlyList<PodInfo> PodsFor(string node)
    {
        lock (_lock)
            return _podsByNode.GetValueOrDefault(node, []);
    }

    /// <param name="node">null for the one that the pod's status names; empty to take a nomination back.</param>
    public void Set(PodInfo pod, string? node)
    {
        lock (_lock)
        {
            Remove(pod.Uid);
            var target = node ?? pod.NominatedNode;
            if (target.Length > 0)
            {
                _nodeByPod[pod.Uid] = target;
                _podsByNode[target] = [.. _podsByNode.GetValueOrDefault(target, []), pod];
            }
            _isEmpty = _nodeByPod.Count == 0;
        }
    }

    /// <summary>
    /// A pod changed. One that had no nomination in its status and still has none keeps what only this process knows:
    /// the write that tells the API server of it may be on its way.
    /// </summary>
    public void Update(PodInfo old, PodInfo pod)
    {
        lock (_lock)
        {
            string? kept = null;
            if (old.NominatedNode.Length == 0 && pod.NominatedNode.Length == 0)
                kept = _nodeByPod.GetValueOrDefault(pod.Uid);
            Set(pod, kept);
        }
    }

    public void Delete(string uid)
    {
        lock (_lock)
        {
            Remove(uid);
            _isEmpty = _nodeByPod.Count == 0;
        }
    }

    private void Remove(string uid)
    {
        if (!_nodeByPod.Remove(uid, out var node))
            return;
        var left = _podsByNode[node].Where(pod => pod.Uid != uid).ToArray();
        if (left.Length == 0)
            _podsByNode.Remove(node);
        else
            _podsByNode[node] = left;
    }
}
