using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Metrics;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Framework;

/// <summary>The plugins of a profile, by extension point, in the order in which they run.</summary>
public sealed partial class PluginSet
{
    private readonly IPreEnqueuePlugin[] _preEnqueue;
    private readonly IPreFilterPlugin[] _preFilter;
    private readonly IPreFilterExtensions[] _extensions;
    private readonly IFilterPlugin[] _filter;
    private readonly IPostFilterPlugin[] _postFilter;
    private readonly IPreScorePlugin[] _preScore;
    private readonly IScorePlugin[] _score;
    private readonly IReservePlugin[] _reserve;
    private readonly IPermitPlugin[] _permit;
    private readonly IPreBindPlugin[] _preBind;
    private readonly IBindPlugin[] _bind;
    private readonly IPostBindPlugin[] _postBind;
    private readonly TimeProvider _timeProvider;
    private readonly SchedulerMetrics? _metrics;
    private readonly ExtensionPointTimes _times;

    public PluginSet(IReadOnlyList<IPlugin> plugins) : this(plugins, SchedulerOptions.DefaultSchedulerName, TimeProvider.System, null) { }

    internal PluginSet(IReadOnlyList<IPlugin> plugins, string profile, TimeProvider timeProvider, SchedulerMetrics? metrics)
    {
        _timeProvider = timeProvider;
        _metrics = metrics;
        _times = new ExtensionPointTimes(metrics, profile, timeProvider);
        _preEnqueue = [.. plugins.OfType<IPreEnqueuePlugin>()];
        _preFilter = [.. plugins.OfType<IPreFilterPlugin>()];
        _extensions = [.. plugins.OfType<IPreFilterExtensions>()];
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
        WaitingPods = new WaitingPods(timeProvider);
    }

    public QueuePlugins Queue { get; }

    public WaitingPods WaitingPods { get; }

    /// <returns>null when all let the pod through.</returns>
    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out NodeRestriction? restriction)
    {
        var started = _times.Start();
        var status = RunPreFilter(state, pod, snapshot, out restriction);
        _times.Point("PreFilter", started, status);
        return status;
    }

    private PluginStatus? RunPreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out NodeRestriction? restriction)
    {
        restriction = null;
        foreach (var plugin in _preFilter)
        {
            var started = _times.StartPlugin(state);
            var status = plugin.PreFilter(state, pod, snapshot, out var names);
            _times.Plugin(state, plugin.Name, "PreFilter", started, status);
            if (status is { Code: StatusCode.Skip })
            {
                state.SkippedFilters.Add(plugin.Name);
                continue;
            }
            _times.Evaluated(plugin.Name, "PreFilter");
            if (status is { Code: StatusCode.Error })
                throw new PluginFailedException($"running PreFilter plugin \"{plugin.Name}\": {status.Message}");
            if (status is not null)
                return status.From(plugin.Name);
            if (names is null)
                continue;
            restriction = restriction is null ? new NodeRestriction(names, [plugin.Name]) : restriction.And(names, plugin.Name);
            if (restriction.Names.Count == 0)
            {
                var message = restriction.Plugins.Count == 1 ? $"node(s) didn't satisfy plugin {restriction.Plugins[0]}" : $"node(s) didn't satisfy plugin(s) {restriction.PluginsText} simultaneously";
                return PluginStatus.Unresolvable(message).From(plugin.Name);
            }
        }
        return null;
    }

    /// <summary>Tells the plugins' states that a pod comes to a node in a "what if"; the node has it already.</summary>
    public void AddPod(CycleState state, PodInfo pod, PodInfo added, NodeInfo node)
    {
        foreach (var plugin in _extensions)
        {
            if (!state.SkippedFilters.Contains(plugin.Name))
                plugin.AddPod(state, pod, added, node);
        }
    }

    /// <summary>Same, for one that leaves.</summary>
    public void RemovePod(CycleState state, PodInfo pod, PodInfo removed, NodeInfo node)
    {
        foreach (var plugin in _extensions)
        {
            if (!state.SkippedFilters.Contains(plugin.Name))
                plugin.RemovePod(state, pod, removed, node);
        }
    }

    /// <summary>The first plugin that refuses the node speaks for it.</summary>
    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        foreach (var plugin in state.Filters ??= FiltersOf(state))
        {
            var started = state.IsMeasured ? _times.StartPlugin(state) : 0;
            var status = plugin.Filter(state, pod, node);
            if (started != 0)
                _times.Plugin(state, plugin.Name, "Filter", started, status);
            if (status is { Code: StatusCode.Error })
                throw new PluginFailedException($"running \"{plugin.Name}\" filter plugin: {status.Message}");
            if (status is not null)
                return status.From(plugin.Name);
        }
        return null;
    }

    // Of its own, so that its closure is made once a pod and not once a node.
    private IFilterPlugin[] FiltersOf(CycleState state) => [.. _filter.Where(plugin => !state.SkippedFilters.Contains(plugin.Name))];

    /// <summary>
    /// Filters as if the pods that are nominated to the node ran there, where they are at least as important; and then
    /// without them, since they may yet go elsewhere and this pod must not count on them.
    /// </summary>
    internal PluginStatus? FilterWithNominatedPods(CycleState state, PodInfo pod, NodeInfo node, Nominator nominator)
    {
        if (nominator.IsEmpty)
            return Filter(state, pod, node);
        NodeInfo? fuller = null;
        CycleState? itsState = null;
        foreach (var nominated in nominator.PodsFor(node.Name))
        {
            if (nominated.Priority < pod.Priority || nominated.Uid == pod.Uid)
                continue;
            fuller ??= node.Copy();
            itsState ??= state.Copy();
            fuller.AddPod(nominated);
            AddPod(itsState, pod, nominated, fuller);
        }
        if (fuller is not null && Filter(itsState!, pod, fuller) is { } status)
            return status;
        return Filter(state, pod, node);
    }

    /// <summary>For the metrics; of one attempt over all nodes.</summary>
    internal void Filtered(CycleState state, long started, PluginStatus? status)
    {
        _times.Point("Filter", started, status);
        foreach (var plugin in state.Filters ?? [])
            _times.Evaluated(plugin.Name, "Filter");
    }

    internal long StartFilter() => _times.Start();

    /// <returns>What becomes of the pod's nomination: a node, "" for none, null for as it is.</returns>
    public string? PostFilter(CycleState state, PodInfo pod, Snapshot snapshot, Diagnosis diagnosis)
    {
        var started = _times.Start();
        var (nominated, messages) = ((string?)null, new List<string>());
        foreach (var plugin in _postFilter)
        {
            var result = plugin.PostFilter(state, pod, snapshot, diagnosis);
            if (result.IsSuccess)
            {
                _times.Point("PostFilter", started);
                return result.Nominated;
            }
            nominated = result.Nominated ?? nominated;
            if (result.Message is { Length: > 0 } message)
                messages.Add(message);
            if (result.IsFinal)
                break;
        }
        diagnosis.PostFilterMessage = string.Join(", ", messages);
        _times.Point("PostFilter", started, Failed);
        return nominated;
    }

    private static readonly PluginStatus Failed = PluginStatus.Unschedulable();

    private PluginStatus? PreEnqueue(PodInfo pod)
    {
        foreach (var plugin in _preEnqueue)
        {
            if (plugin.PreEnqueue(pod) is { } status)
                return status.From(plugin.Name);
        }
        return null;
    }
}

/// <summary>The only nodes that PreFilter plugins leave.</summary>
public sealed class NodeRestriction(IReadOnlySet<string> names, IReadOnlyList<string> plugins)
{
    public IReadOnlySet<string> Names { get; } = names;

    public IReadOnlyList<string> Plugins { get; } = [.. plugins.Order(StringComparer.Ordinal)];

    /// <summary>"[NodeAffinity]".</summary>
    public string PluginsText => $"[{string.Join(" ", Plugins)}]";

    public NodeRestriction And(IReadOnlySet<string> others, string plugin) =>
        new(Names.Where(others.Contains).ToHashSet(StringComparer.Ordinal), [.. Plugins, plugin]);
}
