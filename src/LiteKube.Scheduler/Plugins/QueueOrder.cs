using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Higher priority first, then who waits longer.</summary>
internal sealed class PrioritySort : IQueueSortPlugin
{
    public string Name => "PrioritySort";

    public int Compare(QueuedPod left, QueuedPod right)
    {
        var byPriority = right.Pod.Priority.CompareTo(left.Pod.Priority);
        return byPriority != 0 ? byPriority : left.QueuedAt.CompareTo(right.QueuedAt);
    }
}

/// <summary>A pod with scheduling gates waits until all are taken off.</summary>
internal sealed class SchedulingGates : IPreEnqueuePlugin, IEnqueueExtensions
{
    public string Name => "SchedulingGates";
    public ClusterEvent Events => ClusterEvent.PodGatesEliminated;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change.New is PodInfo changed && changed.Uid == pod.Uid;

    public PluginStatus? PreEnqueue(PodInfo pod) => pod.Pod.Spec.SchedulingGates is { Count: > 0 } gates
        ? PluginStatus.Unresolvable($"waiting for scheduling gates: [{string.Join(" ", gates.Select(gate => gate.Name))}]")
        : null;
}
