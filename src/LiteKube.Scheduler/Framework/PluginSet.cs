using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Framework;

/// <summary>The plugins of a scheduler, by extension point, in the order in which they run.</summary>
public sealed class PluginSet
{
    private readonly IPreEnqueuePlugin[] _preEnqueue;
    private readonly IPreFilterPlugin[] _preFilter;
    private readonly IFilterPlugin[] _filter;
    private readonly IPostFilterPlugin[] _postFilter;
    private readonly IPreScorePlugin[] _preScore;
    private readonly IScorePlugin[] _score;
    private readonly IReservePlugin[] _reserve;
    private readonly IPermitPlugin[] _permit;
    private readonly IPreBindPlugin[] _preBind;
    private readonly IBindPlugin[] _bind;
    private readonly IPostBindPlugin[] _postBind;

    public PluginSet(IReadOnlyList<IPlugin> plugins)
    {
        _preEnqueue = [.. plugins.OfType<IPreEnqueuePlugin>()];
        _preFilter = [.. plugins.OfType<IPreFilterPlugin>()];
        _filter = [.. plugins.OfType<IFilterPlugin>()];
        _postFilter = [.. plugins.OfType<IPostFilterPlugin>()];
        _preScore = [.. plugins.OfType<IPreScorePlugin>()];
        _score = [.. plugins.OfType<IScorePlugin>()];
        _reserve = [.. plugins.OfType<IReservePlugin>()];
        _permit = [.. plugins.OfType<IPermitPlugin>()];
        _preBind = [.. plugins.OfType<IPreBindPlugin>()];
        _bind = [.. plugins.OfType<IBindPlugin>()];
        _postBind = [.. plugins.OfType<IPostBindPlugin>()];
        Queue = new QueuePlugins(plugins.OfType<IQueueSortPlugin>().Single(), PreEnqueue, plugins.OfType<IEnqueueExtensions>().ToDictionary(plugin => plugin.Name, StringComparer.Ordinal));
    }

    public QueuePlugins Queue { get; }

    /// <returns>null when all let the pod through.</returns>
    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out NodeRestriction? restriction)
    {
        restriction = null;
        foreach (var plugin in _preFilter)
        {
            var status = plugin.PreFilter(state, pod, snapshot, out var names);
            if (status is { Code: StatusCode.Skip })
            {
                state.SkippedFilters.Add(plugin.Name);
                continue;
            }
            if (status is not null)
                return status with { Plugin = plugin.Name };
            if (names is null)
                continue;
            restriction = restriction is null ? new NodeRestriction(names, [plugin.Name]) : restriction.And(names, plugin.Name);
            if (restriction.Names.Count == 0)
                return PluginStatus.Unresolvable($"node(s) didn't satisfy plugin(s) {restriction.Plugins} simultaneously") with { Plugin = plugin.Name };
        }
        return null;
    }

    /// <summary>The first plugin that refuses the node speaks for it.</summary>
    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        foreach (var plugin in _filter)
        {
            if (state.SkippedFilters.Count > 0 && state.SkippedFilters.Contains(plugin.Name))
                continue;
            if (plugin.Filter(state, pod, node) is { } status)
                return status with { Plugin = plugin.Name };
        }
        return null;
    }

    public string? PostFilter(CycleState state, PodInfo pod, Snapshot snapshot, Diagnosis diagnosis)
    {
        foreach (var plugin in _postFilter)
        {
            var result = plugin.PostFilter(state, pod, snapshot, diagnosis);
            diagnosis.PostFilterMessage ??= result.Message;
            if (result.NominatedNode is { } node)
                return node;
        }
        return null;
    }

    /// <returns>The weighted sum of all plugins' scores, by node.</returns>
    public long[] Score(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        foreach (var plugin in _preScore)
        {
            if (plugin.PreScore(state, pod, nodes) is { Code: StatusCode.Skip })
                state.SkippedScores.Add(plugin.Name);
        }
        var totals = new long[nodes.Count];
        var scores = new long[nodes.Count];
        foreach (var plugin in _score)
        {
            if (state.SkippedScores.Count > 0 && state.SkippedScores.Contains(plugin.Name))
                continue;
            for (var i = 0; i < scores.Length; i++)
                scores[i] = plugin.Score(state, pod, nodes[i]);
            plugin.Normalize(state, pod, nodes, scores);
            for (var i = 0; i < scores.Length; i++)
                totals[i] += scores[i] * plugin.Weight;
        }
        return totals;
    }

    /// <summary>All or none: what was reserved is let go of when a plugin refuses.</summary>
    public PluginStatus? Reserve(CycleState state, PodInfo pod, string nodeName)
    {
        foreach (var plugin in _reserve)
        {
            if (plugin.Reserve(state, pod, nodeName) is not { } status)
                continue;
            Unreserve(state, pod, nodeName);
            return status with { Plugin = plugin.Name };
        }
        return null;
    }

    public void Unreserve(CycleState state, PodInfo pod, string nodeName)
    {
        for (var i = _reserve.Length - 1; i >= 0; i--)
            _reserve[i].Unreserve(state, pod, nodeName);
    }

    /// <summary>Permit, PreBind and Bind, in turn.</summary>
    public async Task<PluginStatus?> BindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken)
    {
        foreach (var plugin in _permit)
        {
            if (await plugin.PermitAsync(state, pod, nodeName, cancellationToken) is { } status)
                return status with { Plugin = plugin.Name };
        }
        foreach (var plugin in _preBind)
        {
            if (await plugin.PreBindAsync(state, pod, nodeName, cancellationToken) is { } status)
                return status with { Plugin = plugin.Name };
        }
        foreach (var plugin in _bind)
        {
            var status = await plugin.BindAsync(state, pod, nodeName, cancellationToken);
            if (status is { Code: StatusCode.Skip })
                continue;
            return status is null ? null : status with { Plugin = plugin.Name };
        }
        return PluginStatus.Error("no bind plugin took the pod");
    }

    public void PostBind(CycleState state, PodInfo pod, string nodeName)
    {
        foreach (var plugin in _postBind)
            plugin.PostBind(state, pod, nodeName);
    }

    private PluginStatus? PreEnqueue(PodInfo pod)
    {
        foreach (var plugin in _preEnqueue)
        {
            if (plugin.PreEnqueue(pod) is { } status)
                return status with { Plugin = plugin.Name };
        }
        return null;
    }
}

/// <summary>The only nodes that PreFilter plugins leave.</summary>
public sealed class NodeRestriction(IReadOnlySet<string> names, IReadOnlyList<string> plugins)
{
    public IReadOnlySet<string> Names { get; } = names;

    /// <summary>"[NodeAffinity]".</summary>
    public string Plugins { get; } = $"[{string.Join(" ", plugins.Order(StringComparer.Ordinal))}]";

    public NodeRestriction And(IReadOnlySet<string> others, string plugin) =>
        new(Names.Where(others.Contains).ToHashSet(StringComparer.Ordinal), [.. plugins, plugin]);
}
