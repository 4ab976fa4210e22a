using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

internal static class DefaultPlugins
{
    /// <summary>In kube-scheduler's order: the first filter that refuses a node gives the reason.</summary>
    /// <param name="snapshot">The one that the current attempt works on.</param>
    public static IReadOnlyList<IPlugin> Create(SchedulerOptions options, IKubeClient client, ISharedInformers informers, TimeProvider timeProvider, Func<Snapshot> snapshot) =>
    [
        new SchedulingGates(),
        new PrioritySort(),
        new NodeUnschedulable(),
        new NodeName(),
        new TaintToleration(),
        new NodeAffinity(),
        new NodePorts(),
        new NodeResourcesFit(),
        new VolumeRestrictions(informers),
        new VolumeBinding(client, informers, timeProvider),
        new DynamicResources(),
        new PodTopologySpread(snapshot),
        new InterPodAffinity(ns => informers.Get<V1Namespace>().Find(new ObjectKey("", ns))?.Metadata.Labels, snapshot),
        new NodeResourcesBalancedAllocation(),
        new ImageLocality(snapshot),
        new DefaultPreemption(),
        new DefaultBinder(client, options.MaxBindsInFlight),
    ];
}
