using System.Collections.Concurrent;
using LiteKube.Apis.Values;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Framework;

/// <summary>Pods that a Permit plugin holds back between their reservation and their binding.</summary>
public sealed class WaitingPods(TimeProvider timeProvider)
{
    private readonly ConcurrentDictionary<string, WaitingPod> _pods = new(StringComparer.Ordinal);

    public WaitingPod? Find(string uid) => _pods.GetValueOrDefault(uid);

    internal WaitingPod Add(PodInfo pod, IReadOnlyDictionary<string, TimeSpan> timeouts)
    {
        var waiting = new WaitingPod(pod, timeouts, timeProvider);
        _pods[pod.Uid] = waiting;
        return waiting;
    }

    internal void Remove(string uid)
    {
        if (_pods.TryRemove(uid, out var waiting))
            waiting.Dispose();
    }
}

/// <summary>One of them. It goes on when every plugin that holds it has allowed it, and is turned away by the first that rejects it or by time.</summary>
public sealed class WaitingPod : IDisposable
{
    private readonly TaskCompletionSource<PluginStatus?> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, ITimer> _pending = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    internal WaitingPod(PodInfo pod, IReadOnlyDictionary<string, TimeSpan> timeouts, TimeProvider timeProvider)
    {
        Pod = pod;
        lock (_lock)
        {
            foreach (var (plugin, timeout) in timeouts)
                _pending[plugin] = timeProvider.CreateTimer(_ => Reject(plugin, $"rejected due to timeout after waiting {GoDuration.Format(timeout)} at plugin {plugin}"), null, timeout, Timeout.InfiniteTimeSpan);
        }
    }

    public PodInfo Pod { get; }

    internal Task<PluginStatus?> Outcome => _outcome.Task;

    public IReadOnlyList<string> PendingPlugins
    {
        get
        {
            lock (_lock)
                return [.. _pending.Keys];
        }
    }

    public void Allow(string plugin)
    {
        lock (_lock)
        {
            if (!_pending.Remove(plugin, out var timer))
                return;
            timer.Dispose();
            if (_pending.Count == 0)
                _outcome.TrySetResult(null);
        }
    }

    public void Reject(string plugin, string reason)
    {
        if (_outcome.TrySetResult(PluginStatus.Unschedulable(reason).From(plugin)))
            Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var timer in _pending.Values)
                timer.Dispose();
            _pending.Clear();
        }
    }
}
