using LiteKube.Storage.Index;
using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Log;

/// <summary>What was in the file when it was opened.</summary>
/// <param name="Marks">Where the retained history stood at which time, oldest first.</param>
internal sealed record LoadedLog(KeyTree Tree, long Revision, long Compacted, long TimeMs, IReadOnlyList<HistoryMark> Marks, long HistoryBytes);

/// <summary>
/// Builds the current state by one pass from the newest row back: a row is current when no newer one named it as its
/// previous. No index on keys is needed for that, so none is kept on disk, and a superseded value is never read.
/// </summary>
internal static class LogLoader
{
    public static LoadedLog Load(SqliteConnection connection, SqliteStoreOptions options)
    {
        var compacted = LogFile.Scalar(connection, "SELECT through FROM compaction");
        var newest = LogFile.Scalar(connection, "SELECT coalesce(max(revision), 0) FROM log");
        var superseded = new HashSet<long>();
        var current = new List<StoredValue>();
        var history = new HistoryMarks(options);
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {LogReading.Columns}, length(value) FROM log ORDER BY revision DESC";
        using var reader = command.ExecuteReader();
        var timeMs = 0L;
        while (reader.Read())
        {
            var revision = reader.GetInt64(0);
            var previous = reader.GetInt64(1);
            if (previous >= revision || (previous > 0 && !superseded.Add(previous)))
                throw StoreErrors.Damaged(options.Path, $"revision {revision} names {previous} as its previous", cause: null);
            var isCurrent = !superseded.Remove(revision) && reader.GetInt64(3) == (long)LogRowKind.Put;
            if (revision > compacted)
            {
                var rowTimeMs = reader.GetInt64(4);
                timeMs = Math.Max(timeMs, rowTimeMs);
                history.AddOlder(revision, rowTimeMs, reader.GetInt64(8) + LogRow.Overhead);
            }

            if (isCurrent)
            {
                current.Add(ReadCurrent(reader, options));
            }
        }

        current.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        for (var i = 1; i < current.Count; i++)
        {
            if (current[i].Key == current[i - 1].Key)
                throw StoreErrors.Damaged(options.Path, $"{current[i].Key} has two current values", cause: null);
        }

        var (marks, bytes) = history.Finish();
        // The newest rows may have been tombstones that compaction removed: revisions must not be given twice.
        return new LoadedLog(KeyTree.FromSorted(current), Math.Max(1, Math.Max(newest, compacted)), compacted, timeMs, marks, bytes);
    }

    private static StoredValue ReadCurrent(SqliteDataReader reader, SqliteStoreOptions options)
    {
        try
        {
            var (row, form) = LogReading.Read(reader, options);
            return new StoredValue(row.Key, row.Value, row.Created, row.Revision) { Form = form };
        }
        catch (ValueTransformException exception)
        {
            // Starting without it would look as if it had been deleted.
            throw StoreErrors.Unreadable(options.Path, exception);
        }
    }
}
