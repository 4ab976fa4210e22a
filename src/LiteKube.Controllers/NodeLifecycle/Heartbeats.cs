using System.Collections.Concurrent;

namespace LiteKube.Controllers.NodeLifecycle;

/// <summary>
/// When each node was last heard of, by this process' own monotonic clock: a node's clock may be wrong, and what was
/// missed while this process did not run says nothing about the nodes. A first sight counts as a heartbeat.
/// </summary>
internal sealed class Heartbeats(TimeProvider timeProvider)
{
    /// <summary>A deadline met later than this was not late by load: the process was stopped.</summary>
    public static readonly TimeSpan LateLimit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, State> _nodes = new(StringComparer.Ordinal);

    /// <param name="sign">Changes with every heartbeat.</param>
    /// <param name="isNew">The node was not known before.</param>
    /// <returns>How long nothing has come from the node.</returns>
    public TimeSpan SilenceOf(string node, string sign, TimeSpan grace, out bool isNew)
    {
        var now = timeProvider.GetTimestamp();
        isNew = !_nodes.TryGetValue(node, out var state);
        if (state is null || state.Sign != sign)
        {
            _nodes[node] = new State(sign, now);
            return TimeSpan.Zero;
        }
        var silence = timeProvider.GetElapsedTime(state.HeardAt, now);
        if (state.IsJudged || silence < grace + LateLimit)
        {
            _nodes[node] = state with { IsJudged = state.IsJudged || silence >= grace };
            return silence;
        }
        // Its deadline should have been dealt with at once. Nobody could heartbeat meanwhile, so all start anew.
        foreach (var (name, other) in _nodes.Where(pair => !pair.Value.IsJudged))
            _nodes[name] = other with { HeardAt = now };
        return TimeSpan.Zero;
    }

    public void Forget(string node) => _nodes.TryRemove(node, out _);

    /// <param name="IsJudged">It was found silent for longer than its grace.</param>
    private sealed record State(string Sign, long HeardAt, bool IsJudged = false);
}
