using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Registry;

/// <summary>
/// Deletes Events an hour after their last write, as upstream's --event-ttl does. One feed notes when each is due, one
/// timer deletes; nothing is read again.
/// </summary>
internal sealed class EventExpiry(IStateStore store, TimeProvider time, ILogger<EventExpiry> logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly string _prefix = ServedResource.KeyRootOf(new("", "events"));

    // In the order of their writes, which is the order in which they become due.
    private readonly Queue<(string Key, long Revision, DateTimeOffset Due)> _due = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var range = await store.RangeAsync(new RangeRequest(_prefix), cancellationToken);
        foreach (var value in range.Values.OrderBy(WrittenAt)) _due.Enqueue((value.Key, value.ModRevision, WrittenAt(value) + Lifetime));
        var watch = store.Watch(_prefix, range.Revision);
        try
        {
            using var timer = new PeriodicTimer(Interval, time);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                watch = await NoteAsync(watch, cancellationToken);
                await DeleteDueAsync(cancellationToken);
            }
        }
        finally
        {
            await watch.DisposeAsync();
        }
    }

    /// <summary>Takes in what was written since the last tick; a minute more or less does not matter to an hour.</summary>
    private async ValueTask<StoreWatch> NoteAsync(StoreWatch watch, CancellationToken cancellationToken)
    {
        var due = time.GetUtcNow() + Lifetime;
        try
        {
            while (watch.TryRead(out var change))
            {
                if (change.Type == StoreEventType.Put) _due.Enqueue((change.Value.Key, change.Revision, due));
            }
            return watch;
        }
        catch (CompactedException)
        {
            // More events than the history holds came within a minute: take them from the present instead.
            await watch.DisposeAsync();
            var range = await store.RangeAsync(new RangeRequest(_prefix), cancellationToken);
            foreach (var value in range.Values) _due.Enqueue((value.Key, value.ModRevision, due));
            return store.Watch(_prefix, range.Revision);
        }
    }

    private async Task DeleteDueAsync(CancellationToken cancellationToken)
    {
        try
        {
            var now = time.GetUtcNow();
            var deletes = new List<Task>();
            while (_due.TryPeek(out var next) && next.Due <= now)
            {
                _due.Dequeue();
                // One that was written again stands further back in the queue.
                if (store.Get(next.Key) is not { } standing || standing.ModRevision != next.Revision) continue;
                deletes.Add(store.DeleteAsync(next.Key, next.Revision, Tombstones.Of(standing), cancellationToken).AsTask());
            }
            await Task.WhenAll(deletes);
        }
        catch (StoreUnavailableException exception)
        {
            ApiServerLog.EventExpiryFailed(logger, Interval, exception);
        }
    }

    private static DateTimeOffset WrittenAt(StoredValue value)
    {
        var tree = ObjectView.Of(value).Decode();
        var latest = DateTimeOffset.MinValue;
        foreach (var text in (ReadOnlySpan<string>)[tree.MetadataText("creationTimestamp"), tree.Text("lastTimestamp"), tree.Text("eventTime")])
        {
            if (text.Length > 0 && ObjectFields.TryParseTime(text, out var at) && at > latest) latest = at;
        }
        return latest;
    }
}
