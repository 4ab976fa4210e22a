namespace LiteKube.Storage.Watch;

/// <summary>
/// The revisions of the events in one directory of keys, for as long as someone watches there: a watcher of it meets
/// no other events. The writer alone appends; readers take no lock.
/// </summary>
internal sealed class WatchBucket(string directory, long floor)
{
    private readonly Lock _waitersLock = new();
    private List<LogWatch> _waiters = [];
    private List<LogWatch> _spare = [];
    private Revisions _revisions = new(floor, new long[16], 0);

    public string Directory { get; } = directory;

    /// <summary>Watches that use the bucket; guarded by the index.</summary>
    public int Watchers { get; set; }

    /// <summary>Whether the batch under way touched it; the writer's own.</summary>
    public bool Touched { get; set; }

    public Revisions Current => Volatile.Read(ref _revisions);

    /// <summary>Adds a revision; those before <paramref name="firstKept"/> may be let go.</summary>
    public void Append(long revision, long firstKept)
    {
        var current = _revisions;
        if (current.TryAppend(revision))
            return;
        current = current.Grown(firstKept);
        Invariant.That(current.TryAppend(revision), "a grown list has room");
        Volatile.Write(ref _revisions, current);
    }

    public void AddWaiter(LogWatch watch)
    {
        lock (_waitersLock)
            _waiters.Add(watch);
    }

    public void RemoveWaiter(LogWatch watch)
    {
        lock (_waitersLock)
            _waiters.Remove(watch);
    }

    /// <summary>Wakes who waits now. One caller at a time.</summary>
    public void Signal()
    {
        List<LogWatch> woken;
        lock (_waitersLock)
        {
            if (_waiters.Count == 0)
                return;
            (woken, _waiters) = (_waiters, _spare);
            _spare = woken;
        }

        foreach (var watch in woken)
            watch.Wake();
        woken.Clear();
    }

    /// <summary>An append-only list of rising revisions: complete for those after <paramref name="after"/>.</summary>
    internal sealed class Revisions(long after, long[] items, int count)
    {
        private int _count = count;

        /// <summary>Events at or before this revision may be missing here.</summary>
        public long After { get; } = after;

        /// <summary>The first one after <paramref name="revision"/>, or <see cref="long.MaxValue"/>.</summary>
        public long NextAfter(long revision)
        {
            var count = Volatile.Read(ref _count);
            if (count == 0 || items[count - 1] <= revision)
                return long.MaxValue;
            int low = 0, high = count - 1;
            while (low < high)
            {
                var middle = (low + high) >>> 1;
                if (items[middle] <= revision)
                    low = middle + 1;
                else
                    high = middle;
            }

            return items[low];
        }

        public bool TryAppend(long revision)
        {
            if (_count == items.Length)
                return false;
            items[_count] = revision;
            Volatile.Write(ref _count, _count + 1);
            return true;
        }

        public Revisions Grown(long firstKept)
        {
            var drop = 0;
            while (drop < _count && items[drop] < firstKept)
                drop++;
            var kept = items.AsSpan(drop, _count - drop);
            var grown = new long[Math.Max(16, kept.Length * 2)];
            kept.CopyTo(grown);
            return new Revisions(drop > 0 ? items[drop - 1] : After, grown, kept.Length);
        }
    }
}
