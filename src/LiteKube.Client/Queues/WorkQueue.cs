using System.Diagnostics.CodeAnalysis;

namespace LiteKube.Client.Queues;

/// <summary>
/// A queue of keys to work on, with client-go's promises: a key waits at most once, is never worked on twice at the
/// same time, and one added while it is worked on comes again after <see cref="Done"/>. Adds may be delayed, or held
/// back by the key's failures.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable where TKey : notnull
{
    private readonly Queue<TKey> _ready = new();
    private readonly HashSet<TKey> _dirty = [];
    private readonly HashSet<TKey> _processing = [];
    private readonly Dictionary<TKey, long> _addedAt = [];
    private readonly Dictionary<TKey, long> _startedAt = [];
    private readonly SemaphoreSlim _available = new(0);
    private readonly Lock _lock = new();
    private readonly TimeProvider _timeProvider;
    private readonly IRateLimiter<TKey> _limiter;
    private readonly WorkQueueMetrics _metrics;
    private readonly DelayedKeys<TKey> _delayed;
    private bool _shutDown;

    public WorkQueue(string name, TimeProvider timeProvider, IRateLimiter<TKey>? limiter = null)
    {
        Name = name;
        _timeProvider = timeProvider;
        _limiter = limiter ?? RateLimiters.Default<TKey>(timeProvider);
        _metrics = new WorkQueueMetrics(name);
        _delayed = new DelayedKeys<TKey>(timeProvider, Add);
    }

    public string Name { get; }

    /// <summary>Keys ready to be worked on.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _ready.Count;
        }
    }

    public void Add(TKey key)
    {
        lock (_lock)
        {
            if (_shutDown || !_dirty.Add(key))
                return;
            _metrics.Added();
            _addedAt[key] = _timeProvider.GetTimestamp();
            if (_processing.Contains(key))
                return;
            Enqueue(key);
        }
    }

    public void AddAfter(TKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Add(key);
            return;
        }
        lock (_lock)
        {
            if (_shutDown)
                return;
        }
        _metrics.Retried();
        _delayed.Add(key, delay);
    }

    /// <summary>Adds when the rate limiter allows: later with each call until <see cref="Forget"/>.</summary>
    public void AddRateLimited(TKey key) => AddAfter(key, _limiter.When(key));

    /// <summary>The key succeeded: its next failure waits briefly again.</summary>
    public void Forget(TKey key) => _limiter.Forget(key);

    public int Requeues(TKey key) => _limiter.Requeues(key);

    /// <summary>The next key, to be given back by <see cref="Done"/>; false once the queue is shut down.</summary>
    public async ValueTask<(bool IsOpen, TKey Key)> TakeAsync(CancellationToken cancellationToken)
    {
        await _available.WaitAsync(cancellationToken);
        return TryDequeue(out var key) ? (true, key) : (false, default!);
    }

    /// <summary>Like <see cref="TakeAsync"/>, without waiting.</summary>
    public bool TryTake([MaybeNullWhen(false)] out TKey key)
    {
        key = default;
        return _available.Wait(0) && TryDequeue(out key);
    }

    public void Done(TKey key)
    {
        lock (_lock)
        {
            if (!_processing.Remove(key))
                return;
            if (_startedAt.Remove(key, out var started))
                _metrics.Worked(_timeProvider.GetElapsedTime(started));
            if (_dirty.Contains(key))
                Enqueue(key);
        }
    }

    /// <summary>Takes no more keys; what waits is dropped and every waiting worker returns.</summary>
    public void ShutDown()
    {
        lock (_lock)
        {
            if (_shutDown)
                return;
            _shutDown = true;
            _metrics.Depth(-_ready.Count);
            _ready.Clear();
            _dirty.Clear();
            // As many as could ever wait; each that wakes up finds nothing and stops.
            _available.Release(int.MaxValue / 2);
        }
        _delayed.Dispose();
    }

    public void Dispose() => ShutDown();

    private bool TryDequeue([MaybeNullWhen(false)] out TKey key)
    {
        lock (_lock)
        {
            if (!_ready.TryDequeue(out key))
                return false;
            _dirty.Remove(key);
            _processing.Add(key);
            _metrics.Depth(-1);
            if (_addedAt.Remove(key, out var added))
                _metrics.Waited(_timeProvider.GetElapsedTime(added));
            _startedAt[key] = _timeProvider.GetTimestamp();
            return true;
        }
    }

    private void Enqueue(TKey key)
    {
        _ready.Enqueue(key);
        _metrics.Depth(1);
        _available.Release();
    }
}
