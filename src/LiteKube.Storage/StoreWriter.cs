using System.Diagnostics;
using LiteKube.Storage.Log;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LiteKube.Storage;

/// <summary>
/// The one thread that writes. It takes whatever waits as one transaction, so that sixteen writers share a sync of the
/// disk; between writes, or along with them, it forgets history and gives free pages back in steps of about a
/// millisecond.
/// </summary>
internal sealed partial class StoreWriter
{
    /// <summary>Limits of one transaction, so that its first writer does not wait for too many others.</summary>
    private const int BatchMaxWrites = 512;
    private const int BatchMaxBytes = 4 << 20;

    /// <summary>A fifth of what a sync costs.</summary>
    private static readonly long GatherTicks = Stopwatch.Frequency / 10_000;

    private readonly SqliteStateStore _store;
    private readonly LogWriter _log;
    private readonly RetentionSchedule _retention;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly ITimer _retentionTimer;
    private readonly Vacuum _vacuum;
    private readonly object _gate = new();
    private readonly List<CompactRequest> _compactRequests = [];
    private List<WriteRequest> _waiting = [];
    private List<WriteRequest> _taken = [];
    private int _waitingCount;
    private int _lastWrites;
    private long _compactTarget;
    private bool _retentionDue = true;
    private bool _closing;
    private long _timeMs;
    private bool _isTimerArmed;
    private StoreUnavailableException? _failure;

    public StoreWriter(SqliteStateStore store, LogWriter log, LoadedLog loaded, TimeProvider timeProvider, ILogger logger)
    {
        _store = store;
        _log = log;
        _timeProvider = timeProvider;
        _logger = logger;
        _timeMs = loaded.TimeMs;
        _retention = new RetentionSchedule(store.Options, loaded.Marks, loaded.Revision);
        _vacuum = new Vacuum(log);
        _retentionTimer = timeProvider.CreateTimer(static writer => ((StoreWriter)writer!).OnRetentionTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why the last write was refused; null while writes work.</summary>
    public StoreUnavailableException? Failure => Volatile.Read(ref _failure);

    public Task<WriteResult> Enqueue(WriteRequest request)
    {
        lock (_gate)
        {
            if (_closing)
                throw StoreErrors.Closed(_store.Options.Path);
            _waiting.Add(request);
            _waitingCount = _waiting.Count;
            if (_waitingCount == 1)
                Monitor.Pulse(_gate);
        }

        return request.Task;
    }

    /// <summary>Lets the thread finish what waits and end.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>The thread's body; returns when closed and drained.</summary>
    public void Run()
    {
        while (TakeWork())
        {
            if (_retentionDue)
                ScheduleRetention();
            var start = 0;
            do
            {
                start = RunBatch(start);
            }
            while (start < _taken.Count);
            _taken.Clear();
        }

        _retentionTimer.Dispose();
        FinishCompactRequests(StoreErrors.Closed(_store.Options.Path));
    }

    private bool TakeWork()
    {
        GatherWriters();
        lock (_gate)
        {
            while (_waiting.Count == 0 && !_closing && !_retentionDue && _compactTarget <= _store.CompactedRevision && !_vacuum.IsWanted)
                Monitor.Wait(_gate);
            (_taken, _waiting) = (_waiting, _taken);
            _waitingCount = 0;
            _lastWrites = _taken.Count;
            return _taken.Count > 0 || !_closing;
        }
    }

    /// <summary>
    /// After a batch its writers are on their way with their next writes. Without a moment for them the first one back
    /// gets a sync for itself while the others wait for the one after: half the throughput. A lone writer is not held up.
    /// </summary>
    private void GatherWriters()
    {
        if (_lastWrites <= 1)
            return;
        var deadline = Stopwatch.GetTimestamp() + GatherTicks;
        // Reading the count without the lock may be a little late, which costs nothing.
        while (Volatile.Read(ref _waitingCount) < _lastWrites && Stopwatch.GetTimestamp() < deadline)
            Thread.Yield();
    }

    /// <summary>Runs one transaction from the taken requests at <paramref name="start"/> on; returns where the next begins.</summary>
    private int RunBatch(int start)
    {
        _timeMs = Math.Max(_timeMs, NowMs());
        var batch = new WriteBatch(_log, _store.Snapshot, _timeMs, _store.Options.Transformer);
        var end = start;
        var begun = false;
        var compacted = 0L;
        try
        {
            for (; end < _taken.Count && end - start < BatchMaxWrites && batch.Bytes < BatchMaxBytes; end++)
            {
                var request = _taken[end];
                if (request.CancellationToken.IsCancellationRequested || !batch.Admits(request, out var current))
                    continue;
                Begin(ref begun);
                batch.Apply(request, current);
            }

            compacted = CompactOneStep(batch.Events.Count, ref begun);
            if (begun)
                _log.Commit();
        }
        catch (SqliteException exception)
        {
            end = Math.Min(end + 1, _taken.Count);
            Refuse(exception, start, end);
            return end;
        }

        Publish(batch, compacted);
        Answer(start, end);
        if (batch.Events.Count > 0)
            _store.Watches.SignalTouched();
        AfterCommit(batch, compacted, begun);
        return end;
    }

    private void Begin(ref bool begun)
    {
        if (begun)
            return;
        _log.Begin();
        begun = true;
        // A commit that failed may still have reached the disk; it was refused, so it must not come back.
        if (_failure is not null)
            _log.DeleteAfter(_store.CurrentRevision);
    }

    private void Publish(WriteBatch batch, long compacted)
    {
        if (batch.Events.Count == 0 && compacted == 0)
            return;
        var snapshot = batch.ToSnapshot();
        lock (_store.Watches.Gate)
        {
            foreach (var storeEvent in batch.Events)
            {
                _store.Events.Append(storeEvent);
                _store.Watches.Append(storeEvent.Value.Key, storeEvent.Revision, _store.Events.First);
            }

            if (compacted > 0)
            {
                _store.Events.DropThrough(compacted);
                _store.CompactedRevision = compacted;
            }

            _store.Snapshot = snapshot;
        }
    }

    private void Answer(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            var request = _taken[i];
            // Neither written nor in conflict: its caller had gone before its turn came.
            if (request.Result == default)
                request.TrySetCanceled(request.CancellationToken);
            else
                request.TrySetResult(request.Result);
        }
    }

    private void AfterCommit(WriteBatch batch, long compacted, bool begun)
    {
        if (begun && _failure is not null)
        {
            Volatile.Write(ref _failure, null);
            StoreLog.WritesResumed(_logger, _store.Options.Path);
        }

        if (batch.Events.Count > 0)
        {
            _retention.Add(batch.Revision, _timeMs, batch.Bytes);
            if (_retention.IsOverSize)
                _retentionDue = true;
            else if (!_isTimerArmed)
                ArmRetentionTimer();
        }

        if (compacted > 0 && compacted >= Volatile.Read(ref _compactTarget))
        {
            StoreLog.Compacted(_logger, compacted);
            FinishCompactRequests(failure: null);
            _vacuum.Want();
        }
        else if (_vacuum.IsWanted && compacted == 0 && batch.Events.Count == 0)
        {
            // Only while nobody writes: under load the free pages are soon used again.
            TryVacuum();
        }
    }

    /// <summary>Undoes the transaction and tells its writers why. The next write tries again: nothing polls a full disk.</summary>
    private void Refuse(SqliteException exception, int start, int end)
    {
        var failure = StoreErrors.From(exception, _store.Options.Path);
        if (_failure is null)
            StoreLog.WritesRefused(_logger, failure.Message, exception);
        Volatile.Write(ref _failure, failure);
        try
        {
            _log.Rollback();
        }
        catch (SqliteException rollback)
        {
            // The next begin fails then, and comes here again.
            StoreLog.WritesRefused(_logger, StoreErrors.From(rollback, _store.Options.Path).Message, rollback);
        }

        for (var i = start; i < end; i++)
            _taken[i].TrySetException(failure);
        lock (_gate)
            _compactTarget = 0;
        FinishCompactRequests(failure);
        _vacuum.GiveUp();
    }

    private long NowMs() => _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();
}
