using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Log;

/// <summary>Events read back from disk.</summary>
/// <param name="Through">Everything up to this revision was looked at.</param>
internal sealed record HistoryPage(IReadOnlyList<StoreEvent> Events, long Through);

/// <summary>
/// Reads the part of the retained history that is no longer in memory, in pages, on a connection of its own that
/// opens with the first use: after a restart watchers resume here, otherwise only slow ones come here.
/// </summary>
internal sealed class LogHistory(SqliteStoreOptions options)
{
    /// <summary>Limits of a page: rows looked at, and bytes given. A page's read transaction lasts a few milliseconds, so that it holds up no checkpoint.</summary>
    private const int PageRows = 4096;
    private const int PageBytes = 1 << 20;

    private readonly SemaphoreSlim _gate = new(1);
    private SqliteConnection? _connection;
    private SqliteCommand? _page;
    private SqliteCommand? _row;
    private bool _closed;

    /// <summary>The events on keys with the prefix after <paramref name="after"/>, not beyond <paramref name="through"/>; perhaps only the first of them.</summary>
    /// <exception cref="CompactedException">Some of them are forgotten.</exception>
    public async ValueTask<HistoryPage> ReadAsync(string prefix, long after, long through, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_closed)
                throw StoreErrors.Closed(options.Path);
            return Read(prefix, after, Math.Min(through, after + PageRows));
        }
        catch (SqliteException exception)
        {
            Release();
            throw StoreErrors.From(exception, options.Path);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Waits for the page under way and refuses later ones.</summary>
    public void Close()
    {
        _gate.Wait();
        _closed = true;
        Release();
        _gate.Release();
    }

    private HistoryPage Read(string prefix, long after, long through)
    {
        if (_connection is null)
        {
            _connection = LogFile.OpenForReading(options.Path);
            _page = Command($"SELECT {LogReading.Columns} FROM log WHERE revision > $1 AND revision <= $2 ORDER BY revision", 2);
            _row = Command($"SELECT {LogReading.Columns} FROM log WHERE revision = $1", 1);
        }

        // One snapshot for the rows and for how far they are compacted.
        using var transaction = _connection.BeginTransaction(deferred: true);
        _page!.Transaction = transaction;
        _row!.Transaction = transaction;
        var compacted = LogFile.Scalar(_connection, "SELECT through FROM compaction");
        if (after < compacted)
            throw new CompactedException(after, compacted);

        var events = new List<StoreEvent>();
        var bytes = 0;
        _page.Parameters[0].Value = after;
        _page.Parameters[1].Value = through;
        using (var reader = _page.ExecuteReader())
        {
            while (reader.Read())
            {
                if (!reader.GetString(6).StartsWith(prefix, StringComparison.Ordinal))
                    continue;
                var (storeEvent, length) = ReadEvent(reader, after);
                events.Add(storeEvent);
                bytes += length;
                if (bytes > PageBytes)
                    return new HistoryPage(events, storeEvent.Revision);
            }
        }

        return new HistoryPage(events, through);
    }

    private (StoreEvent Event, int Length) ReadEvent(SqliteDataReader reader, long after)
    {
        try
        {
            var (row, form) = LogReading.Read(reader, options);
            return (Event(row, form), row.Value.Length);
        }
        catch (ValueTransformException)
        {
            // An old value whose key was taken away: the reader starts anew from the present, as after a compaction.
            throw new CompactedException(after, reader.GetInt64(0));
        }
    }

    private StoreEvent Event(in LogRow row, object? form)
    {
        var previous = row.Previous > 0 ? Previous(row) : null;
        if (row.Kind == LogRowKind.Removal && previous is null)
            throw StoreErrors.Damaged(options.Path, $"revision {row.Revision} removes what was never written", cause: null);
        var bytes = row.Kind == LogRowKind.Removal ? previous!.Bytes : row.Value;
        return new StoreEvent(
            row.Kind == LogRowKind.Put ? StoreEventType.Put : StoreEventType.Delete,
            new StoredValue(row.Key, bytes, row.Created, row.Revision) { Form = form },
            previous);
    }

    private StoredValue Previous(in LogRow row)
    {
        _row!.Parameters[0].Value = row.Previous;
        using var reader = _row.ExecuteReader();
        if (!reader.Read())
            throw StoreErrors.Damaged(options.Path, $"revision {row.Previous} is missing", cause: null);
        var (previous, form) = LogReading.Read(reader, options);
        return new StoredValue(row.Key, previous.Value, previous.Created, previous.Revision) { Form = form };
    }

    private SqliteCommand Command(string sql, int parameters)
    {
        var command = _connection!.CreateCommand();
        command.CommandText = sql;
        for (var i = 1; i <= parameters; i++)
            command.Parameters.Add(new SqliteParameter($"${i}", SqliteType.Integer));
        return command;
    }

    private void Release()
    {
        _page?.Dispose();
        _row?.Dispose();
        _connection?.Dispose();
        (_connection, _page, _row) = (null, null, null);
    }
}
