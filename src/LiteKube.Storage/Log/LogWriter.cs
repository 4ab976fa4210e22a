using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Log;

/// <summary>The statements that change the log, prepared once on the one writing connection. For one thread.</summary>
internal sealed class LogWriter : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<SqliteCommand> _commands = [];
    private readonly SqliteCommand _begin;
    private readonly SqliteCommand _commit;
    private readonly SqliteCommand _rollback;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _deleteAfter;
    private readonly SqliteCommand _deleteSuperseded;
    private readonly SqliteCommand _deleteTombstones;
    private readonly SqliteCommand _setCompacted;
    private readonly SqliteCommand _newest;

    public LogWriter(SqliteConnection connection)
    {
        _connection = connection;
        _begin = Command("BEGIN IMMEDIATE");
        _commit = Command("COMMIT");
        _rollback = Command("ROLLBACK");
        _insert = Command(
            "INSERT INTO log (revision, previous, created, kind, time, crc, key, value) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", 8);
        _insert.Parameters[6].SqliteType = SqliteType.Text;
        _insert.Parameters[7].SqliteType = SqliteType.Blob;
        _deleteAfter = Command("DELETE FROM log WHERE revision > $1", 1);
        _deleteSuperseded = Command(
            "DELETE FROM log WHERE revision IN (SELECT previous FROM log WHERE revision > $1 AND revision <= $2 AND previous > 0)", 2);
        _deleteTombstones = Command("DELETE FROM log WHERE revision > $1 AND revision <= $2 AND kind <> 0", 2);
        _setCompacted = Command("UPDATE compaction SET through = $1", 1);
        _newest = Command("SELECT coalesce(max(revision), 0) FROM log");
    }

    public void Begin() => _begin.ExecuteNonQuery();

    public void Commit() => _commit.ExecuteNonQuery();

    /// <summary>Ends the open transaction, if SQLite has not ended it itself (it does on a full disk).</summary>
    public void Rollback()
    {
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
            _rollback.ExecuteNonQuery();
    }

    public void Append(in LogRow row)
    {
        var parameters = _insert.Parameters;
        parameters[0].Value = row.Revision;
        parameters[1].Value = row.Previous;
        parameters[2].Value = row.Created;
        parameters[3].Value = (long)row.Kind;
        parameters[4].Value = row.TimeMs;
        parameters[5].Value = (long)row.Checksum();
        parameters[6].Value = row.Key;
        parameters[7].Value = row.Value;
        _insert.ExecuteNonQuery();
    }

    /// <summary>The newest revision on disk; 0 in an empty log.</summary>
    public long Newest() => (long)_newest.ExecuteScalar()!;

    public void DeleteAfter(long revision) => Run(_deleteAfter, revision);

    /// <summary>Forgets what the writes in (<paramref name="from"/>, <paramref name="to"/>] superseded; everything up to from is forgotten already.</summary>
    public void Compact(long from, long to)
    {
        Run(_deleteSuperseded, from, to);
        Run(_deleteTombstones, from, to);
        Run(_setCompacted, to);
    }

    public (long Free, long Total) Pages() =>
        (LogFile.Scalar(_connection, "PRAGMA freelist_count"), LogFile.Scalar(_connection, "PRAGMA page_count"));

    /// <summary>Gives up to so many free pages back to the file system.</summary>
    public void Vacuum(int pages)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"PRAGMA incremental_vacuum({pages})";
        // It frees one page a step, so it must be read to its end.
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
        }
    }

    /// <summary>Copies the write-ahead log back into the file as far as readers let it.</summary>
    public void Checkpoint() => LogFile.Execute(_connection, "PRAGMA wal_checkpoint(PASSIVE)");

    public void Dispose()
    {
        foreach (var command in _commands)
            command.Dispose();
        _connection.Dispose();
    }

    private static void Run(SqliteCommand command, params ReadOnlySpan<long> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, int parameters = 0)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 1; i <= parameters; i++)
            command.Parameters.Add(new SqliteParameter($"${i}", SqliteType.Integer));
        _commands.Add(command);
        command.Prepare();
        return command;
    }
}
