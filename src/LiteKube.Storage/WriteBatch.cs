using LiteKube.Storage.Index;
using LiteKube.Storage.Log;

namespace LiteKube.Storage;

/// <summary>
/// The writes of one transaction: checked against the state that the ones before them leave, and held back from all
/// readers until the commit, since a crash could undo them.
/// </summary>
internal sealed class WriteBatch(LogWriter log, Snapshot start, long timeMs, IValueTransformer? transformer)
{
    private readonly KeyTreeEditor _tree = new(start.Tree);
    private readonly List<StoreEvent> _events = [];

    public IReadOnlyList<StoreEvent> Events => _events;

    public long Revision { get; private set; } = start.Revision;

    /// <summary>What the batch adds to the history on disk.</summary>
    public long Bytes { get; private set; }

    public Snapshot ToSnapshot() => new(_tree.ToTree(), Revision);

    /// <summary>Whether the request's condition holds; if not, its answer is the conflict.</summary>
    public bool Admits(WriteRequest request, out StoredValue? current)
    {
        current = _tree.Find(request.Key);
        var isMet = request.ExpectedRevision is not { } expected || expected == (current?.ModRevision ?? 0);
        if (isMet && !(request.IsDelete && current is null))
            return true;
        request.Result = new WriteResult(WriteStatus.Conflict, current, Revision);
        return false;
    }

    /// <summary>Writes what <see cref="Admits"/> let through, in the open transaction.</summary>
    public void Apply(WriteRequest request, StoredValue? current)
    {
        var revision = Revision + 1;
        Invariant.That(current is null || current.ModRevision < revision, "revisions only grow");
        // The key of a later version is the first one's string: it is in memory once.
        var key = current?.Key ?? request.Key;
        var bytes = request.Value is { } template ? Stamp(template, revision) : [];
        var kind = !request.IsDelete ? LogRowKind.Put : request.Value is null ? LogRowKind.Removal : LogRowKind.Tombstone;
        object? form = null;
        var onDisk = transformer is null || kind == LogRowKind.Removal ? bytes : transformer.ToDisk(key, bytes, out form);
        var value = new StoredValue(
            key,
            kind == LogRowKind.Removal ? current!.Bytes : bytes,
            current?.CreateRevision ?? revision,
            revision)
        {
            Form = form,
        };

        log.Append(new LogRow(revision, current?.ModRevision ?? 0, value.CreateRevision, kind, timeMs, key, onDisk));
        if (request.IsDelete)
            _tree.Remove(key);
        else
            _tree.Set(value);
        _events.Add(new StoreEvent(request.IsDelete ? StoreEventType.Delete : StoreEventType.Put, value, current));
        Revision = revision;
        Bytes += onDisk.Length + LogRow.Overhead;
        request.Result = new WriteResult(WriteStatus.Written, value, revision);
    }

    /// <summary>The bytes with the digits of the revision put in: the one copy that is stored, served and watched.</summary>
    private static byte[] Stamp(ValueTemplate template, long revision)
    {
        var source = template.Bytes.Span;
        if (template.RevisionOffset < 0)
            return source.ToArray();
        Span<byte> digits = stackalloc byte[20];
        Invariant.That(revision.TryFormat(digits, out var length, provider: null), "20 digits hold any revision");
        var bytes = GC.AllocateUninitializedArray<byte>(source.Length + length);
        source[..template.RevisionOffset].CopyTo(bytes);
        digits[..length].CopyTo(bytes.AsSpan(template.RevisionOffset));
        source[template.RevisionOffset..].CopyTo(bytes.AsSpan(template.RevisionOffset + length));
        return bytes;
    }
}
