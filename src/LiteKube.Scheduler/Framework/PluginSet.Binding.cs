using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Framework;

/// <summary>The extension points from the choice of a node on.</summary>
public sealed partial class PluginSet
{
    /// <returns>The weighted sum of all plugins' scores, by node.</returns>
    public long[] Score(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        PreScore(state, pod, nodes);
        var all = _times.Start();
        var totals = new long[nodes.Count];
        var scores = new long[nodes.Count];
        foreach (var plugin in _score)
        {
            if (state.SkippedScores.Count > 0 && state.SkippedScores.Contains(plugin.Name))
                continue;
            var started = _times.StartPlugin(state);
            for (var i = 0; i < scores.Length; i++)
                scores[i] = plugin.Score(state, pod, nodes[i]);
            plugin.Normalize(state, pod, nodes, scores);
            for (var i = 0; i < scores.Length; i++)
                totals[i] += scores[i] * plugin.Weight;
            _times.Plugin(state, plugin.Name, "Score", started);
            _times.Evaluated(plugin.Name, "Score");
        }
        _times.Point("Score", all);
        return totals;
    }

    private void PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        var all = _times.Start();
        foreach (var plugin in _preScore)
        {
            var started = _times.StartPlugin(state);
            var status = plugin.PreScore(state, pod, nodes);
            _times.Plugin(state, plugin.Name, "PreScore", started, status);
            if (status is { Code: StatusCode.Skip })
                state.SkippedScores.Add(plugin.Name);
            else if (status is not null)
                throw new PluginFailedException($"running PreScore plugin \"{plugin.Name}\": {status.Message}");
            else
                _times.Evaluated(plugin.Name, "PreScore");
        }
        _times.Point("PreScore", all);
    }

    /// <summary>All or none: what was reserved is let go of when a plugin refuses.</summary>
    public PluginStatus? Reserve(CycleState state, PodInfo pod, string nodeName)
    {
        var started = _times.Start();
        foreach (var plugin in _reserve)
        {
            if (plugin.Reserve(state, pod, nodeName) is not { } status)
                continue;
            Unreserve(state, pod, nodeName);
            _times.Point("Reserve", started, status);
            return status.From(plugin.Name);
        }
        _times.Point("Reserve", started);
        return null;
    }

    public void Unreserve(CycleState state, PodInfo pod, string nodeName)
    {
        for (var i = _reserve.Length - 1; i >= 0; i--)
            _reserve[i].Unreserve(state, pod, nodeName);
    }

    /// <summary>Asks the Permit plugins.</summary>
    /// <param name="waiting">Set when the pod is to wait before it is bound.</param>
    public PluginStatus? Permit(CycleState state, PodInfo pod, string nodeName, out WaitingPod? waiting)
    {
        waiting = null;
        if (_permit.Length == 0)
            return null;
        Dictionary<string, TimeSpan>? timeouts = null;
        foreach (var plugin in _permit)
        {
            var timeout = plugin.Permit(state, pod, nodeName, out var refusal);
            if (refusal is not null)
                return refusal.From(plugin.Name);
            if (timeout is { } limit)
                (timeouts ??= new(StringComparer.Ordinal))[plugin.Name] = limit < MaxPermitWait ? limit : MaxPermitWait;
        }
        if (timeouts is not null)
            waiting = WaitingPods.Add(pod, timeouts);
        return null;
    }

    private static readonly TimeSpan MaxPermitWait = TimeSpan.FromMinutes(15);

    /// <summary>Until the pod is allowed to be bound; a status when it is not.</summary>
    public async Task<PluginStatus?> WaitOnPermitAsync(WaitingPod waiting, CancellationToken cancellationToken)
    {
        var started = _timeProvider.GetTimestamp();
        try
        {
            var status = await waiting.Outcome.WaitAsync(cancellationToken);
            _metrics?.WaitedOnPermit(status is null ? "Success" : "Unschedulable", _timeProvider.GetElapsedTime(started));
            return status;
        }
        finally
        {
            WaitingPods.Remove(waiting.Pod.Uid);
        }
    }

    /// <summary>Whether something takes place before the bind that may take long.</summary>
    public bool HasPreBindWork(CycleState state, PodInfo pod, string nodeName)
    {
        foreach (var plugin in _preBind)
        {
            if (plugin.HasWork(state, pod, nodeName))
                return true;
        }
        return false;
    }

    public async ValueTask<PluginStatus?> PreBindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken)
    {
        var started = _times.Start();
        foreach (var plugin in _preBind)
        {
            if (await plugin.PreBindAsync(state, pod, nodeName, cancellationToken) is not { } status)
                continue;
            _times.Point("PreBind", started, status);
            return status.IsRejected ? status.From(plugin.Name) : PluginStatus.Error($"running PreBind plugin \"{plugin.Name}\": {status.Message}").From(plugin.Name);
        }
        _times.Point("PreBind", started);
        return null;
    }

    public async Task<PluginStatus?> BindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken)
    {
        var started = _times.Start();
        foreach (var plugin in _bind)
        {
            var status = await plugin.BindAsync(state, pod, nodeName, cancellationToken);
            if (status is { Code: StatusCode.Skip })
                continue;
            _times.Point("Bind", started, status);
            return status is null || status.IsRejected ? status?.From(plugin.Name) : PluginStatus.Error($"running Bind plugin \"{plugin.Name}\": {status.Message}").From(plugin.Name);
        }
        return PluginStatus.Error("no bind plugin took the pod");
    }

    public void PostBind(CycleState state, PodInfo pod, string nodeName)
    {
        foreach (var plugin in _postBind)
            plugin.PostBind(state, pod, nodeName);
    }
}
