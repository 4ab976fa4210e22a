using k8s.Models;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler;

/// <summary>What KubeSchedulerConfiguration says (https://kubernetes.io/docs/reference/scheduling/config/).</summary>
public sealed record SchedulerOptions
{
    public const string DefaultSchedulerName = "default-scheduler";

    /// <summary>One a schedulerName; a pod is scheduled by the profile that it names.</summary>
    public IReadOnlyList<SchedulerProfile> Profiles { get; init; } = [new SchedulerProfile()];

    /// <summary>Bind requests under way at a time.</summary>
    public int MaxBindsInFlight { get; init; } = 64;

    public QueueOptions Queue { get; init; } = new();

    /// <summary>Seeds the choice between nodes of equal score; null for a random one.</summary>
    public int? Seed { get; init; }
}

/// <summary>One scheduler by name, with its plugins' arguments. The defaults are kube-scheduler's.</summary>
public sealed record SchedulerProfile
{
    /// <summary>Pods with this spec.schedulerName are scheduled; it is also the source of the events.</summary>
    public string SchedulerName { get; init; } = SchedulerOptions.DefaultSchedulerName;

    /// <summary>Of a large cluster's nodes only some are looked at for a pod, in percent; 0 lets their number decide (from 50 % down to 5 %, never fewer than 100 nodes).</summary>
    public int PercentageOfNodesToScore { get; init; }

    /// <summary>Default plugins that this profile goes without, by name.</summary>
    public IReadOnlySet<string> DisabledPlugins { get; init; } = new HashSet<string>();

    /// <summary>Plugins from outside, after the default ones at each of their extension points.</summary>
    public IReadOnlyList<IPlugin> AddedPlugins { get; init; } = [];

    /// <summary>NodeResourcesFitArgs.scoringStrategy.</summary>
    public ScoringStrategy ScoringStrategy { get; init; } = new();

    /// <summary>NodeResourcesBalancedAllocationArgs.resources.</summary>
    public IReadOnlyList<ResourceWeight> BalancedResources { get; init; } = ResourceWeight.Default;

    /// <summary>NodeAffinityArgs.addedAffinity: holds for every pod of the profile, besides its own.</summary>
    public V1NodeAffinity? AddedAffinity { get; init; }

    /// <summary>PodTopologySpreadArgs.defaultConstraints, for pods without any of their own; null for the system's defaults (defaultingType System).</summary>
    public IReadOnlyList<V1TopologySpreadConstraint>? DefaultConstraints { get; init; }

    /// <summary>InterPodAffinityArgs.hardPodAffinityWeight, 0 to 100: what a running pod's required affinity to the new one weighs in scoring.</summary>
    public int HardPodAffinityWeight { get; init; } = 1;

    /// <summary>InterPodAffinityArgs.ignorePreferredTermsOfExistingPods.</summary>
    public bool IgnorePreferredTermsOfExistingPods { get; init; }

    /// <summary>DefaultPreemptionArgs.minCandidateNodesPercentage.</summary>
    public int MinCandidateNodesPercentage { get; init; } = 10;

    /// <summary>DefaultPreemptionArgs.minCandidateNodesAbsolute.</summary>
    public int MinCandidateNodesAbsolute { get; init; } = 100;

    /// <summary>VolumeBindingArgs.bindTimeoutSeconds.</summary>
    public TimeSpan BindTimeout { get; init; } = TimeSpan.FromMinutes(10);
}

public enum ScoringStrategyType
{
    LeastAllocated,
    MostAllocated,
    RequestedToCapacityRatio,
}

/// <param name="Shape">Of RequestedToCapacityRatio: scores (0 to 10) at utilizations (0 to 100, ascending), straight lines between.</param>
public sealed record ScoringStrategy(ScoringStrategyType Type, IReadOnlyList<ResourceWeight> Resources, IReadOnlyList<UtilizationShapePoint> Shape)
{
    public ScoringStrategy() : this(ScoringStrategyType.LeastAllocated, ResourceWeight.Default, []) { }
}

public readonly record struct UtilizationShapePoint(int Utilization, int Score);

/// <param name="Weight">1 to 100.</param>
public readonly record struct ResourceWeight(string Name, long Weight)
{
    internal static readonly IReadOnlyList<ResourceWeight> Default = [new(Cache.Resources.Cpu, 1), new(Cache.Resources.Memory, 1)];
}
