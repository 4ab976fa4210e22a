namespace LiteKube.Controllers.DaemonSets;

/// <summary>How long failed pods stay before they are replaced: per node and generation of the set from 1 s doubling to 15 min, forgotten after twice that.</summary>
internal sealed class FailedPodBackoff(TimeProvider timeProvider)
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);
    private readonly Dictionary<(string Uid, long Generation, string Node), (TimeSpan Delay, long Since)> _entries = [];
    private readonly Lock _lock = new();

    /// <summary>What is missing until a failed pod of the node may go; zero or less when nothing is.</summary>
    public TimeSpan Remaining(string uid, long generation, string node)
    {
        lock (_lock)
            return _entries.TryGetValue((uid, generation, node), out var entry) ? entry.Delay - timeProvider.GetElapsedTime(entry.Since) : TimeSpan.Zero;
    }

    /// <summary>A failed pod goes: the next one of the node has to stay longer.</summary>
    public void Next(string uid, long generation, string node)
    {
        lock (_lock)
        {
            foreach (var lapsed in _entries.Where(e => timeProvider.GetElapsedTime(e.Value.Since) > 2 * Longest).Select(e => e.Key).ToList())
                _entries.Remove(lapsed);
            var key = (uid, generation, node);
            var delay = _entries.TryGetValue(key, out var entry) ? 2 * entry.Delay : First;
            _entries[key] = (delay < Longest ? delay : Longest, timeProvider.GetTimestamp());
        }
    }
}
