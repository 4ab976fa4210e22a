using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Queue;

/// <summary>What brings pods from one place to another.</summary>
public sealed partial class SchedulingQueue
{
    private enum Help
    {
        None,
        AfterBackoff,
        /// <summary>What a plugin had begun is done: no reason to wait.</summary>
        AtOnce,
    }

    /// <summary>A waiting pod changed.</summary>
    /// <param name="changes">What about it; <see cref="ClusterEvent.PodOther"/> when nothing that scheduling looks at.</param>
    public void Update(PodInfo old, PodInfo pod, params ReadOnlySpan<ClusterEvent> changes)
    {
        lock (_lock)
        {
            if (_inFlight.Contains(pod.Uid))
            {
                _inFlight.Replace(pod);
                foreach (var change in changes)
                    _inFlight.Add(new ClusterChange(change, old, pod));
                return;
            }
            Nominator.Update(old, pod);
            if (!_entries.TryGetValue(pod.Uid, out var entry))
            {
                Activate(New(pod), QueueEvents.PodUpdate);
                return;
            }
            var queued = entry.Pod;
            switch (entry.Place)
            {
                case Place.Active:
                    // Its place in the order may change with its priority.
                    _active.Remove(queued);
                    queued.Pod = pod;
                    _active.Add(queued);
                    break;
                case Place.Backoff:
                    _backoff.Remove(pod.Uid);
                    queued.Pod = pod;
                    _backoff.Add(queued);
                    break;
                default:
                    queued.Pod = pod;
                    foreach (var change in changes)
                    {
                        if (TryMove(queued, new ClusterChange(change, old, pod)))
                            break;
                    }
                    break;
            }
        }
    }

    /// <summary>Something happened: the pods it may help are tried again.</summary>
    /// <param name="among">Only these are looked at; null for all.</param>
    public void Move(in ClusterChange change, Func<PodInfo, bool>? among = null)
    {
        lock (_lock)
        {
            _inFlight.Add(change);
            if (_unschedulable.Count == 0)
                return;
            foreach (var uid in _unschedulable.ToArray())
            {
                var queued = _entries[uid].Pod;
                if (among is null || among(queued.Pod))
                    TryMove(queued, change);
            }
        }
    }

    /// <summary>Tried again without waiting for anything; nothing when it is not here.</summary>
    public void Activate(string uid)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(uid, out var entry) && entry.Place != Place.Active)
            {
                Remove(entry.Pod);
                Activate(entry.Pod, QueueEvents.ForceActivate);
                return;
            }
            // Still being tried: it comes back at once when it is rejected.
            if (_inFlight.Contains(uid))
                _inFlight.Add(new ClusterChange(ClusterEvent.All, null, uid));
        }
    }

    private bool TryMove(QueuedPod queued, in ClusterChange change)
    {
        // What holds the pod back must wait for the event, too, or it would only hold it back again.
        if (queued.GatedBy is { } gate && ((PluginsOf(queued)?.Extensions.GetValueOrDefault(gate)?.Events ?? ClusterEvent.None) & change.Event) == 0)
            return false;
        var help = HelpOf(queued, change);
        if (help == Help.None)
            return false;
        Remove(queued);
        Requeue(queued, help, change.Label);
        return true;
    }

    private Help HelpOf(QueuedPod queued, in ClusterChange change)
    {
        if (change.Event == ClusterEvent.All)
            return change.New is string uid && uid != queued.Pod.Uid ? Help.None : Help.AtOnce;
        var plugins = PluginsOf(queued);
        var help = Help.None;
        foreach (var name in queued.RejectedBy)
        {
            // A plugin that waits for nothing in particular may be helped by anything.
            var mayHelp = plugins is null || !plugins.Extensions.TryGetValue(name, out var plugin)
                || ((plugin.Events & change.Event) != 0 && plugin.MayHelp(queued.Pod, change));
            if (!mayHelp)
                continue;
            if (queued.PendingBy.Contains(name))
                return Help.AtOnce;
            help = Help.AfterBackoff;
        }
        return help;
    }

    private void Requeue(QueuedPod queued, Help help, string label)
    {
        if (help == Help.None)
        {
            PutAside(queued);
            Metrics?.Incoming("unschedulable", label);
        }
        else if (help == Help.AfterBackoff && _backoff.DueOf(queued) > _timeProvider.GetUtcNow())
        {
            BackOff(queued, label);
        }
        else
        {
            Activate(queued, label);
        }
    }

    private void BackOff(QueuedPod queued, string label)
    {
        // Asked here already, since it may be taken from here directly.
        if (IsHeldBack(queued, label))
            return;
        _entries[queued.Pod.Uid] = new Entry(queued, Place.Backoff);
        _backoff.Add(queued);
        Metrics?.Incoming("backoff", label);
        ArmBackoff();
        _available.Release();
    }

    private void Activate(QueuedPod queued, string label)
    {
        if (IsHeldBack(queued, label))
            return;
        queued.FirstActiveAt ??= _timeProvider.GetUtcNow();
        _entries[queued.Pod.Uid] = new Entry(queued, Place.Active);
        _active.Add(queued);
        Metrics?.Incoming("active", label);
        _available.Release();
    }

    private bool IsHeldBack(QueuedPod queued, string label)
    {
        var status = PluginsOf(queued)?.PreEnqueue(queued.Pod);
        queued.GatedBy = status?.Plugin;
        if (status is null)
            return false;
        // Besides those that rejected it before: their events are still to be waited for.
        queued.RejectedBy = new HashSet<string>(queued.RejectedBy, StringComparer.Ordinal) { status.Plugin };
        PutAside(queued);
        Metrics?.Incoming("gated", label);
        return true;
    }

    private void PutAside(QueuedPod queued)
    {
        _entries[queued.Pod.Uid] = new Entry(queued, Place.Unschedulable);
        _unschedulable.Add(queued.Pod.Uid);
        if (queued.IsGated)
            _gated++;
    }

    private void Remove(QueuedPod queued)
    {
        if (!_entries.Remove(queued.Pod.Uid, out var entry))
            return;
        switch (entry.Place)
        {
            case Place.Active:
                _active.Remove(queued);
                break;
            case Place.Backoff:
                _backoff.Remove(queued.Pod.Uid);
                break;
            case Place.Unschedulable:
                _unschedulable.Remove(queued.Pod.Uid);
                if (queued.IsGated)
                    _gated--;
                break;
        }
    }

    private void FlushBackoff()
    {
        lock (_lock)
        {
            while (_backoff.TakeDue(_timeProvider.GetUtcNow()) is { } queued)
                Activate(queued, QueueEvents.BackoffComplete);
            ArmBackoff();
        }
    }

    private void FlushUnschedulable()
    {
        lock (_lock)
        {
            var now = _timeProvider.GetUtcNow();
            foreach (var uid in _unschedulable.ToArray())
            {
                var queued = _entries[uid].Pod;
                // What is gated waits for its gate alone.
                if (queued.IsGated || now - queued.QueuedAt < _options.UnschedulableFlush)
                    continue;
                Remove(queued);
                Requeue(queued, Help.AfterBackoff, QueueEvents.UnschedulableTimeout);
            }
        }
    }

    private void ArmBackoff()
    {
        if (_backoff.NextDue is not { } due)
            return;
        var wait = due - _timeProvider.GetUtcNow();
        _backoffTimer.Change(wait <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    private QueuePlugins? PluginsOf(QueuedPod queued) => _profiles.GetValueOrDefault(queued.Pod.SchedulerName);
}
