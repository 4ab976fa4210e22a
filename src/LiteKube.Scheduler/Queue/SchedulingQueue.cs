using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Queue;

/// <param name="InitialBackoff">After a pod's first rejection; doubles with each.</param>
/// <param name="UnschedulableFlush">A rejected pod is tried again after this, even if nothing happened that could help it.</param>
public sealed record QueueOptions(TimeSpan InitialBackoff, TimeSpan MaxBackoff, TimeSpan UnschedulableFlush)
{
    /// <summary>kube-scheduler's: 1 s to 10 s, 5 minutes.</summary>
    public QueueOptions() : this(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5)) { }
}

/// <summary>
/// Pods that wait for a node, in three places: active (to be tried, in order of the sort plugin), backoff (to be tried
/// when their time comes), unschedulable (until an event that one of the plugins that rejected them waits for).
/// </summary>
public sealed class SchedulingQueue : IDisposable
{
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _available = new(0);
    private readonly TimeProvider _timeProvider;
    private readonly QueueOptions _options;
    private readonly QueuePlugins _plugins;
    private readonly SortedSet<QueuedPod> _active;
    private readonly SortedSet<(DateTimeOffset Due, long Sequence, QueuedPod Pod)> _backoff = new(Comparer<(DateTimeOffset Due, long Sequence, QueuedPod Pod)>.Create(
        static (a, b) => a.Due != b.Due ? a.Due.CompareTo(b.Due) : a.Sequence.CompareTo(b.Sequence)));
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unschedulable = new(StringComparer.Ordinal);
    private readonly InFlightEvents _inFlight = new();
    private readonly ITimer _backoffTimer;
    private readonly ITimer _flushTimer;
    private long _sequence;

    public SchedulingQueue(QueuePlugins plugins, TimeProvider timeProvider, QueueOptions? options = null)
    {
        _plugins = plugins;
        _timeProvider = timeProvider;
        _options = options ?? new QueueOptions();
        _active = new SortedSet<QueuedPod>(Comparer<QueuedPod>.Create((a, b) => _plugins.Sort.Compare(a, b) is var order && order != 0 ? order : a.Sequence.CompareTo(b.Sequence)));
        _backoffTimer = timeProvider.CreateTimer(static state => ((SchedulingQueue)state!).FlushBackoff(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _flushTimer = timeProvider.CreateTimer(static state => ((SchedulingQueue)state!).FlushUnschedulable(), this, FlushInterval, FlushInterval);
    }

    private enum Place
    {
        Active,
        Backoff,
        Unschedulable,
    }

    public (int Active, int Backoff, int Unschedulable) Counts
    {
        get
        {
            lock (_lock)
                return (_active.Count, _backoff.Count, _unschedulable.Count);
        }
    }

    /// <summary>A new pod.</summary>
    public void Add(PodInfo pod)
    {
        lock (_lock)
        {
            if (_entries.ContainsKey(pod.Uid) || _inFlight.Contains(pod.Uid))
                return;
            var queued = new QueuedPod(pod) { Sequence = ++_sequence, QueuedAt = _timeProvider.GetUtcNow() };
            Activate(queued);
        }
    }

    /// <summary>A waiting pod changed.</summary>
    /// <param name="mayHelp">Something that scheduling looks at changed, not only its status.</param>
    public void Update(PodInfo old, PodInfo pod, bool mayHelp)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(pod.Uid, out var entry))
            {
                if (_inFlight.Contains(pod.Uid))
                {
                    _inFlight.Replace(pod);
                    if (mayHelp)
                        _inFlight.Add(new ClusterChange(ClusterEvent.PodUpdate, old, pod));
                    return;
                }
                Activate(new QueuedPod(pod) { Sequence = ++_sequence, QueuedAt = _timeProvider.GetUtcNow() });
                return;
            }
            var queued = entry.Pod;
            if (entry.Place == Place.Active)
            {
                // Its place in the order may change with its priority.
                _active.Remove(queued);
                queued.Pod = pod;
                _active.Add(queued);
                return;
            }
            queued.Pod = pod;
            if (entry.Place == Place.Unschedulable && mayHelp && (queued.IsGated || Helps(queued, new ClusterChange(ClusterEvent.PodUpdate, old, pod))))
            {
                Remove(queued);
                Requeue(queued);
            }
        }
    }

    public void Delete(string uid)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(uid, out var entry))
                Remove(entry.Pod);
        }
    }

    /// <summary>The next pod to try; its attempt ends with <see cref="Reject"/> or <see cref="Done"/>.</summary>
    public async ValueTask<QueuedPod> PopAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _available.WaitAsync(cancellationToken);
            if (TryPop() is { } pod)
                return pod;
        }
    }

    /// <summary>Like <see cref="PopAsync"/>; null when no pod is active.</summary>
    public QueuedPod? TryPop()
    {
        lock (_lock)
        {
            if (_active.Min is not { } next)
                return null;
            Remove(next);
            next.Attempts++;
            _inFlight.Begin(next);
            return next;
        }
    }

    /// <summary>The pod found no node (or an error ended its attempt, with no plugins named): it waits for an event, or backs off.</summary>
    public void Reject(QueuedPod queued, IReadOnlySet<string> rejectedBy)
    {
        lock (_lock)
        {
            var missed = _inFlight.End(queued.Pod.Uid);
            if (_entries.ContainsKey(queued.Pod.Uid))
                return;
            queued.RejectedBy = rejectedBy;
            queued.RejectedAt = queued.QueuedAt = _timeProvider.GetUtcNow();
            // No plugin to wait for: an error, which only time may heal. An event during the attempt may have come too late for it.
            if (rejectedBy.Count == 0 || missed.Any(change => Helps(queued, change)))
                Requeue(queued);
            else
                PutAt(queued, Place.Unschedulable);
        }
    }

    /// <summary>The pod's attempt ended and it does not come back: bound or deleted.</summary>
    public void Done(string uid)
    {
        lock (_lock)
            _inFlight.End(uid);
    }

    /// <summary>Something happened: the pods it may help are tried again.</summary>
    public void Move(in ClusterChange change)
    {
        lock (_lock)
        {
            _inFlight.Add(change);
            if (_unschedulable.Count == 0)
                return;
            List<QueuedPod>? moved = null;
            foreach (var uid in _unschedulable)
            {
                var queued = _entries[uid].Pod;
                if (!queued.IsGated && Helps(queued, change))
                    (moved ??= []).Add(queued);
            }
            foreach (var queued in moved ?? [])
            {
                Remove(queued);
                Requeue(queued);
            }
        }
    }

    public void Dispose()
    {
        _backoffTimer.Dispose();
        _flushTimer.Dispose();
    }

    private bool Helps(QueuedPod queued, in ClusterChange change)
    {
        foreach (var name in queued.RejectedBy)
        {
            if (!_plugins.Extensions.TryGetValue(name, out var plugin))
                return true;
            if ((plugin.Events & change.Event) != 0 && plugin.MayHelp(queued.Pod, change))
                return true;
        }
        return false;
    }

    /// <summary>To active, or to backoff while its time is not up.</summary>
    private void Requeue(QueuedPod queued)
    {
        var due = queued.RejectedAt + BackoffOf(queued);
        if (queued.Attempts == 0 || due <= _timeProvider.GetUtcNow())
        {
            Activate(queued);
            return;
        }
        PutAt(queued, Place.Backoff);
        _backoff.Add((due, queued.Sequence, queued));
        _entries[queued.Pod.Uid] = new Entry(queued, Place.Backoff, due);
        ArmBackoff();
    }

    private void Activate(QueuedPod queued)
    {
        if (_plugins.PreEnqueue(queued.Pod) is { } status)
        {
            queued.IsGated = true;
            queued.RejectedBy = new HashSet<string>([status.Plugin], StringComparer.Ordinal);
            PutAt(queued, Place.Unschedulable);
            return;
        }
        queued.IsGated = false;
        PutAt(queued, Place.Active);
        _active.Add(queued);
        _available.Release();
    }

    private TimeSpan BackoffOf(QueuedPod queued)
    {
        var duration = _options.InitialBackoff;
        for (var i = 1; i < queued.Attempts && duration < _options.MaxBackoff; i++)
            duration *= 2;
        return duration < _options.MaxBackoff ? duration : _options.MaxBackoff;
    }

    private void PutAt(QueuedPod queued, Place place)
    {
        _entries[queued.Pod.Uid] = new Entry(queued, place, default);
        if (place == Place.Unschedulable)
            _unschedulable.Add(queued.Pod.Uid);
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
                _backoff.Remove((entry.Due, queued.Sequence, queued));
                break;
            case Place.Unschedulable:
                _unschedulable.Remove(queued.Pod.Uid);
                break;
        }
    }

    private void FlushBackoff()
    {
        lock (_lock)
        {
            var now = _timeProvider.GetUtcNow();
            while (_backoff.Count > 0 && _backoff.Min is { } first && first.Due <= now)
            {
                Remove(first.Pod);
                Activate(first.Pod);
            }
            ArmBackoff();
        }
    }

    private void FlushUnschedulable()
    {
        lock (_lock)
        {
            var now = _timeProvider.GetUtcNow();
            foreach (var queued in _unschedulable.Select(uid => _entries[uid].Pod).Where(pod => !pod.IsGated && now - pod.RejectedAt >= _options.UnschedulableFlush).ToList())
            {
                Remove(queued);
                Requeue(queued);
            }
        }
    }

    private void ArmBackoff()
    {
        if (_backoff.Count == 0)
            return;
        var wait = _backoff.Min.Due - _timeProvider.GetUtcNow();
        _backoffTimer.Change(wait <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    private readonly record struct Entry(QueuedPod Pod, Place Place, DateTimeOffset Due);
}

/// <summary>What the queue asks of plugins.</summary>
public sealed record QueuePlugins(IQueueSortPlugin Sort, Func<PodInfo, PluginStatus?> PreEnqueue, IReadOnlyDictionary<string, IEnqueueExtensions> Extensions);
