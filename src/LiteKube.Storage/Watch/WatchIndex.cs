namespace LiteKube.Storage.Watch;

/// <summary>
/// The watched directories (a key's parts up to a slash: /registry/pods/, /registry/pods/default/). An event costs the
/// writer one look-up a part of its key, however many watches there are elsewhere.
/// </summary>
internal sealed class WatchIndex
{
    private readonly Dictionary<string, WatchBucket> _buckets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WatchBucket>.AlternateLookup<ReadOnlySpan<char>> _byPart;
    private readonly List<WatchBucket> _touched = [];

    public WatchIndex() => _byPart = _buckets.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Held while a batch is published and while watches come and go, so that a new bucket starts at a revision with nothing half published.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The bucket for the deepest directory that holds all keys with the prefix. Under the gate.</summary>
    public WatchBucket Join(string prefix, long publishedRevision)
    {
        var directory = prefix[..(prefix.LastIndexOf('/') + 1)];
        if (!_buckets.TryGetValue(directory, out var bucket))
            _buckets.Add(directory, bucket = new WatchBucket(directory, publishedRevision));
        bucket.Watchers++;
        return bucket;
    }

    /// <summary>Under the gate.</summary>
    public void Leave(WatchBucket bucket)
    {
        if (--bucket.Watchers == 0)
            _buckets.Remove(bucket.Directory);
    }

    /// <summary>Files an event under the directories of its key. Under the gate.</summary>
    public void Append(string key, long revision, long firstKept)
    {
        if (_buckets.Count == 0)
            return;
        for (var length = 0; length >= 0; length = NextDirectory(key, length))
        {
            if (!_byPart.TryGetValue(key.AsSpan(0, length), out var bucket))
                continue;
            bucket.Append(revision, firstKept);
            if (!bucket.Touched)
            {
                bucket.Touched = true;
                _touched.Add(bucket);
            }
        }
    }

    /// <summary>Wakes the watches that the published batch concerns. By the writer, outside the gate.</summary>
    public void SignalTouched()
    {
        foreach (var bucket in _touched)
        {
            bucket.Touched = false;
            bucket.Signal();
        }

        _touched.Clear();
    }

    /// <summary>Wakes all, when the store closes. By the writer.</summary>
    public void SignalAll()
    {
        WatchBucket[] all;
        lock (Gate)
            all = [.. _buckets.Values];
        foreach (var bucket in all)
            bucket.Signal();
    }

    private static int NextDirectory(string key, int length)
    {
        var slash = key.IndexOf('/', length);
        return slash < 0 ? -1 : slash + 1;
    }
}
