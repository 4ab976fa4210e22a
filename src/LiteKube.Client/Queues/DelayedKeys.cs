namespace LiteKube.Client.Queues;

/// <summary>Keys that become due, one timer for all of them. Of two times for one key the earlier holds.</summary>
internal sealed class DelayedKeys<TKey> : IDisposable where TKey : notnull
{
    private readonly TimeProvider _timeProvider;
    private readonly Action<TKey> _due;
    private readonly PriorityQueue<TKey, long> _queue = new();
    private readonly Dictionary<TKey, long> _dueAt = [];
    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private bool _disposed;

    public DelayedKeys(TimeProvider timeProvider, Action<TKey> due)
    {
        _timeProvider = timeProvider;
        _due = due;
        _timer = timeProvider.CreateTimer(static state => ((DelayedKeys<TKey>)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <returns>false when it is due as early already.</returns>
    public bool Add(TKey key, TimeSpan delay)
    {
        lock (_lock)
        {
            if (_disposed)
                return false;
            var due = _timeProvider.GetTimestamp() + (long)(delay.TotalSeconds * _timeProvider.TimestampFrequency);
            if (_dueAt.TryGetValue(key, out var known) && known <= due)
                return false;
            _dueAt[key] = due;
            _queue.Enqueue(key, due);
            Arm();
            return true;
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _disposed = true;
        _timer.Dispose();
    }

    private void OnTimer()
    {
        var due = new List<TKey>();
        lock (_lock)
        {
            if (_disposed)
                return;
            var now = _timeProvider.GetTimestamp();
            while (_queue.TryPeek(out var key, out var at) && at <= now)
            {
                _queue.Dequeue();
                // Superseded by an earlier time, which has passed already.
                if (_dueAt.TryGetValue(key, out var current) && current == at)
                {
                    _dueAt.Remove(key);
                    due.Add(key);
                }
            }
            Arm();
        }
        foreach (var key in due)
            _due(key);
    }

    private void Arm()
    {
        if (!_queue.TryPeek(out _, out var at))
            return;
        var wait = TimeSpan.FromSeconds((double)(at - _timeProvider.GetTimestamp()) / _timeProvider.TimestampFrequency);
        // Timers count whole milliseconds: rounding down would fire early and spin.
        _timer.Change(wait <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }
}
