using System.Collections.Concurrent;

namespace LiteKube.Client.Queues;

/// <summary>
/// What a controller has done and not yet seen come back through its informer. Until then its counts are stale, and
/// acting on them would do the work twice. Unmet expectations lapse after five minutes: a watch may lose nothing, but
/// a create may fail without an answer.
/// </summary>
public sealed class Expectations(TimeProvider timeProvider)
{
    public static readonly TimeSpan Lapse = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<ObjectKey, Entry> _entries = new();

    /// <summary>Nothing is awaited for the key, or it was awaited too long.</summary>
    /// <param name="remaining">When not met: how long until the expectations lapse.</param>
    public bool AreMet(ObjectKey key, out TimeSpan remaining)
    {
        remaining = TimeSpan.Zero;
        if (!_entries.TryGetValue(key, out var entry))
            return true;
        lock (entry)
        {
            if (entry.IsMet)
                return true;
            remaining = Lapse - timeProvider.GetElapsedTime(entry.Since);
            return remaining <= TimeSpan.Zero;
        }
    }

    /// <summary>To be called before the creates.</summary>
    public void ExpectCreations(ObjectKey key, int count) => Begin(key, entry => entry.Creations += count);

    /// <summary>To be called before the deletes, with the objects' uids: a deleted object may be seen going twice (terminating, gone).</summary>
    public void ExpectDeletions(ObjectKey key, IEnumerable<string> uids) => Begin(key, entry => entry.Deletions.UnionWith(uids));

    /// <summary>A created object was seen, or its create failed.</summary>
    /// <returns>It was the last that was awaited.</returns>
    public bool CreationObserved(ObjectKey key)
    {
        if (!_entries.TryGetValue(key, out var entry))
            return false;
        lock (entry)
        {
            if (entry.Creations == 0)
                return false;
            entry.Creations--;
            return entry.IsMet;
        }
    }

    /// <summary>A deleted object was seen gone or terminating, or its delete failed.</summary>
    /// <returns>It was the last that was awaited.</returns>
    public bool DeletionObserved(ObjectKey key, string uid)
    {
        if (!_entries.TryGetValue(key, out var entry))
            return false;
        lock (entry)
            return entry.Deletions.Remove(uid) && entry.IsMet;
    }

    /// <summary>The key's object is gone.</summary>
    public void Forget(ObjectKey key) => _entries.TryRemove(key, out _);

    private void Begin(ObjectKey key, Action<Entry> change)
    {
        var entry = _entries.GetOrAdd(key, static _ => new Entry());
        lock (entry)
        {
            // What lapsed is given up; a new round starts clean.
            if (timeProvider.GetElapsedTime(entry.Since) > Lapse)
            {
                entry.Creations = 0;
                entry.Deletions.Clear();
            }
            entry.Since = timeProvider.GetTimestamp();
            change(entry);
        }
    }

    private sealed class Entry
    {
        public int Creations { get; set; }
        public HashSet<string> Deletions { get; } = new(StringComparer.Ordinal);
        public long Since { get; set; }
        public bool IsMet => Creations == 0 && Deletions.Count == 0;
    }
}
