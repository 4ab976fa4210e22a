namespace LiteKube.Scheduler.Queue;

/// <summary>
/// Pods that wait for their time. Those that were rejected are ordered by the second in which their time ends and within
/// it by importance, and may be taken early when there is nothing else to do; those whose attempt failed may not, since
/// it is the API server or a plugin that needs the pause.
/// </summary>
internal sealed class BackoffQueue
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private readonly QueueOptions _options;
    private readonly SortedSet<Entry> _rejected;
    private readonly SortedSet<Entry> _failed;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public BackoffQueue(QueueOptions options, IComparer<QueuedPod> order)
    {
        _options = options;
        var comparer = Comparer<Entry>.Create((a, b) => a.Due != b.Due ? a.Due.CompareTo(b.Due) : order.Compare(a.Pod, b.Pod));
        (_rejected, _failed) = (new(comparer), new(comparer));
    }

    public int Count => _entries.Count;

    /// <summary>When the next pod's time ends; null when there is none.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            DateTimeOffset? next = _rejected.Count > 0 ? _rejected.Min.Due : null;
            return _failed.Count > 0 && !(next <= _failed.Min.Due) ? _failed.Min.Due : next;
        }
    }

    /// <summary>When the pod may be tried again.</summary>
    public DateTimeOffset DueOf(QueuedPod pod)
    {
        var count = pod.Errors > 0 ? pod.Errors : pod.Rejections;
        if (count == 0 || _options.MaxBackoff == TimeSpan.Zero)
            return DateTimeOffset.MinValue;
        var duration = _options.InitialBackoff;
        for (var i = 1; i < count && duration < _options.MaxBackoff; i++)
            duration *= 2;
        var due = pod.QueuedAt + (duration < _options.MaxBackoff ? duration : _options.MaxBackoff);
        return new DateTimeOffset(due.Ticks - due.Ticks % Window.Ticks, due.Offset);
    }

    public void Add(QueuedPod pod)
    {
        var entry = new Entry(DueOf(pod), pod);
        _entries[pod.Pod.Uid] = entry;
        (pod.Errors > 0 ? _failed : _rejected).Add(entry);
    }

    public bool Remove(string uid)
    {
        if (!_entries.Remove(uid, out var entry))
            return false;
        if (!_rejected.Remove(entry))
            _failed.Remove(entry);
        return true;
    }

    /// <summary>Takes a pod whose time has come; null when there is none.</summary>
    public QueuedPod? TakeDue(DateTimeOffset now) => Take(_rejected, now) ?? Take(_failed, now);

    /// <summary>Takes the rejected pod that is due next, before its time.</summary>
    public QueuedPod? TakeEarly() => Take(_rejected, DateTimeOffset.MaxValue);

    private QueuedPod? Take(SortedSet<Entry> from, DateTimeOffset now)
    {
        if (from.Count == 0 || from.Min.Due > now)
            return null;
        var pod = from.Min.Pod;
        Remove(pod.Pod.Uid);
        return pod;
    }

    private readonly record struct Entry(DateTimeOffset Due, QueuedPod Pod);
}
