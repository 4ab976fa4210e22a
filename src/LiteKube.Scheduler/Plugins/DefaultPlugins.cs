using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

internal static class DefaultPlugins
{
    /// <summary>In kube-scheduler's order: the first filter that refuses a node gives the reason.</summary>
    /// <param name="snapshot">The one that the current attempt works on.</param>
    public static IReadOnlyList<IPlugin> Create(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider, Func<Snapshot> snapshot) =>
    [
        new SchedulingGates(),
        new PrioritySort(),
        new NodeUnschedulable(),
        new NodeName(),
        new TaintToleration(),
        new NodeAffinity(),
        new NodePorts(),
        new NodeResourcesFit(),
        new NodeResourcesBalancedAllocation(),
        new ImageLocality(snapshot),
        new DefaultPreemption(),
        new DefaultBinder(client),
    ];
}
