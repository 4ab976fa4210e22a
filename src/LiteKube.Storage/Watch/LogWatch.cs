using LiteKube.Storage.Log;

namespace LiteKube.Storage.Watch;

/// <summary>
/// A position in the shared history. It reads from the first of three places that has what comes next: the bucket of
/// its directory (the usual case), the events in memory from before the bucket was made, the log on disk.
/// </summary>
internal sealed class LogWatch(SqliteStateStore store, WatchBucket bucket, string prefix, long afterRevision) : StoreWatch
{
    private readonly Lock _signalLock = new();
    private readonly bool _filters = bucket.Directory.Length != prefix.Length;
    private long _revision = afterRevision;
    private HistoryPage? _page;
    private int _pageNext;
    private TaskCompletionSource? _signal;
    private bool _isListed;
    private bool _disposed;

    private enum Ahead
    {
        Nothing,
        Event,
        OnDisk,
    }

    public override long Revision
    {
        get
        {
            var published = store.CurrentRevision;
            var revision = Volatile.Read(ref _revision);
            var revisions = bucket.Current;
            if (Volatile.Read(ref _page) is not null || revision < revisions.After)
                return revision;
            // Quiet here: everything that is published elsewhere has passed this watch by.
            return Math.Max(revision, Math.Min(published, revisions.NextAfter(revision) - 1));
        }
    }

    public override async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_disposed || store.IsClosed)
                return false;
            if (_page is not null)
                return true;
            switch (Advance(out _))
            {
                case Ahead.Event:
                    return true;
                case Ahead.OnDisk:
                    await ReadDiskAsync(cancellationToken);
                    break;
                default:
                    await WaitForSignalAsync(cancellationToken);
                    break;
            }
        }
    }

    public override bool TryRead(out StoreEvent storeEvent)
    {
        storeEvent = default;
        if (_disposed)
            return false;
        if (_page is { } page)
        {
            storeEvent = page.Events[_pageNext++];
            Volatile.Write(ref _revision, storeEvent.Revision);
            if (_pageNext == page.Events.Count)
            {
                Volatile.Write(ref _revision, page.Through);
                Volatile.Write(ref _page, null);
            }

            return true;
        }

        if (Advance(out var found) != Ahead.Event)
            return false;
        storeEvent = found!.Event;
        Volatile.Write(ref _revision, storeEvent.Revision);
        return true;
    }

    public override ValueTask DisposeAsync()
    {
        if (_disposed)
            return ValueTask.CompletedTask;
        _disposed = true;
        bucket.RemoveWaiter(this);
        store.Leave(bucket);
        Wake();
        return ValueTask.CompletedTask;
    }

    /// <summary>By the writer, which has taken this watch off the bucket's list: look again.</summary>
    internal void Wake()
    {
        TaskCompletionSource? signal;
        lock (_signalLock)
        {
            _isListed = false;
            signal = _signal;
        }

        signal?.TrySetResult();
    }

    /// <summary>Moves past what does not concern this watch, up to the next event that does.</summary>
    private Ahead Advance(out LogEvent? found)
    {
        var published = store.CurrentRevision;
        while (_revision < published)
        {
            var revisions = bucket.Current;
            var next = _revision < revisions.After ? _revision + 1 : revisions.NextAfter(_revision);
            if (next > published)
            {
                Volatile.Write(ref _revision, published);
                break;
            }

            Volatile.Write(ref _revision, next - 1);
            found = store.Events.Find(next);
            if (found is null)
                return Ahead.OnDisk;
            if (Concerns(found.Event.Value.Key, revisions))
                return Ahead.Event;
            Volatile.Write(ref _revision, next);
        }

        found = null;
        return Ahead.Nothing;
    }

    private bool Concerns(string key, WatchBucket.Revisions revisions) =>
        (!_filters && _revision >= revisions.After) || key.StartsWith(prefix, StringComparison.Ordinal);

    private async ValueTask ReadDiskAsync(CancellationToken cancellationToken)
    {
        // Only to where memory begins: from there on the values are shared with other readers.
        var through = Math.Max(_revision + 1, Math.Min(store.CurrentRevision, store.Events.First - 1));
        var page = await store.History.ReadAsync(prefix, _revision, through, cancellationToken);
        if (page.Events.Count == 0)
        {
            Volatile.Write(ref _revision, page.Through);
            return;
        }

        _pageNext = 0;
        Volatile.Write(ref _page, page);
    }

    private async ValueTask WaitForSignalAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource signal;
        bool isListed;
        lock (_signalLock)
        {
            // A wait that was cancelled stays on the list; the next one takes its signal over.
            if (_signal is null || _signal.Task.IsCompleted)
                _signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            signal = _signal;
            isListed = _isListed;
            _isListed = true;
        }

        if (!isListed)
            bucket.AddWaiter(this);
        // What was published before we were on the list woke nobody.
        if (Advance(out _) != Ahead.Nothing || store.IsClosed)
            return;
        await signal.Task.WaitAsync(cancellationToken);
    }
}
