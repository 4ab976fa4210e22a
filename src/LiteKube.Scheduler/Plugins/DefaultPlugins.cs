using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>What the plugins of one profile are made of.</summary>
/// <param name="Snapshot">The one that the current attempt works on.</param>
internal sealed record PluginParts(
    SchedulerProfile Profile, int MaxBindsInFlight, IKubeClient Client, ISharedInformers Informers, TimeProvider TimeProvider, Func<Snapshot> Snapshot, DefaultPreemption Preemption);

internal static class DefaultPlugins
{
    /// <summary>In kube-scheduler's order: the first filter that refuses a node gives the reason.</summary>
    public static IReadOnlyList<IPlugin> Create(PluginParts parts)
    {
        var (profile, informers) = (parts.Profile, parts.Informers);
        IReadOnlyList<IPlugin> all =
        [
            new SchedulingGates(),
            new PrioritySort(),
            new NodeUnschedulable(),
            new NodeName(),
            new TaintToleration(),
            new NodeAffinity(profile.AddedAffinity),
            new NodePorts(),
            new NodeResourcesFit(profile.ScoringStrategy),
            new VolumeRestrictions(informers),
            new NodeVolumeLimits(informers),
            new VolumeBinding(parts.Client, informers, parts.TimeProvider, profile.BindTimeout),
            new VolumeZone(informers),
            new PodTopologySpread(parts.Snapshot, new DefaultSpread(informers, profile.DefaultConstraints)),
            new InterPodAffinity(ns => informers.Get<V1Namespace>().Find(new ObjectKey("", ns))?.Metadata.Labels, parts.Snapshot, profile.HardPodAffinityWeight, profile.IgnorePreferredTermsOfExistingPods),
            new DynamicResources(),
            parts.Preemption,
            new NodeResourcesBalancedAllocation(profile.BalancedResources),
            new ImageLocality(parts.Snapshot),
            new DefaultBinder(parts.Client, parts.MaxBindsInFlight),
        ];
        if (profile.DisabledPlugins.Except(all.Select(plugin => plugin.Name)).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"profile \"{profile.SchedulerName}\" disables a plugin that does not exist: {unknown}", nameof(parts));
        return [.. all.Where(plugin => !profile.DisabledPlugins.Contains(plugin.Name)), .. profile.AddedPlugins];
    }
}
