using LiteKube.Storage.Log;

namespace LiteKube.Storage;

/// <summary>
/// Answers reads as of an older revision: the present snapshot with the changes since then taken back. It costs what
/// changed since, which for the next page of a list is little, and needs no index by key on disk.
/// </summary>
internal static class PastState
{
    public static async ValueTask<RangeResult> RangeAsync(SqliteStateStore store, Snapshot now, RangeRequest request, CancellationToken cancellationToken)
    {
        var changed = await ChangedSinceAsync(store, now.Revision, request, cancellationToken);
        var (start, end) = now.Tree.Bounds(request.Prefix, request.StartAfter);
        var then = changed.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToArray();
        // Of the present keys, those that changed are replaced by what stood there then, if anything did.
        var total = end - start - then.Count(pair => now.Tree.Find(pair.Key) is not null) + then.Count(pair => pair.Value is not null);
        var take = request.Limit == 0 ? total : Math.Min(total, request.Limit);
        var values = new List<StoredValue>(take);
        var block = new StoredValue[64];
        var (inBlock, next, position) = (0, 0, start);
        var changedNext = 0;
        while (values.Count < take)
        {
            if (next == inBlock && position < end)
            {
                (inBlock, next) = (Math.Min(block.Length, end - position), 0);
                now.Tree.CopyTo(position, block.AsSpan(0, inBlock));
                position += inBlock;
            }

            var present = next < inBlock ? block[next] : null;
            var order = present is null ? 1
                : changedNext == then.Length ? -1
                : string.CompareOrdinal(present.Key, then[changedNext].Key);
            if (order <= 0)
                next++;
            if (order < 0)
                values.Add(present!);
            else if (then[changedNext++].Value is { } old)
                values.Add(old);
        }

        return new RangeResult(values, request.Revision, total - take);
    }

    /// <summary>Each key in the range that changed after the revision, with what stood there at the revision (null: nothing).</summary>
    private static async ValueTask<Dictionary<string, StoredValue?>> ChangedSinceAsync(
        SqliteStateStore store, long now, RangeRequest request, CancellationToken cancellationToken)
    {
        var changed = new Dictionary<string, StoredValue?>(StringComparer.Ordinal);
        void Add(in StoreEvent storeEvent)
        {
            var key = storeEvent.Value.Key;
            if (key.StartsWith(request.Prefix, StringComparison.Ordinal)
                && (request.StartAfter is null || string.CompareOrdinal(key, request.StartAfter) > 0))
            {
                changed.TryAdd(key, storeEvent.Previous);
            }
        }

        var revision = request.Revision;
        while (revision < now)
        {
            if (store.Events.Find(revision + 1) is { } found)
            {
                Add(found.Event);
                revision++;
                continue;
            }

            var through = Math.Max(revision + 1, Math.Min(now, store.Events.First - 1));
            var page = await store.History.ReadAsync(request.Prefix, revision, through, cancellationToken);
            foreach (var storeEvent in page.Events)
                Add(storeEvent);
            revision = page.Through;
        }

        return changed;
    }
}
