using Microsoft.Data.Sqlite;

namespace LiteKube.Storage;

/// <summary>How history is forgotten: on request, by age and by size, and how its pages leave the file.</summary>
internal sealed partial class StoreWriter
{
    /// <summary>Revisions forgotten in one step, beside as many as the step's own transaction writes: it outruns the fastest writers.</summary>
    private const int CompactStep = 256;

    public Task Enqueue(CompactRequest request)
    {
        lock (_gate)
        {
            if (_closing)
                throw StoreErrors.Closed(_store.Options.Path);
            _compactRequests.Add(request);
            _compactTarget = Math.Max(_compactTarget, request.Revision);
            Monitor.Pulse(_gate);
        }

        return request.Task;
    }

    /// <summary>Forgets a little more, in the transaction of the writes if there is one; returns how far, or 0.</summary>
    private long CompactOneStep(int writes, ref bool begun)
    {
        var from = _store.CompactedRevision;
        var target = Volatile.Read(ref _compactTarget);
        if (target <= from)
            return 0;
        var to = Math.Min(target, from + CompactStep + writes);
        Begin(ref begun);
        _log.Compact(from, to);
        return to;
    }

    private void FinishCompactRequests(StoreUnavailableException? failure)
    {
        CompactRequest[] finished;
        lock (_gate)
        {
            var compacted = _store.CompactedRevision;
            finished = [.. _compactRequests.Where(request => failure is not null || request.Revision <= compacted)];
            _compactRequests.RemoveAll(request => failure is not null || request.Revision <= compacted);
        }

        foreach (var request in finished)
        {
            if (failure is null || request.Revision <= _store.CompactedRevision)
                request.TrySetResult();
            else
                request.TrySetException(failure);
        }
    }

    private void TryVacuum()
    {
        try
        {
            _vacuum.Step();
            if (!_vacuum.IsWanted)
                StoreLog.Vacuumed(_logger, _store.Options.Path);
        }
        catch (SqliteException exception)
        {
            // Free pages stay in the file, where the next writes use them.
            _vacuum.GiveUp();
            StoreLog.VacuumFailed(_logger, _store.Options.Path, exception);
        }
    }

    private void OnRetentionTimer()
    {
        lock (_gate)
        {
            _isTimerArmed = false;
            _retentionDue = true;
            Monitor.Pulse(_gate);
        }
    }

    private void ScheduleRetention()
    {
        var due = _retention.Due(NowMs());
        lock (_gate)
        {
            _retentionDue = false;
            _compactTarget = Math.Max(_compactTarget, due);
        }

        if (!_isTimerArmed)
            ArmRetentionTimer();
    }

    private void ArmRetentionTimer()
    {
        if (_retention.NextMs() is not { } nextMs)
            return;
        _isTimerArmed = true;
        var delayMs = Math.Clamp(nextMs - NowMs(), 1, (long)TimeSpan.FromDays(1).TotalMilliseconds);
        _retentionTimer.Change(TimeSpan.FromMilliseconds(delayMs), Timeout.InfiniteTimeSpan);
    }
}
