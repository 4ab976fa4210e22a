namespace LiteKube.Storage.Log;

/// <summary>Everything up to <paramref name="Revision"/> was committed by <paramref name="TimeMs"/>, after <paramref name="Bytes"/> of history since the store was opened or compacted first.</summary>
internal readonly record struct HistoryMark(long Revision, long TimeMs, long Bytes);

/// <summary>Makes the marks of a file's history while it is read from its newest row back.</summary>
internal sealed class HistoryMarks(SqliteStoreOptions options)
{
    private readonly List<(long Revision, long TimeMs, long BytesAfter)> _marks = [];
    private readonly long _stepMs = RetentionSchedule.StepMs(options);
    private readonly long _stepBytes = RetentionSchedule.StepBytes(options);
    private long _bytes;

    public void AddOlder(long revision, long timeMs, long bytes)
    {
        if (_marks.Count == 0 || _marks[^1].TimeMs - timeMs >= _stepMs || _bytes - _marks[^1].BytesAfter >= _stepBytes)
            _marks.Add((revision, timeMs, _bytes));
        _bytes += bytes;
    }

    public (IReadOnlyList<HistoryMark> Marks, long Bytes) Finish()
    {
        var marks = new HistoryMark[_marks.Count];
        for (var i = 0; i < marks.Length; i++)
        {
            var (revision, timeMs, bytesAfter) = _marks[^(i + 1)];
            marks[i] = new HistoryMark(revision, timeMs, _bytes - bytesAfter);
        }

        return (marks, _bytes);
    }
}
