using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Devices by resource claims are not allocated; a pod that asks for one is told so instead of running without it.</summary>
internal sealed class DynamicResources : IPreFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus NotAllocated = PluginStatus.Unresolvable("resource claims are not supported by this scheduler");
    public string Name => "DynamicResources";
    public ClusterEvent Events => ClusterEvent.PodUpdate;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        return pod.Pod.Spec.ResourceClaims is { Count: > 0 } ? NotAllocated : null;
    }
}
