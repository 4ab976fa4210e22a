using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Log;

/// <summary>The columns of the log and how a row is read and checked.</summary>
internal static class LogReading
{
    public const string Columns = "revision, previous, created, kind, time, crc, key, value";

    /// <summary>A row with its value as it was given to the store, and the form that the disk has of it.</summary>
    /// <exception cref="ValueTransformException">The transformer cannot read the value.</exception>
    public static (LogRow Row, object? Form) Read(SqliteDataReader reader, SqliteStoreOptions options)
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
            throw StoreErrors.Damaged(options.Path, $"the checksum of {row.Key} at revision {row.Revision} is wrong", cause: null);
        // The checksum is of what the disk has: damage is told from a missing key.
        if (options.Transformer is null || row.Kind == LogRowKind.Removal)
            return (row, null);
        var value = options.Transformer.FromDisk(row.Key, row.Value, out var form);
        return (row with { Value = value }, form);
    }
}
