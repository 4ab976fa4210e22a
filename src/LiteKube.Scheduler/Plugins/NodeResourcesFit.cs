using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>
/// The node has room for what the pod requests; of several, the scoring strategy chooses
/// (https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/).
/// </summary>
internal sealed class NodeResourcesFit : IFilterPlugin, IPreScorePlugin, IScorePlugin, IEnqueueExtensions
{
    private const string TooManyPods = "Too many pods";
    private readonly ScoringStrategy _strategy;
    private readonly ResourceScorer _scorer;
    private readonly (long Utilization, long Score)[] _shape;

    public NodeResourcesFit(ScoringStrategy? strategy = null)
    {
        _strategy = strategy ?? new ScoringStrategy();
        _scorer = new ResourceScorer(_strategy.Resources, isNonZero: true);
        // Users say 0 to 10, scores go to 100.
        _shape = [.. _strategy.Shape.Select(point => ((long)point.Utilization, point.Score * IScorePlugin.MaxScore / 10))];
        if (_strategy.Type == ScoringStrategyType.RequestedToCapacityRatio && _shape.Length == 0)
            throw new ArgumentException("the strategy RequestedToCapacityRatio needs at least one point of shape", nameof(strategy));
    }

    public string Name => "NodeResourcesFit";
    public int Weight => 1;
    public ClusterEvent Events => ClusterEvent.NodeAdd | ClusterEvent.NodeAllocatable | ClusterEvent.AssignedPodDelete | ClusterEvent.AssignedPodScaleDown | ClusterEvent.PodScaleDown;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change switch
    {
        { New: V1Node node } => NodeMayHelp(pod, change.Old as V1Node, node),
        { New: PodInfo now, Old: PodInfo old } => now.Uid == pod.Uid || FreesWhatIsRequested(pod, old, now),
        // One that never took any room gives none back.
        { Old: PodInfo gone, New: null } => !string.IsNullOrEmpty(gone.Pod.Spec.NodeName) || gone.NominatedNode.Length > 0 || change.Event == ClusterEvent.AssignedPodDelete,
        _ => true,
    };

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        List<string>? reasons = null;
        // What does not even fit the empty node is not helped by pods going away.
        var resolvable = true;
        if (node.Pods.Count + 1 > node.Allocatable.PodCount)
            (reasons ??= []).Add(TooManyPods);
        var requests = pod.Requests;
        if (requests.IsEmpty)
            return reasons is null ? null : PluginStatus.Unschedulable(reasons);
        Check(Resources.Cpu, requests.MilliCpu, node.Requested.MilliCpu, node.Allocatable.MilliCpu);
        Check(Resources.Memory, requests.MemoryBytes, node.Requested.MemoryBytes, node.Allocatable.MemoryBytes);
        Check(Resources.EphemeralStorage, requests.EphemeralStorageBytes, node.Requested.EphemeralStorageBytes, node.Allocatable.EphemeralStorageBytes);
        foreach (var (name, amount) in requests.Others ?? NoOthers)
            Check(name, amount, node.Requested.Get(name), node.Allocatable.Get(name));
        if (reasons is null)
            return null;
        return resolvable ? PluginStatus.Unschedulable(reasons) : PluginStatus.Unresolvable(reasons);

        void Check(string name, long request, long requested, long allocatable)
        {
            if (request <= 0 || request <= allocatable - requested)
                return;
            (reasons ??= []).Add($"Insufficient {name}");
            resolvable &= request <= allocatable;
        }
    }

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        state.Set(new Requests(_scorer.RequestsOf(pod)));
        return null;
    }

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        var requests = state.Get<Requests>().Amounts;
        Span<long> allocated = stackalloc long[requests.Length];
        Span<long> allocatable = stackalloc long[requests.Length];
        _scorer.Fill(node, requests, allocated, allocatable);
        long total = 0, weights = 0;
        for (var i = 0; i < requests.Length; i++)
        {
            if (allocatable[i] == 0)
                continue;
            var score = ScoreOf(allocated[i] + requests[i], allocatable[i]);
            // A resource of which nothing is wanted of this shape does not count at all.
            if (_strategy.Type == ScoringStrategyType.RequestedToCapacityRatio && score <= 0)
                continue;
            total += score * _scorer.WeightOf(i);
            weights += _scorer.WeightOf(i);
        }
        if (weights == 0)
            return 0;
        return _strategy.Type == ScoringStrategyType.RequestedToCapacityRatio ? (long)Math.Round((double)total / weights, MidpointRounding.AwayFromZero) : total / weights;
    }

    private long ScoreOf(long requested, long capacity) => _strategy.Type switch
    {
        ScoringStrategyType.LeastAllocated => requested > capacity ? 0 : Part(capacity - requested, capacity),
        ScoringStrategyType.MostAllocated => Part(Math.Min(requested, capacity), capacity),
        _ => OnShape(requested > capacity ? 100 : Part(requested, capacity)),
    };

    /// <summary>In hundredths; large memories times a hundred leave 64 bits only beyond any machine.</summary>
    private static long Part(long amount, long capacity) => amount * IScorePlugin.MaxScore / capacity;

    private long OnShape(long utilization)
    {
        for (var i = 0; i < _shape.Length; i++)
        {
            if (utilization > _shape[i].Utilization)
                continue;
            if (i == 0)
                return _shape[0].Score;
            var (from, to) = (_shape[i - 1], _shape[i]);
            return from.Score + (to.Score - from.Score) * (utilization - from.Utilization) / (to.Utilization - from.Utilization);
        }
        return _shape[^1].Score;
    }

    /// <summary>A node that could not take the pod even when empty changes nothing for it, nor one that could before and has no more now.</summary>
    private static bool NodeMayHelp(PodInfo pod, V1Node? old, V1Node node)
    {
        var now = Resources.From(node.Status?.Allocatable);
        if (!FitsEmpty(pod, now))
            return false;
        if (old is null)
            return true;
        var before = Resources.From(old.Status?.Allocatable);
        return !FitsEmpty(pod, before) || now.PodCount > before.PodCount || Requested(pod).Any(name => now.Get(name) > before.Get(name));
    }

    private static bool FreesWhatIsRequested(PodInfo pod, PodInfo old, PodInfo now) =>
        !string.IsNullOrEmpty(now.Pod.Spec.NodeName) && Requested(pod).Any(name => now.Requests.Get(name) < old.Requests.Get(name));

    private static IEnumerable<string> Requested(PodInfo pod) =>
        ((string[])[Resources.Cpu, Resources.Memory, Resources.EphemeralStorage, .. pod.Requests.Others?.Keys ?? Enumerable.Empty<string>()]).Where(name => pod.Requests.Get(name) > 0);

    private static bool FitsEmpty(PodInfo pod, Resources allocatable)
    {
        var requests = pod.Requests;
        return allocatable.PodCount > 0 && requests.MilliCpu <= allocatable.MilliCpu && requests.MemoryBytes <= allocatable.MemoryBytes
            && requests.EphemeralStorageBytes <= allocatable.EphemeralStorageBytes
            && (requests.Others is null || requests.Others.All(entry => entry.Value <= allocatable.Get(entry.Key)));
    }

    private static readonly Dictionary<string, long> NoOthers = [];

    private sealed record Requests(long[] Amounts);
}

/// <summary>
/// Prefers the node whose use of resources the pod brings into balance, or upsets least: the score is the difference
/// that the pod makes to the spread of the nodes' used shares.
/// </summary>
internal sealed class NodeResourcesBalancedAllocation(IReadOnlyList<ResourceWeight>? resources = null) : IPreScorePlugin, IScorePlugin
{
    private readonly ResourceScorer _scorer = new(resources ?? ResourceWeight.Default, isNonZero: false);

    public string Name => "NodeResourcesBalancedAllocation";
    public int Weight => 1;

    // A pod that requests nothing leaves the balance as it is; scoring it would send all such pods to one node.
    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes)
    {
        var requests = _scorer.RequestsOf(pod);
        if (requests.All(static amount => amount == 0))
            return PluginStatus.Skip;
        state.Set(new Requests(requests));
        return null;
    }

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        var requests = state.Get<Requests>().Amounts;
        Span<long> allocated = stackalloc long[requests.Length];
        Span<long> allocatable = stackalloc long[requests.Length];
        _scorer.Fill(node, requests, allocated, allocatable);
        var without = Balance(allocated, allocatable);
        for (var i = 0; i < requests.Length; i++)
            allocated[i] += requests[i];
        var with = Balance(allocated, allocatable);
        return IScorePlugin.MaxScore / 2 + (IScorePlugin.MaxScore / 2 + with - without) / 2;
    }

    /// <summary>100 when all resources are used to the same degree, less by the standard deviation of the used shares.</summary>
    private static long Balance(ReadOnlySpan<long> requested, ReadOnlySpan<long> allocatable)
    {
        Span<double> shares = stackalloc double[requested.Length];
        var count = 0;
        var sum = 0.0;
        for (var i = 0; i < requested.Length; i++)
        {
            if (allocatable[i] == 0)
                continue;
            shares[count] = Math.Min(1, (double)requested[i] / allocatable[i]);
            sum += shares[count++];
        }
        var deviation = 0.0;
        if (count == 2)
        {
            deviation = Math.Abs((shares[0] - shares[1]) / 2);
        }
        else if (count > 2)
        {
            var mean = sum / count;
            var squares = 0.0;
            for (var i = 0; i < count; i++)
                squares += (shares[i] - mean) * (shares[i] - mean);
            deviation = Math.Sqrt(squares / count);
        }
        return (long)((1 - deviation) * IScorePlugin.MaxScore);
    }

    private sealed record Requests(long[] Amounts);
}
