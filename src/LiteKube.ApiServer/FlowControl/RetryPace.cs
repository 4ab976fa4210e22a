namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// The Retry-After of a level: a second, doubled while many are turned away and lowered by a second when few are, as
/// upstream's dropped-requests tracker does.
/// </summary>
internal sealed class RetryPace(TimeProvider time)
{
    private const int MaxSeconds = 32;

    private readonly Lock _lock = new();
    private readonly Queue<(long Second, long Count)> _history = new();
    private long _second;
    private long _count;
    private long _raised;

    public int Seconds { get; private set; } = 1;

    public void RecordRefusal()
    {
        var second = time.GetUtcNow().ToUnixTimeSeconds();
        lock (_lock)
        {
            if (second == _second)
            {
                _count++;
                return;
            }
            if (_count > 0) _history.Enqueue((_second, _count));
            var kept = Math.Min(2 * Seconds, MaxSeconds);
            while (_history.TryPeek(out var oldest) && second - oldest.Second > kept) _history.Dequeue();
            (_second, _count) = (second, 1);
            Adjust(second);
        }
    }

    private void Adjust(long second)
    {
        var refused = _history.Where(h => second - h.Second <= Seconds).Sum(h => h.Count);
        if (second - _raised >= Seconds && refused >= 3 * Seconds)
        {
            Seconds = Math.Min(Seconds * 2, MaxSeconds);
            _raised = second;
        }
        else if (refused < Seconds && Seconds > 1)
        {
            Seconds--;
        }
    }
}
