using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>The node has room for what the pod requests; of several, the one with most left over (LeastAllocated).</summary>
internal sealed class NodeResourcesFit : IFilterPlugin, IScorePlugin, IEnqueueExtensions
{
    private const string TooManyPods = "Too many pods";
    public string Name => "NodeResourcesFit";
    public int Weight => 1;
    public ClusterEvent Events => ClusterEvent.NodeAdd | ClusterEvent.NodeAllocatable | ClusterEvent.AssignedPodDelete | ClusterEvent.AssignedPodUpdate | ClusterEvent.PodUpdate;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change.New switch
    {
        // A node that could not take the pod even when empty changes nothing for it.
        V1Node node => FitsEmpty(pod, Resources.From(node.Status?.Allocatable)),
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
        foreach (var (name, amount) in requests.Others ?? [])
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

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        long total = 0;
        var weights = 0;
        Add(node.NonZeroRequested.MilliCpu + pod.NonZeroRequests.MilliCpu, node.Allocatable.MilliCpu);
        Add(node.NonZeroRequested.MemoryBytes + pod.NonZeroRequests.MemoryBytes, node.Allocatable.MemoryBytes);
        return weights == 0 ? 0 : total / weights;

        void Add(long requested, long allocatable)
        {
            if (allocatable == 0)
                return;
            weights++;
            total += requested > allocatable ? 0 : (long)((Int128)(allocatable - requested) * IScorePlugin.MaxScore / allocatable);
        }
    }

    private static bool FitsEmpty(PodInfo pod, Resources allocatable)
    {
        var requests = pod.Requests;
        return requests.MilliCpu <= allocatable.MilliCpu && requests.MemoryBytes <= allocatable.MemoryBytes
            && requests.EphemeralStorageBytes <= allocatable.EphemeralStorageBytes
            && (requests.Others is null || requests.Others.All(entry => entry.Value <= allocatable.Get(entry.Key)));
    }
}

/// <summary>Prefers the node whose cpu and memory would be used to like degrees.</summary>
internal sealed class NodeResourcesBalancedAllocation : IPreScorePlugin, IScorePlugin
{
    public string Name => "NodeResourcesBalancedAllocation";
    public int Weight => 1;

    // A pod that requests nothing leaves the balance as it is; scoring it would send all such pods to one node.
    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes) =>
        pod.Requests.MilliCpu == 0 && pod.Requests.MemoryBytes == 0 ? PluginStatus.Skip : null;

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        if (node.Allocatable.MilliCpu == 0 || node.Allocatable.MemoryBytes == 0)
            return IScorePlugin.MaxScore;
        var cpu = Math.Min(1, (double)(node.Requested.MilliCpu + pod.Requests.MilliCpu) / node.Allocatable.MilliCpu);
        var memory = Math.Min(1, (double)(node.Requested.MemoryBytes + pod.Requests.MemoryBytes) / node.Allocatable.MemoryBytes);
        // The standard deviation of two values.
        var deviation = Math.Abs(cpu - memory) / 2;
        return (long)((1 - deviation) * IScorePlugin.MaxScore);
    }
}
