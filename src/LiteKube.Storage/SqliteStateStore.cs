using System.Text;
using LiteKube.Storage.Index;
using LiteKube.Storage.Log;
using LiteKube.Storage.Watch;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LiteKube.Storage;

/// <summary>
/// The state store of one machine: an append-only revision log in SQLite, written by one thread, with the current state
/// and the newest events in memory.
/// </summary>
public sealed class SqliteStateStore : IStateStore
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ILogger _logger;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StoreWriter _writer;
    private readonly LogWriter _log;
    private readonly StoreLock _lock;
    private Snapshot _snapshot;
    private long _compactedRevision;
    private int _disposed;
    private bool _isClosed;

    private SqliteStateStore(SqliteStoreOptions options, StoreLock storeLock, LogWriter log, LoadedLog loaded, TimeProvider timeProvider, ILogger logger)
    {
        Options = options;
        _logger = logger;
        _lock = storeLock;
        _log = log;
        _snapshot = new Snapshot(loaded.Tree, loaded.Revision);
        _compactedRevision = loaded.Compacted;
        Events = new EventRing(loaded.Revision, options.MemoryMaxEvents, options.MemoryMaxBytes);
        History = new LogHistory(options);
        _writer = new StoreWriter(this, log, loaded, timeProvider, logger);
    }

    public long CurrentRevision => Snapshot.Revision;

    public long CompactedRevision
    {
        get => Volatile.Read(ref _compactedRevision);
        internal set => Volatile.Write(ref _compactedRevision, value);
    }

    public StoreUnavailableException? WriteFailure => _writer.Failure;

    internal SqliteStoreOptions Options { get; }

    internal EventRing Events { get; }

    internal LogHistory History { get; }

    internal WatchIndex Watches { get; } = new();

    internal bool IsClosed => Volatile.Read(ref _isClosed);

    internal Snapshot Snapshot
    {
        get => Volatile.Read(ref _snapshot);
        set => Volatile.Write(ref _snapshot, value);
    }

    /// <summary>Opens (or makes) the store, recovering what a crash left.</summary>
    /// <exception cref="StoreUnavailableException">Another process has it open, or the file cannot be read; the message says what to do.</exception>
    public static async Task<IStateStore> OpenAsync(SqliteStoreOptions options, TimeProvider timeProvider, ILoggerFactory loggerFactory, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var opened = new TaskCompletionSource<SqliteStateStore>(TaskCreationOptions.RunContinuationsAsynchronously);
        var logger = loggerFactory.CreateLogger("LiteKube.Storage");
        // The thread that opens the connection is the one that writes: SQLite meets one thread only.
        new Thread(() => RunWriter(options, timeProvider, logger, opened)) { Name = "store writer", IsBackground = true }.Start();
        return await opened.Task;
    }

    public bool IsStale(StoredValue value) => Options.Transformer is { } transformer && !Equals(value.Form, transformer.FormOf(value.Key));

    public StoredValue? Get(string key) => Snapshot.Tree.Find(key);

    public int Count(string prefix) => Snapshot.Tree.CountOf(prefix);

    public ValueTask<RangeResult> RangeAsync(RangeRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request.Prefix);
        ArgumentOutOfRangeException.ThrowIfNegative(request.Limit);
        ArgumentOutOfRangeException.ThrowIfNegative(request.Revision);
        cancellationToken.ThrowIfCancellationRequested();
        var snapshot = Snapshot;
        if (request.Revision != 0 && request.Revision != snapshot.Revision)
        {
            CheckRetained(request.Revision, snapshot.Revision);
            return PastState.RangeAsync(this, snapshot, request, cancellationToken);
        }

        var (start, end) = snapshot.Tree.Bounds(request.Prefix, request.StartAfter);
        var take = request.Limit == 0 ? end - start : Math.Min(end - start, request.Limit);
        var values = new StoredValue[take];
        snapshot.Tree.CopyTo(start, values);
        return ValueTask.FromResult(new RangeResult(values, snapshot.Revision, end - start - take));
    }

    public ValueTask<WriteResult> PutAsync(string key, ValueTemplate value, long? expectedRevision, CancellationToken cancellationToken)
    {
        CheckKey(key);
        CheckTemplate(value);
        return WriteAsync(new WriteRequest(key, value, isDelete: false, expectedRevision, cancellationToken));
    }

    public ValueTask<WriteResult> DeleteAsync(string key, long? expectedRevision, ValueTemplate? tombstone, CancellationToken cancellationToken)
    {
        CheckKey(key);
        if (tombstone is { } value)
            CheckTemplate(value);
        return WriteAsync(new WriteRequest(key, tombstone, isDelete: true, expectedRevision, cancellationToken));
    }

    public StoreWatch Watch(string prefix, long afterRevision)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        lock (Watches.Gate)
        {
            // Under the gate, so that no compaction comes between the check and the first read.
            CheckRetained(afterRevision, CurrentRevision);
            return new LogWatch(this, Watches.Join(prefix, CurrentRevision), prefix, afterRevision);
        }
    }

    public Task CompactAsync(long revision, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var current = CurrentRevision;
        if (revision > current)
            throw new FutureRevisionException(revision, current);
        return revision <= CompactedRevision
            ? Task.CompletedTask
            : _writer.Enqueue(new CompactRequest(revision)).WaitAsync(cancellationToken);
    }

    /// <summary>Completes the writes that wait, ends the watches and closes the file. Reads go on from memory.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _writer.Close();
        await _closed.Task;
    }

    internal void Leave(WatchBucket bucket)
    {
        lock (Watches.Gate)
            Watches.Leave(bucket);
    }

    private static void RunWriter(SqliteStoreOptions options, TimeProvider timeProvider, ILogger logger, TaskCompletionSource<SqliteStateStore> opened)
    {
        SqliteStateStore store;
        try
        {
            store = Open(options, timeProvider, logger);
        }
        catch (StoreUnavailableException exception)
        {
            opened.SetException(exception);
            return;
        }

        opened.SetResult(store);
        store._writer.Run();
        store.Close();
    }

    private static SqliteStateStore Open(SqliteStoreOptions options, TimeProvider timeProvider, ILogger logger)
    {
        var started = timeProvider.GetTimestamp();
        StoreLock? storeLock = null;
        SqliteConnection? connection = null;
        try
        {
            storeLock = StoreLock.Take(options.Path);
            connection = LogFile.OpenForWriting(options);
            var loaded = LogLoader.Load(connection, options);
            var store = new SqliteStateStore(options, storeLock, new LogWriter(connection), loaded, timeProvider, logger);
            StoreLog.Opened(logger, options.Path, loaded.Revision, loaded.Tree.Count, loaded.Compacted, timeProvider.GetElapsedTime(started).TotalMilliseconds);
            (storeLock, connection) = (null, null);
            return store;
        }
        catch (SqliteException exception)
        {
            throw StoreErrors.From(exception, options.Path);
        }
        catch (IOException exception)
        {
            throw StoreErrors.From(exception, options.Path);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw StoreErrors.From(exception, options.Path);
        }
        finally
        {
            connection?.Dispose();
            storeLock?.Dispose();
        }
    }

    private static void CheckKey(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (key.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("a key has no NUL", nameof(key));
        // The file holds UTF-8: half a surrogate pair would come back as another key.
        if (!Ascii.IsValid(key))
            StrictUtf8.GetByteCount(key);
    }

    private static void CheckTemplate(in ValueTemplate value) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.RevisionOffset, value.Bytes.Length, nameof(value));

    private ValueTask<WriteResult> WriteAsync(WriteRequest request)
    {
        if (request.CancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<WriteResult>(request.CancellationToken);
        return new ValueTask<WriteResult>(_writer.Enqueue(request));
    }

    private void CheckRetained(long revision, long current)
    {
        if (revision > current)
            throw new FutureRevisionException(revision, current);
        var compacted = CompactedRevision;
        if (revision < compacted)
            throw new CompactedException(revision, compacted);
    }

    /// <summary>On the writer's thread, after its last write.</summary>
    private void Close()
    {
        Volatile.Write(ref _isClosed, true);
        Watches.SignalAll();
        History.Close();
        try
        {
            _log.Dispose();
        }
        catch (SqliteException exception)
        {
            StoreLog.CloseFailed(_logger, Options.Path, exception);
        }

        _lock.Dispose();
        StoreLog.Closed(_logger, Options.Path, CurrentRevision);
        _closed.SetResult();
    }
}
