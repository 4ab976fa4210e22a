using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Log;

/// <summary>The database file: how it is made, opened and told from others.</summary>
internal static class LogFile
{
    /// <summary>The layout below. A file with a higher one was written by a newer version.</summary>
    private const int Layout = 1;

    /// <summary>"LKub", so that file(1) and we can tell the store from other SQLite files.</summary>
    private const int ApplicationId = 0x4C4B7562;

    /// <summary>16 MB: checkpoints cost two more syncs, so they should be rare; recovery reads this much at most.</summary>
    private const int CheckpointPages = 4096;

    /// <summary>Opens the connection that writes, making the file on first use.</summary>
    public static SqliteConnection OpenForWriting(SqliteStoreOptions options)
    {
        CreatePrivately(options.Path);
        Warm(options.Path);
        var connection = Open(options.Path, SqliteOpenMode.ReadWrite);
        try
        {
            Prepare(connection, options);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens a connection that reads history beside the writer.</summary>
    public static SqliteConnection OpenForReading(string path)
    {
        var connection = Open(path, SqliteOpenMode.ReadWrite);
        Execute(connection, "PRAGMA query_only = ON; PRAGMA cache_size = -256;");
        return connection;
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = 5,
        }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>The state holds Secrets. SQLite gives its -wal and -shm files the mode of the database.</summary>
    private static void CreatePrivately(string path)
    {
        if (File.Exists(path))
            return;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory)
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }).Dispose();
    }

    /// <summary>
    /// Loading goes from the newest row back, and the kernel reads ahead only forwards: after a boot it would fetch each
    /// page by itself. One pass forwards brings the file into the page cache at the disk's full speed.
    /// </summary>
    private static void Warm(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
        var buffer = new byte[256 << 10];
        var offset = 0L;
        for (int read; (read = RandomAccess.Read(file, buffer, offset)) > 0; offset += read)
        {
        }
    }

    private static void Prepare(SqliteConnection connection, SqliteStoreOptions options)
    {
        var layout = Scalar(connection, "PRAGMA user_version");
        if (layout > Layout)
            throw new StoreUnavailableException($"{options.Path} was written by a newer version (layout {layout}, this one knows {Layout}): run that version, or move the file away to start empty");
        var id = Scalar(connection, "PRAGMA application_id");
        if (id != ApplicationId && (id != 0 || layout != 0 || Scalar(connection, "SELECT count(*) FROM sqlite_schema") != 0))
            throw new StoreUnavailableException($"{options.Path} is a database of another program: name another file, or move this one away to start empty");

        // Incremental vacuum can only be chosen before the first table; secure_delete=FAST overwrites deleted
        // Secrets where that costs no further page.
        Execute(connection, $"""
            PRAGMA auto_vacuum = INCREMENTAL;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA secure_delete = FAST;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -1024;
            PRAGMA wal_autocheckpoint = {CheckpointPages};
            PRAGMA journal_size_limit = {CheckpointPages * 4096 * 2};
            """);
        var pageBytes = Scalar(connection, "PRAGMA page_size");
        if (options.FileMaxBytes > 0)
            Scalar(connection, $"PRAGMA max_page_count = {Math.Max(16, options.FileMaxBytes / pageBytes)}");
        if (layout == Layout)
            return;

        Execute(connection, $"""
            BEGIN IMMEDIATE;
            CREATE TABLE log (
                revision INTEGER PRIMARY KEY,
                previous INTEGER NOT NULL,
                created INTEGER NOT NULL,
                kind INTEGER NOT NULL,
                time INTEGER NOT NULL,
                crc INTEGER NOT NULL,
                key TEXT NOT NULL,
                value BLOB NOT NULL);
            CREATE TABLE compaction (through INTEGER NOT NULL);
            INSERT INTO compaction VALUES (0);
            PRAGMA application_id = {ApplicationId};
            PRAGMA user_version = {Layout};
            COMMIT;
            """);
    }
}
