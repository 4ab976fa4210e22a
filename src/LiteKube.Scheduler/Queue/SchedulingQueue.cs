using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Metrics;

namespace LiteKube.Scheduler.Queue;

/// <summary>
/// Pods that wait for a node, in three places: active (to be tried, in order of the sort plugin), backoff (to be tried
/// when their time comes, or when nothing else is to be done), unschedulable (until an event that one of the plugins
/// that rejected them waits for). All profiles share one.
/// </summary>
public sealed partial class SchedulingQueue : IDisposable
{
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _available = new(0);
    private readonly TimeProvider _timeProvider;
    private readonly QueueOptions _options;
    private readonly IReadOnlyDictionary<string, QueuePlugins> _profiles;
    private readonly SortedSet<QueuedPod> _active;
    private readonly BackoffQueue _backoff;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unschedulable = new(StringComparer.Ordinal);
    private readonly InFlightEvents _inFlight = new();
    private readonly ITimer _backoffTimer;
    private readonly ITimer _flushTimer;
    private long _sequence;
    private int _gated;

    public SchedulingQueue(QueuePlugins plugins, TimeProvider timeProvider, QueueOptions? options = null)
        : this(new Dictionary<string, QueuePlugins>(StringComparer.Ordinal) { [SchedulerOptions.DefaultSchedulerName] = plugins }, plugins.Sort, timeProvider, options) { }

    /// <param name="profiles">By schedulerName.</param>
    /// <param name="sort">The order of the queue, which all profiles share.</param>
    public SchedulingQueue(IReadOnlyDictionary<string, QueuePlugins> profiles, IQueueSortPlugin sort, TimeProvider timeProvider, QueueOptions? options = null)
    {
        _profiles = profiles;
        _timeProvider = timeProvider;
        _options = options ?? new QueueOptions();
        var order = Comparer<QueuedPod>.Create((a, b) => sort.Compare(a, b) is var difference && difference != 0 ? difference : a.Sequence.CompareTo(b.Sequence));
        _active = new SortedSet<QueuedPod>(order);
        _backoff = new BackoffQueue(_options, order);
        _backoffTimer = timeProvider.CreateTimer(static state => ((SchedulingQueue)state!).FlushBackoff(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _flushTimer = timeProvider.CreateTimer(static state => ((SchedulingQueue)state!).FlushUnschedulable(), this, FlushInterval, FlushInterval);
    }

    private enum Place
    {
        Active,
        Backoff,
        Unschedulable,
    }

    internal Nominator Nominator { get; } = new();

    internal SchedulerMetrics? Metrics { get; set; }

    public QueueCounts Counts
    {
        get
        {
            lock (_lock)
                return new(_active.Count, _backoff.Count, _unschedulable.Count - _gated, _gated);
        }
    }

    /// <summary>Whether a change could matter now: to a pod that waits for one, or one that is being tried.</summary>
    internal bool IsAnyoneInterested
    {
        get
        {
            lock (_lock)
                return _unschedulable.Count > 0 || _inFlight.IsAny;
        }
    }

    /// <summary>Rejected pods by the plugins that rejected them.</summary>
    public IReadOnlyDictionary<(string Plugin, string Profile), int> RejectedByPlugin
    {
        get
        {
            lock (_lock)
            {
                var counts = new Dictionary<(string, string), int>();
                foreach (var entry in _entries.Values)
                {
                    if (entry.Place == Place.Active)
                        continue;
                    foreach (var plugin in entry.Pod.RejectedBy)
                        counts[(plugin, entry.Pod.Pod.SchedulerName)] = counts.GetValueOrDefault((plugin, entry.Pod.Pod.SchedulerName)) + 1;
                }
                return counts;
            }
        }
    }

    /// <summary>A new pod.</summary>
    public void Add(PodInfo pod)
    {
        lock (_lock)
        {
            if (_entries.ContainsKey(pod.Uid) || _inFlight.Contains(pod.Uid))
                return;
            Nominator.Set(pod, null);
            Activate(New(pod), QueueEvents.PodAdd);
        }
    }

    public void Delete(string uid)
    {
        lock (_lock)
        {
            Nominator.Delete(uid);
            if (_entries.TryGetValue(uid, out var entry))
                Remove(entry.Pod);
        }
    }

    /// <summary>The next pod to try; its attempt ends with <see cref="Reject(QueuedPod, IReadOnlySet{string}, IReadOnlySet{string})"/> or <see cref="Done"/>.</summary>
    public async ValueTask<QueuedPod> PopAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _available.WaitAsync(cancellationToken);
            if (TryPop() is { } pod)
                return pod;
        }
    }

    /// <summary>Like <see cref="PopAsync"/>; null when there is no pod to try.</summary>
    public QueuedPod? TryPop()
    {
        lock (_lock)
        {
            var next = _active.Min;
            if (next is not null)
            {
                Remove(next);
            }
            else
            {
                // Waiting would help nobody: the time until then is free.
                next = _backoff.TakeEarly();
                if (next is null)
                    return null;
                _entries.Remove(next.Pod.Uid);
                next.FirstActiveAt ??= _timeProvider.GetUtcNow();
                Metrics?.Incoming("active", QueueEvents.PopFromBackoffQ);
            }
            next.Attempts++;
            _inFlight.Begin(next);
            return next;
        }
    }

    /// <summary>The pod found no node (or an error ended its attempt, with no plugins named): it waits for an event, or backs off.</summary>
    public void Reject(QueuedPod queued, IReadOnlySet<string> rejectedBy, IReadOnlySet<string>? pendingBy = null)
    {
        lock (_lock)
        {
            var missed = _inFlight.End(queued.Pod.Uid);
            if (_entries.ContainsKey(queued.Pod.Uid))
                return;
            queued.RejectedBy = rejectedBy;
            queued.PendingBy = pendingBy ?? NoPlugins;
            queued.QueuedAt = _timeProvider.GetUtcNow();
            if (rejectedBy.Count == 0)
            {
                queued.Errors++;
                // No plugin to wait for: an error, which only time may heal.
                Requeue(queued, Help.AfterBackoff, QueueEvents.ScheduleAttemptFailure);
                return;
            }
            queued.Errors = 0;
            queued.Rejections++;
            // An event during the attempt may have come too late for it.
            var help = Help.None;
            foreach (var change in missed)
            {
                if (HelpOf(queued, change) is var found && found > help)
                    help = found;
            }
            Requeue(queued, help, QueueEvents.ScheduleAttemptFailure);
        }
    }

    /// <summary>The pod's attempt ended and it does not come back: bound or deleted.</summary>
    public void Done(string uid)
    {
        lock (_lock)
            _inFlight.End(uid);
    }

    public void Dispose()
    {
        _backoffTimer.Dispose();
        _flushTimer.Dispose();
    }

    private QueuedPod New(PodInfo pod) => new(pod) { Sequence = ++_sequence, QueuedAt = _timeProvider.GetUtcNow() };

    private static readonly HashSet<string> NoPlugins = [];

    private readonly record struct Entry(QueuedPod Pod, Place Place);
}
