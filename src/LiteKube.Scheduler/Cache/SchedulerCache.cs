using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Scheduler.Cache;

/// <summary>
/// Nodes and the pods on them: what the informers said, and ahead of them the pods that were just placed (assumed)
/// and not yet seen bound. Informers write it from their own threads.
/// </summary>
internal sealed class SchedulerCache(TimeProvider timeProvider)
{
    /// <summary>After a bind that the server acknowledged, the watch brings the pod long before this; it ends a leak, should it not.</summary>
    private static readonly TimeSpan AssumedLifetime = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, NodeInfo> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PodEntry> _pods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PodEntry> _assumed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private long _generation;

    /// <summary>Known nodes, the pods on nodes, and of these the assumed ones.</summary>
    public (int Nodes, int Pods, int Assumed) Sizes
    {
        get
        {
            lock (_lock)
                return (_nodes.Values.Count(node => node.Node is not null), _pods.Count, _assumed.Count);
        }
    }

    /// <summary>Copies what changed since the last call. One snapshot at a time may follow a cache.</summary>
    public void Update(Snapshot snapshot)
    {
        lock (_lock)
        {
            foreach (var name in _changed)
            {
                if (_nodes.TryGetValue(name, out var node) && node.Node is not null)
                    snapshot.Set(node.Copy());
                else
                    snapshot.Remove(name);
            }
            _changed.Clear();
        }
    }

    public void SetNode(V1Node node)
    {
        lock (_lock)
        {
            var info = NodeOf(node.Metadata.Name);
            info.SetNode(node);
            Touch(info);
        }
    }

    public void RemoveNode(string name)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(name, out var info))
                return;
            info.SetNode(null);
            Touch(info);
            // Its pods' own deletions are still to come, and find their sums here.
            if (info.Pods.Count == 0)
                _nodes.Remove(name);
        }
    }

    /// <summary>An assigned pod was seen: added, changed, or confirming what was assumed.</summary>
    public void SetPod(PodInfo pod)
    {
        lock (_lock)
        {
            RemoveEntry(pod.Uid);
            AddEntry(pod, pod.Pod.Spec.NodeName);
        }
    }

    public void RemovePod(string uid)
    {
        lock (_lock)
            RemoveEntry(uid);
    }

    public bool Contains(string uid)
    {
        lock (_lock)
            return _pods.ContainsKey(uid);
    }

    public bool IsAssumed(string uid)
    {
        lock (_lock)
            return _assumed.ContainsKey(uid);
    }

    /// <summary>Counts the pod on the node from now on, before it is bound there.</summary>
    public void Assume(PodInfo pod, string nodeName)
    {
        lock (_lock)
        {
            if (_pods.ContainsKey(pod.Uid))
                throw new InvalidOperationException($"pod {pod.Key} is in the cache already");
            _assumed[pod.Uid] = AddEntry(pod, nodeName);
        }
    }

    /// <summary>The bind succeeded; from now on the assumption may expire.</summary>
    public void FinishBinding(string uid)
    {
        lock (_lock)
        {
            if (_assumed.TryGetValue(uid, out var entry))
                entry.BoundAt = timeProvider.GetTimestamp();
        }
    }

    /// <summary>The bind failed: the pod is not on the node.</summary>
    public void Forget(string uid)
    {
        lock (_lock)
        {
            // Seen bound meanwhile: then it is there, whatever the answer to the bind was.
            if (_assumed.ContainsKey(uid))
                RemoveEntry(uid);
        }
    }

    /// <returns>Pods that were acknowledged as bound and never seen.</returns>
    public IReadOnlyList<ObjectKey> ExpireAssumed()
    {
        lock (_lock)
        {
            var expired = _assumed.Values.Where(entry => entry.BoundAt is { } at && timeProvider.GetElapsedTime(at) > AssumedLifetime).ToList();
            foreach (var entry in expired)
                RemoveEntry(entry.Pod.Uid);
            return [.. expired.Select(entry => entry.Pod.Key)];
        }
    }

    private PodEntry AddEntry(PodInfo pod, string nodeName)
    {
        var info = NodeOf(nodeName);
        info.AddPod(pod);
        Touch(info);
        return _pods[pod.Uid] = new PodEntry(pod, nodeName);
    }

    private void RemoveEntry(string uid)
    {
        _assumed.Remove(uid);
        if (!_pods.Remove(uid, out var entry) || !_nodes.TryGetValue(entry.NodeName, out var info))
            return;
        info.RemovePod(uid);
        Touch(info);
        if (info.Node is null && info.Pods.Count == 0)
            _nodes.Remove(info.Name);
    }

    private NodeInfo NodeOf(string name)
    {
        if (!_nodes.TryGetValue(name, out var info))
            _nodes[name] = info = new NodeInfo(name);
        return info;
    }

    private void Touch(NodeInfo info)
    {
        info.Generation = ++_generation;
        _changed.Add(info.Name);
    }

    private sealed class PodEntry(PodInfo pod, string nodeName)
    {
        public PodInfo Pod { get; } = pod;
        public string NodeName { get; } = nodeName;
        public long? BoundAt { get; set; }
    }
}
