using System.Collections.Concurrent;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>
/// The delay before something that failed is tried again: the first time at once, then 10 s, doubled to 5 minutes,
/// forgotten after 10 quiet minutes (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy).
/// </summary>
internal sealed class RestartBackoff(TimeSpan first, TimeSpan longest)
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private readonly record struct Entry(TimeSpan Delay, DateTimeOffset UpdatedAt);

    public RestartBackoff() : this(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5))
    {
    }

    /// <summary>How long it is still to wait, with the whole delay; null when it may be tried now.</summary>
    /// <param name="since">When it failed; null counts from the last <see cref="Next"/>.</param>
    public (TimeSpan Remaining, TimeSpan Delay)? WaitFor(string key, DateTimeOffset? since, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(key, out var entry) || HasExpired(entry, now))
            return null;
        var remaining = entry.Delay - (now - (since ?? entry.UpdatedAt));
        return remaining > TimeSpan.Zero ? (remaining, entry.Delay) : null;
    }

    /// <summary>It is tried now: the next failure waits longer.</summary>
    /// <param name="failedAt">Of the failure before this try.</param>
    public void Next(string key, DateTimeOffset failedAt, DateTimeOffset now) =>
        _entries.AddOrUpdate(key, _ => new Entry(first, now),
            (_, entry) => now - entry.UpdatedAt > 2 * longest || failedAt - entry.UpdatedAt > 2 * longest
                ? new Entry(first, now)
                : new Entry(entry.Delay * 2 < longest ? entry.Delay * 2 : longest, now));

    public void Forget(string keyPrefix)
    {
        foreach (var key in _entries.Keys)
        {
            if (key.StartsWith(keyPrefix, StringComparison.Ordinal))
                _entries.TryRemove(key, out _);
        }
    }

    private bool HasExpired(Entry entry, DateTimeOffset now) => now - entry.UpdatedAt > 2 * longest;
}
