using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Framework;

/// <summary>
/// A plugin of the scheduling framework (https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/):
/// implements the interfaces of the extension points that it takes part in.
/// </summary>
public interface IPlugin
{
    /// <summary>Kubernetes' own name: "NodeResourcesFit".</summary>
    string Name { get; }
}

/// <summary>May keep a pod out of the active queue.</summary>
public interface IPreEnqueuePlugin : IPlugin
{
    PluginStatus? PreEnqueue(PodInfo pod);
}

/// <summary>Which events may make a pod schedulable that this plugin rejected.</summary>
public interface IEnqueueExtensions : IPlugin
{
    ClusterEvent Events { get; }

    /// <summary>Looks closer at one event; only called for events in <see cref="Events"/>. Cheap, and true when unsure.</summary>
    bool MayHelp(PodInfo pod, in ClusterChange change) => true;
}

/// <summary>The order of the active queue. Exactly one.</summary>
public interface IQueueSortPlugin : IPlugin
{
    int Compare(QueuedPod left, QueuedPod right);
}

/// <summary>Runs once a pod, before any node is looked at.</summary>
public interface IPreFilterPlugin : IPlugin
{
    /// <summary>A status other than Skip ends the pod's attempt. With Skip the plugin's filter is left out.</summary>
    /// <param name="nodeNames">Set by a plugin that knows the only nodes that can do; null for all.</param>
    PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames);
}

/// <summary>A PreFilter whose state depends on the other pods: told when one comes to or leaves a node in a "what if".</summary>
public interface IPreFilterExtensions : IPreFilterPlugin
{
    void AddPod(CycleState state, PodInfo pod, PodInfo added, NodeInfo node);
    void RemovePod(CycleState state, PodInfo pod, PodInfo removed, NodeInfo node);
}

/// <summary>Says whether a pod may run on a node.</summary>
public interface IFilterPlugin : IPlugin
{
    PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node);
}

/// <summary>Runs when no node passed the filters: preemption.</summary>
public interface IPostFilterPlugin : IPlugin
{
    /// <summary>May make room and nominate a node; otherwise a message for the pod's condition.</summary>
    PostFilterResult PostFilter(CycleState state, PodInfo pod, Snapshot snapshot, Diagnosis diagnosis);
}

/// <param name="Nominated">Where the pod will fit once its victims are gone; "" takes an earlier nomination back, null leaves it.</param>
/// <param name="Message">Why nothing was done, appended to the pod's message: "preemption: ..."; null on success.</param>
/// <param name="IsFinal">Later PostFilter plugins are not asked.</param>
public sealed record PostFilterResult(string? Nominated, string? Message, bool IsFinal = false)
{
    public bool IsSuccess => Message is null;
}

/// <summary>Runs once a pod, before the nodes that passed are scored.</summary>
public interface IPreScorePlugin : IPlugin
{
    PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes);
}

public interface IScorePlugin : IPlugin
{
    const long MaxScore = 100;
    int Weight { get; }
    long Score(CycleState state, PodInfo pod, NodeInfo node);

    /// <summary>Brings all nodes' scores into 0..<see cref="MaxScore"/>.</summary>
    void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores) { }
}

/// <summary>Holds things for a pod on its chosen node, and lets go of them when binding fails.</summary>
public interface IReservePlugin : IPlugin
{
    PluginStatus? Reserve(CycleState state, PodInfo pod, string nodeName);
    void Unreserve(CycleState state, PodInfo pod, string nodeName);
}

/// <summary>May hold a pod back before it is bound.</summary>
public interface IPermitPlugin : IPlugin
{
    /// <summary>null for "go"; otherwise how long the pod waits for <see cref="WaitingPod.Allow"/>, at most.</summary>
    /// <param name="refusal">Set when the pod may not be bound.</param>
    TimeSpan? Permit(CycleState state, PodInfo pod, string nodeName, out PluginStatus? refusal);
}

/// <summary>Prepares a node before the pod is bound to it: volumes.</summary>
public interface IPreBindPlugin : IPlugin
{
    ValueTask<PluginStatus?> PreBindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken);

    /// <summary>Whether <see cref="PreBindAsync"/> will have something to do: it may take long, so others are told the node beforehand.</summary>
    bool HasWork(CycleState state, PodInfo pod, string nodeName) => true;
}

public interface IBindPlugin : IPlugin
{
    /// <summary>Skip leaves the pod to the next bind plugin.</summary>
    Task<PluginStatus?> BindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken);
}

public interface IPostBindPlugin : IPlugin
{
    void PostBind(CycleState state, PodInfo pod, string nodeName);
}
