using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LiteKube.Storage;

/// <summary>What the user reads when the files fail: which file, why, and the way out.</summary>
internal static class StoreErrors
{
    public static StoreUnavailableException From(SqliteException exception, string path) => exception.SqliteErrorCode switch
    {
        raw.SQLITE_FULL => new($"no space left for {path}: free space on its file system (or raise the store's size limit); writes resume by themselves, reads go on", exception),
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => Damaged(path, Reason(exception), exception),
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH => new($"{path} cannot be written ({Reason(exception)}): check its owner and mode, and that its file system is not mounted read-only", exception),
        raw.SQLITE_CANTOPEN => new($"{path} cannot be opened ({Reason(exception)}): check that its folder exists and may be written and that space is left", exception),
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new($"{path} is locked by another program: close what has it open (fuser {path} names it)", exception),
        raw.SQLITE_IOERR => new($"the disk failed {path} ({Reason(exception)}, code {exception.SqliteExtendedErrorCode}): check the kernel log and the free space; writes resume when the disk works again", exception),
        _ => new($"{path} failed ({Reason(exception)}, code {exception.SqliteExtendedErrorCode}): check the disk and the kernel log", exception),
    };

    public static StoreUnavailableException From(IOException exception, string path) =>
        new($"{path} cannot be opened ({exception.Message}): check that its folder exists and may be written and that space is left", exception);

    public static StoreUnavailableException From(UnauthorizedAccessException exception, string path) =>
        new($"{path} cannot be opened ({exception.Message}): check its owner and mode, or run as the user who owns it", exception);

    public static StoreUnavailableException Damaged(string path, string reason, Exception? cause) =>
        new($"{path} is damaged ({reason}): put a backup in its place, or save what is sound with \"sqlite3 {path} .recover | sqlite3 recovered.db\", or move it away to start empty", cause);

    public static StoreUnavailableException Unreadable(string path, ValueTransformException cause) => new($"{path} holds a value that cannot be read: {cause.Message}", cause);

    public static StoreUnavailableException Closed(string path) => new($"{path} is closed");

    private static string Reason(SqliteException exception) => raw.sqlite3_errstr(exception.SqliteErrorCode).utf8_to_string();
}
