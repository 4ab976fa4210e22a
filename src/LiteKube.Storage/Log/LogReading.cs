using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Log;

/// <summary>The columns of the log and how a row is read and checked.</summary>
internal static class LogReading
{
    public const string Columns = "revision, previous, created, kind, time, crc, key, value";

    public static LogRow Read(SqliteDataReader reader, string path)
    {
        var row = new LogRow(
            reader.GetInt64(0),
            reader.GetInt64(1),
            reader.GetInt64(2),
            (LogRowKind)reader.GetInt64(3),
            reader.GetInt64(4),
            reader.GetString(6),
            reader.GetFieldValue<byte[]>(7));
        if (row.Checksum() != (uint)reader.GetInt64(5))
            throw StoreErrors.Damaged(path, $"the checksum of {row.Key} at revision {row.Revision} is wrong", cause: null);
        return row;
    }
}
