using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Watch;

/// <summary>How one watch runs.</summary>
/// <param name="StartRevision">Events come after it; it may be one that is not written yet.</param>
/// <param name="ExactKey">The one key watched; the store knows prefixes only.</param>
/// <param name="Initial">Objects to send as ADDED before the changes.</param>
/// <param name="MarksInitialEnd">A bookmark follows the initial objects (KEP-3157).</param>
/// <param name="Refusal">The error that is the only event: an expired resource version.</param>
internal sealed record WatchPlan(
    Selection Selection, string? ExactKey, IReadOnlyList<StoredValue> Initial, long StartRevision, bool MarksInitialEnd, bool AllowsBookmarks, TimeSpan Timeout, ApiException? Refusal = null);

/// <summary>
/// One client's watch: initial objects, then each change once and in order, filtered by the selection, with bookmarks,
/// until its time is up. Not for concurrent use.
/// </summary>
internal sealed class WatchStream(WatchPlan plan, StoreWatch? changes, ServedResource resource, WatchFramer framer, TimeProvider time) : IAsyncDisposable
{
    // About the minute that clients count on, with a spread so that a thousand watchers do not wake at once.
    private static readonly TimeSpan BookmarkInterval = TimeSpan.FromSeconds(60);

    private readonly long _started = time.GetTimestamp();
    private TimeSpan _nextBookmark = BookmarkInterval - TimeSpan.FromSeconds(Random.Shared.NextDouble() * 10);
    private int _initialSent;
    private bool _initialEnded;
    private bool _bookmarkDue;
    private bool _ended;
    // Read ahead of its writing, where a conversion must be asked for first.
    private StoreEvent? _prepared;
    private ApiException? _failure;
    private CancellationTokenSource? _alarm;
    private CancellationTokenSource? _wait;

    /// <summary>What was there at the beginning is written.</summary>
    public bool HasSentInitial => _initialSent == plan.Initial.Count;

    private bool IsPrepared => resource.Custom is { NeedsPreparation: true };

    /// <summary>Waits until there is something to write; false when the watch is over.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        if (_ended) return false;
        if (plan.Refusal is not null || _initialSent < plan.Initial.Count || !_initialEnded) return true;
        while (true)
        {
            // What was written before is still to be told.
            if (resource.Withdrawn.IsCancellationRequested) return await PrepareNextAsync(cancellationToken) || End(withBookmark: false);
            var elapsed = time.GetElapsedTime(_started);
            if (elapsed >= plan.Timeout) return End(withBookmark: plan.AllowsBookmarks);
            if (plan.AllowsBookmarks && elapsed >= _nextBookmark)
            {
                _nextBookmark = elapsed + BookmarkInterval;
                return _bookmarkDue = true;
            }
            Arm(elapsed, cancellationToken);
            try
            {
                if (!await changes!.WaitToReadAsync(_wait!.Token)) return _ended = false;
                if (!IsPrepared || await PrepareNextAsync(cancellationToken)) return true;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                Disarm();
            }
            catch (CompactedException exception)
            {
                // The client fell behind the retained history; TryWrite says so to it.
                _failure = WatchOpener.TooOld(exception.Requested, exception.Compacted);
                return true;
            }
        }
    }

    /// <summary>Writes the next frame, if there is one at hand.</summary>
    public bool TryWrite(IBufferWriter<byte> writer)
    {
        if (plan.Refusal is not null)
        {
            if (_ended) return false;
            _ended = true;
            framer.WriteError(writer, plan.Refusal);
            return true;
        }
        if (_initialSent < plan.Initial.Count)
        {
            framer.WriteObject(writer, WatchEventType.Added, plan.Initial[_initialSent++]);
            return true;
        }
        if (!_initialEnded)
        {
            _initialEnded = true;
            if (plan.MarksInitialEnd)
            {
                framer.WriteBookmark(writer, plan.StartRevision, endsInitialEvents: true);
                return true;
            }
        }
        if (TryWriteChange(writer)) return true;
        if (!_bookmarkDue) return false;
        _bookmarkDue = false;
        if (changes!.Revision < plan.StartRevision) return false;
        framer.WriteBookmark(writer, changes!.Revision, endsInitialEvents: false);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        Disarm();
        if (changes is not null) await changes.DisposeAsync();
    }

    /// <summary>Takes the next event and has its objects converted; false: there is none for this watch.</summary>
    private async ValueTask<bool> PrepareNextAsync(CancellationToken cancellationToken)
    {
        if (!IsPrepared || _prepared is not null || !changes!.TryRead(out var change)) return false;
        try
        {
            await resource.PrepareAsync(change.Previous is { } previous && !plan.Selection.IsEverything ? [change.Value, previous] : [change.Value], cancellationToken);
            _prepared = change;
        }
        catch (ApiException exception)
        {
            _failure = exception;
        }
        return true;
    }

    private bool TryWriteChange(IBufferWriter<byte> writer)
    {
        if (_failure is { } failure)
        {
            if (_ended) return false;
            _ended = true;
            framer.WriteError(writer, failure);
            return true;
        }
        if (IsPrepared)
        {
            if (_prepared is not { } prepared) return false;
            _prepared = null;
            return WriteChange(writer, prepared);
        }
        try
        {
            while (changes!.TryRead(out var change))
            {
                if (WriteChange(writer, change)) return true;
            }
            return false;
        }
        catch (CompactedException exception)
        {
            // The client fell behind the retained history.
            if (_ended) return false;
            _ended = true;
            framer.WriteError(writer, WatchOpener.TooOld(exception.Requested, exception.Compacted));
            return true;
        }
    }

    /// <summary>An object that enters the selection is ADDED, one that leaves it DELETED, whatever happened to it.</summary>
    private bool WriteChange(IBufferWriter<byte> writer, in StoreEvent change)
    {
        if (change.Revision <= plan.StartRevision || (plan.ExactKey is { } key && change.Value.Key != key)) return false;
        var isDelete = change.Type == StoreEventType.Delete;
        if (plan.Selection.IsEverything)
        {
            framer.WriteObject(writer, isDelete ? WatchEventType.Deleted : change.Previous is null ? WatchEventType.Added : WatchEventType.Modified, change.Value);
            return true;
        }
        var matched = change.Previous is { } previous ? plan.Selection.Matches(previous) : isDelete && plan.Selection.Matches(change.Value);
        if (isDelete)
        {
            if (matched) framer.WriteObject(writer, WatchEventType.Deleted, change.Value);
            return matched;
        }
        if (plan.Selection.Matches(change.Value))
        {
            framer.WriteObject(writer, matched ? WatchEventType.Modified : WatchEventType.Added, change.Value);
            return true;
        }
        if (matched) WriteDeparture(writer, change);
        return matched;
    }

    /// <summary>The object as it was when it still matched, at the revision at which it stopped to.</summary>
    private void WriteDeparture(IBufferWriter<byte> writer, in StoreEvent change)
    {
        var last = (JsonObject)resource.Decode(change.Previous!).DeepClone();
        last.Metadata()["resourceVersion"] = change.Revision.ToString(CultureInfo.InvariantCulture);
        framer.WriteTree(writer, WatchEventType.Deleted, last);
    }

    private bool End(bool withBookmark)
    {
        _ended = true;
        _bookmarkDue = withBookmark;
        return withBookmark;
    }

    private void Arm(TimeSpan elapsed, CancellationToken cancellationToken)
    {
        if (_wait is not null) return;
        var due = plan.AllowsBookmarks && _nextBookmark < plan.Timeout ? _nextBookmark : plan.Timeout;
        _alarm = new CancellationTokenSource(due - elapsed, time);
        _wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _alarm.Token, resource.Withdrawn);
    }

    private void Disarm()
    {
        _wait?.Dispose();
        _alarm?.Dispose();
        (_wait, _alarm) = (null, null);
    }
}
