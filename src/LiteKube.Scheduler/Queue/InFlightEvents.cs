using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Queue;

/// <summary>
/// What happened while pods were being tried. An attempt works on a snapshot; an event between the snapshot and the
/// rejection would otherwise be lost on the pod that it helps.
/// </summary>
internal sealed class InFlightEvents
{
    private readonly Dictionary<string, (QueuedPod Pod, long Since)> _pods = new(StringComparer.Ordinal);
    private readonly Queue<(long Number, ClusterChange Change)> _changes = new();
    private long _number;

    public bool IsAny => _pods.Count > 0;

    public bool Contains(string uid) => _pods.ContainsKey(uid);

    public void Begin(QueuedPod pod) => _pods[pod.Pod.Uid] = (pod, _number);

    /// <summary>The pod changed while it is tried: its next attempt is with the new version.</summary>
    public void Replace(PodInfo pod)
    {
        if (_pods.TryGetValue(pod.Uid, out var entry))
            entry.Pod.Pod = pod;
    }

    public void Add(in ClusterChange change)
    {
        if (_pods.Count > 0)
            _changes.Enqueue((++_number, change));
    }

    /// <returns>What happened since <see cref="Begin"/>.</returns>
    public IReadOnlyList<ClusterChange> End(string uid)
    {
        if (!_pods.Remove(uid, out var entry))
            return [];
        IReadOnlyList<ClusterChange> missed = _number == entry.Since ? [] : [.. _changes.Where(change => change.Number > entry.Since).Select(change => change.Change)];
        Trim();
        return missed;
    }

    private void Trim()
    {
        if (_changes.Count == 0)
            return;
        var oldest = _pods.Count == 0 ? long.MaxValue : _pods.Values.Min(entry => entry.Since);
        while (_changes.TryPeek(out var change) && change.Number <= oldest)
            _changes.Dequeue();
    }
}
