using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace LiteKube.Client.Queues;

/// <summary>
/// A queue of keys to work on, with client-go's promises: a key waits at most once, is never worked on twice at the
/// same time, and one added while it is worked on comes again after <see cref="Done"/>. Adds may be delayed, or held
/// back by the key's failures.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable where TKey : notnull
{
    private readonly Channel<TKey> _ready = Channel.CreateUnbounded<TKey>();
    private readonly HashSet<TKey> _dirty = [];
    private readonly HashSet<TKey> _processing = [];
    private readonly Dictionary<TKey, long> _addedAt = [];
    private readonly Dictionary<TKey, long> _startedAt = [];
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
        _metrics = new WorkQueueMetrics(name, Running);
        _delayed = new DelayedKeys<TKey>(timeProvider, Add);
    }

    public string Name { get; }

    /// <summary>Keys ready to be worked on.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _ready.Reader.Count;
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
        if (_delayed.Add(key, delay))
            _metrics.Retried();
    }

    /// <summary>Adds when the rate limiter allows: later with each call until <see cref="Forget"/>.</summary>
    public void AddRateLimited(TKey key) => AddAfter(key, _limiter.When(key));

    /// <summary>The key succeeded: its next failure waits briefly again.</summary>
    public void Forget(TKey key) => _limiter.Forget(key);

    public int Requeues(TKey key) => _limiter.Requeues(key);

    /// <summary>The next key, to be given back by <see cref="Done"/>; false once the queue is shut down.</summary>
    public async ValueTask<(bool IsOpen, TKey Key)> TakeAsync(CancellationToken cancellationToken)
    {
        TKey key;
        try
        {
            key = await _ready.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException)
        {
            return (false, default!);
        }
        Begin(key);
        return (true, key);
    }

    /// <summary>Like <see cref="TakeAsync"/>, without waiting.</summary>
    public bool TryTake([MaybeNullWhen(false)] out TKey key)
    {
        if (!_ready.Reader.TryRead(out key))
            return false;
        Begin(key);
        return true;
    }

    // Between its reading and this the key still counts as waiting, so that an add in between changes nothing.
    private void Begin(TKey key)
    {
        lock (_lock)
        {
            _dirty.Remove(key);
            _processing.Add(key);
            _metrics.Depth(-1);
            if (_addedAt.Remove(key, out var added))
                _metrics.Waited(_timeProvider.GetElapsedTime(added));
            _startedAt[key] = _timeProvider.GetTimestamp();
        }
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
            _metrics.Close();
            _dirty.Clear();
            _ready.Writer.TryComplete();
            while (_ready.Reader.TryRead(out _))
                continue;
        }
        _delayed.Dispose();
    }

    public void Dispose() => ShutDown();

    private List<TimeSpan> Running()
    {
        lock (_lock)
            return [.. _startedAt.Values.Select(started => _timeProvider.GetElapsedTime(started))];
    }

    private void Enqueue(TKey key)
    {
        if (_ready.Writer.TryWrite(key))
            _metrics.Depth(1);
    }
}
