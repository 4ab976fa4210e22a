namespace LiteKube.Storage;

/// <summary>
/// The cluster's state: keys to bytes, one global revision, watch from any retained revision. Its shape is etcd's
/// (range, compare-and-put, watch, compact), so that etcd can take SQLite's place. It knows nothing of Kubernetes.
/// </summary>
/// <remarks>
/// Every write goes through one writer that commits what is waiting as one durable transaction; a write is
/// acknowledged, readable and watchable only after its commit. Reads of the current state come from memory and are
/// linearizable.
/// </remarks>
public interface IStateStore : IAsyncDisposable
{
    /// <summary>The revision of the newest committed write; a new store starts at 1.</summary>
    long CurrentRevision { get; }

    /// <summary>
    /// What was superseded by then is forgotten: the state as of this revision can still be read and watched from, as in
    /// etcd; revisions before it answer <see cref="CompactedException"/>. 0 when nothing was compacted.
    /// </summary>
    long CompactedRevision { get; }

    /// <summary>Why writes are refused at present (it names the file and the way out); null while they work. Each write tries anew.</summary>
    StoreUnavailableException? WriteFailure => null;

    /// <summary>The disk holds the value in another form than it would be written in now: writing it again, though unchanged, has a purpose.</summary>
    bool IsStale(StoredValue value) => false;

    /// <summary>The value now at <paramref name="key"/>, or null.</summary>
    StoredValue? Get(string key);

    /// <summary>
    /// Keys that start with <see cref="RangeRequest.Prefix"/>, in ordinal order, as of one revision. The present state
    /// completes at once; a past one costs the changes since, or reads the disk when they are no longer in memory.
    /// </summary>
    /// <exception cref="CompactedException">The revision asked for is compacted away.</exception>
    /// <exception cref="FutureRevisionException">The revision asked for has not been written yet.</exception>
    /// <exception cref="StoreUnavailableException">The disk that holds the older history failed.</exception>
    ValueTask<RangeResult> RangeAsync(RangeRequest request, CancellationToken cancellationToken);

    /// <summary>The number of keys that start with <paramref name="prefix"/> now.</summary>
    int Count(string prefix);

    /// <summary>
    /// Writes <paramref name="value"/> at <paramref name="key"/> when the key's modification revision equals
    /// <paramref name="expectedRevision"/> (0: the key must not exist; null: whatever is there).
    /// </summary>
    /// <remarks>
    /// <paramref name="value"/>'s memory belongs to the store until the task completes. A cancelled write whose turn had
    /// come is completed all the same.
    /// </remarks>
    /// <returns>Written with the new value, or Conflict with the value that stands (null: none).</returns>
    /// <exception cref="StoreUnavailableException">The disk refused the write, or the store is closed; nothing was changed.</exception>
    ValueTask<WriteResult> PutAsync(string key, ValueTemplate value, long? expectedRevision, CancellationToken cancellationToken);

    /// <summary>
    /// Removes <paramref name="key"/> under the same condition; a key that is not there is a Conflict with null.
    /// <paramref name="tombstone"/> is what watchers get as the last state (stamped with the revision of the deletion);
    /// without one they get the previous bytes.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The disk refused the write, or the store is closed; nothing was changed.</exception>
    ValueTask<WriteResult> DeleteAsync(string key, long? expectedRevision, ValueTemplate? tombstone, CancellationToken cancellationToken);

    /// <summary>
    /// Events on keys that start with <paramref name="prefix"/>, strictly after <paramref name="afterRevision"/>, each
    /// once and in revision order.
    /// </summary>
    /// <exception cref="CompactedException">The history from that revision on is compacted away.</exception>
    /// <exception cref="FutureRevisionException">That revision has not been written yet: it comes from another store, or from before a restore.</exception>
    StoreWatch Watch(string prefix, long afterRevision);

    /// <summary>
    /// Forgets what was superseded at or before <paramref name="revision"/>, in small steps that never block writers;
    /// <see cref="CompactedRevision"/> rises step by step. Nothing happens when it is that high already. Cancelling ends
    /// the wait, not the work.
    /// </summary>
    /// <exception cref="FutureRevisionException">The revision has not been written yet.</exception>
    /// <exception cref="StoreUnavailableException">The disk refused a step; what was forgotten before stays forgotten.</exception>
    Task CompactAsync(long revision, CancellationToken cancellationToken);
}

/// <summary>A value as one write left it. Immutable and shared by all readers.</summary>
public sealed class StoredValue(string key, ReadOnlyMemory<byte> bytes, long createRevision, long modRevision)
{
    public string Key { get; } = key;
    public ReadOnlyMemory<byte> Bytes { get; } = bytes;
    public long CreateRevision { get; } = createRevision;
    public long ModRevision { get; } = modRevision;

    /// <summary>A slot for what a reader derives from these bytes (decoded metadata, another encoding). Races are benign: any writer's value is right.</summary>
    public object? Derived { get; set; }

    /// <summary>How the disk holds it (<see cref="IValueTransformer"/>).</summary>
    internal object? Form { get; init; }
}

/// <summary>
/// Bytes to store with the place where the store writes the decimal digits of the revision it gives them;
/// <see cref="RevisionOffset"/> is -1 when there is none.
/// </summary>
public readonly record struct ValueTemplate(ReadOnlyMemory<byte> Bytes, int RevisionOffset);

public enum WriteStatus
{
    Written,
    Conflict,
}

/// <param name="Value">The value written (for a deletion: the tombstone), or the one that caused the conflict.</param>
/// <param name="Revision">The revision of the write, or the current one on a conflict.</param>
public readonly record struct WriteResult(WriteStatus Status, StoredValue? Value, long Revision);

/// <param name="Prefix">Keys must start with it.</param>
/// <param name="StartAfter">Exclusive lower bound, for the next page.</param>
/// <param name="Limit">At most so many; 0: no limit.</param>
/// <param name="Revision">The state as of it; 0: now.</param>
public readonly record struct RangeRequest(string Prefix, string? StartAfter = null, int Limit = 0, long Revision = 0);

/// <param name="Revision">The revision that the answer shows.</param>
/// <param name="Remaining">How many more keys follow the last one given.</param>
public sealed record RangeResult(IReadOnlyList<StoredValue> Values, long Revision, int Remaining);

public enum StoreEventType
{
    Put,
    Delete,
}

/// <param name="Value">The value written; for a deletion the tombstone, its ModRevision the deletion's revision.</param>
/// <param name="Previous">The value before, null when the key is new.</param>
public readonly record struct StoreEvent(StoreEventType Type, StoredValue Value, StoredValue? Previous)
{
    public long Revision => Value.ModRevision;
}

/// <summary>One reader's position in the history. Not for concurrent use. A reader that falls behind the retained history gets <see cref="CompactedException"/>; it never slows a writer or another reader.</summary>
public abstract class StoreWatch : IAsyncDisposable
{
    /// <summary>
    /// Everything up to this revision has been given to the reader (also when no event matched): what a bookmark may
    /// say. May be read while <see cref="WaitToReadAsync"/> is pending; it moves on with writes elsewhere.
    /// </summary>
    public abstract long Revision { get; }

    /// <summary>
    /// Completes when <see cref="TryRead"/> has something (it fetches from disk what is no longer in memory); a
    /// <see cref="Revision"/> that moved on alone is not signalled. False when the store closes.
    /// </summary>
    /// <exception cref="CompactedException">The reader fell behind the retained history.</exception>
    /// <exception cref="StoreUnavailableException">The disk that holds the older history failed.</exception>
    public abstract ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken);

    /// <summary>The next event, if one is at hand; it never waits, nor reads the disk.</summary>
    public abstract bool TryRead(out StoreEvent storeEvent);

    public abstract ValueTask DisposeAsync();
}

/// <summary>The revision asked for is no longer retained. The API server answers 410 Expired.</summary>
public sealed class CompactedException(long requested, long compacted)
    : Exception($"revision {requested} is compacted; the oldest retained is {compacted}")
{
    public long Requested { get; } = requested;
    public long Compacted { get; } = compacted;
}

/// <summary>The revision asked for lies in the future.</summary>
public sealed class FutureRevisionException(long requested, long current)
    : Exception($"revision {requested} has not been written; the newest is {current}")
{
    public long Requested { get; } = requested;
    public long Current { get; } = current;
}

/// <summary>The store cannot write or read its files (disk full, damaged file, closed); the message names the file and the way out.</summary>
public sealed class StoreUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
