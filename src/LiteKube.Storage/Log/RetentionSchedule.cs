namespace LiteKube.Storage.Log;

/// <summary>
/// Decides how far the history may be forgotten: what is older than the minimum age, and the oldest part of what
/// exceeds the size on disk. Keeps a mark about every minute, not one an event. For one thread.
/// </summary>
internal sealed class RetentionSchedule
{
    /// <summary>The history is let go in about so many portions, so that compaction runs seldom and in small amounts.</summary>
    private const int Portions = 15;

    private readonly SqliteStoreOptions _options;
    private readonly Queue<HistoryMark> _marks;
    private HistoryMark _newest;
    private HistoryMark _lastMark;
    private long _forgotten;

    public RetentionSchedule(SqliteStoreOptions options, IReadOnlyList<HistoryMark> marks, long revision)
    {
        _options = options;
        _marks = new Queue<HistoryMark>(marks);
        _newest = marks.Count > 0 ? marks[^1] : new HistoryMark(revision, 0, 0);
        _lastMark = _newest;
    }

    /// <summary>Whether <see cref="Due"/> has something because of the size on disk.</summary>
    public bool IsOverSize => _marks.Count > 0 && _newest.Bytes - _forgotten > _options.HistoryMaxBytes;

    public static long StepMs(SqliteStoreOptions options) => Math.Max(1, (long)options.HistoryMinAge.TotalMilliseconds / Portions);

    public static long StepBytes(SqliteStoreOptions options) => Math.Max(1, options.HistoryMaxBytes / Portions);

    /// <summary>Records that a batch brought the store to this revision.</summary>
    public void Add(long revision, long timeMs, long bytes)
    {
        // A mark must not be younger than what it stands for, so a portion is closed by the batch after its last.
        if (_newest.Revision > _lastMark.Revision
            && (timeMs - _lastMark.TimeMs >= StepMs(_options) || _newest.Bytes - _lastMark.Bytes >= StepBytes(_options)))
        {
            _lastMark = _newest;
            _marks.Enqueue(_newest);
        }

        _newest = new HistoryMark(revision, Math.Max(timeMs, _newest.TimeMs), _newest.Bytes + bytes);
    }

    /// <summary>The revision through which history is to be forgotten now; 0 when none is.</summary>
    public long Due(long nowMs)
    {
        var cutoffMs = nowMs - (long)_options.HistoryMinAge.TotalMilliseconds;
        var due = 0L;
        while (_marks.TryPeek(out var mark) && (mark.TimeMs <= cutoffMs || _newest.Bytes - _forgotten > _options.HistoryMaxBytes))
        {
            _marks.Dequeue();
            due = mark.Revision;
            _forgotten = mark.Bytes;
        }

        if (_marks.Count == 0 && _newest.TimeMs <= cutoffMs && _newest.Revision > _lastMark.Revision)
        {
            _lastMark = _newest;
            due = _newest.Revision;
            _forgotten = _newest.Bytes;
        }

        return due;
    }

    /// <summary>When <see cref="Due"/> will next have something by age; null when there is no history left to forget.</summary>
    public long? NextMs()
    {
        var minAgeMs = (long)_options.HistoryMinAge.TotalMilliseconds;
        if (_marks.TryPeek(out var mark))
            return mark.TimeMs + minAgeMs;
        return _newest.Revision > _lastMark.Revision ? _newest.TimeMs + minAgeMs : null;
    }
}
