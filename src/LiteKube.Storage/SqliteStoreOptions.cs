namespace LiteKube.Storage;

/// <summary>Where the store lives and how much history it keeps.</summary>
/// <param name="Path">The database file, for instance /var/lib/litekube/state.db. Beside it live -wal, -shm and .lock files.</param>
public sealed record SqliteStoreOptions(string Path)
{
    /// <summary>History younger than this is kept for watches and for reads at older revisions, unless <see cref="HistoryMaxBytes"/> is reached first.</summary>
    public TimeSpan HistoryMinAge { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The most history on disk; the oldest goes early when writers exceed it. It bounds the file: the live data, this, and slack.</summary>
    public long HistoryMaxBytes { get; init; } = 256L << 20;

    /// <summary>The most events kept in memory; older retained ones are read from disk.</summary>
    public int MemoryMaxEvents { get; init; } = 32_768;

    /// <summary>The most bytes of superseded values kept in memory.</summary>
    public long MemoryMaxBytes { get; init; } = 32L << 20;

    /// <summary>Writes that would grow the file beyond this are refused; 0: only the disk is the limit.</summary>
    public long FileMaxBytes { get; init; }

    /// <summary>Turns values into what the disk gets, and back; null: the disk gets them as they are.</summary>
    public IValueTransformer? Transformer { get; init; }
}
