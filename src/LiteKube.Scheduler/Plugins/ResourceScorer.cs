using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>What a pod and the pods on a node request of what the node can give, of the resources that a profile weighs.</summary>
/// <param name="isNonZero">Count a small default for containers that request no cpu or memory, so that such pods do not all go to one node.</param>
internal sealed class ResourceScorer(IReadOnlyList<ResourceWeight> resources, bool isNonZero)
{
    /// <summary>Known by number: this runs for every node.</summary>
    private readonly Kind[] _kinds = [.. resources.Select(static resource => resource.Name switch { Resources.Cpu => Kind.Cpu, Resources.Memory => Kind.Memory, Resources.EphemeralStorage => Kind.EphemeralStorage, _ => Kind.Other })];
    private readonly long[] _weights = [.. resources.Select(static resource => resource.Weight)];

    private enum Kind
    {
        Cpu,
        Memory,
        EphemeralStorage,
        Other,
    }

    public long WeightOf(int index) => _weights[index];

    public long[] RequestsOf(PodInfo pod)
    {
        var requests = new long[resources.Count];
        for (var i = 0; i < requests.Length; i++)
        {
            var name = resources[i].Name;
            requests[i] = (isNonZero && name is Resources.Cpu or Resources.Memory ? pod.NonZeroRequests : pod.Requests).Get(name);
        }
        return requests;
    }

    /// <summary>Fills in, for each resource, what the node's pods have, and what it can give; 0 for what does not count.</summary>
    public void Fill(NodeInfo node, long[] podRequests, Span<long> allocated, Span<long> allocatable)
    {
        var requested = isNonZero ? node.NonZeroRequested : node.Requested;
        for (var i = 0; i < _kinds.Length; i++)
        {
            (allocated[i], allocatable[i]) = _kinds[i] switch
            {
                Kind.Cpu => (requested.MilliCpu, node.Allocatable.MilliCpu),
                Kind.Memory => (requested.MemoryBytes, node.Allocatable.MemoryBytes),
                Kind.EphemeralStorage => (node.Requested.EphemeralStorageBytes, node.Allocatable.EphemeralStorageBytes),
                // A resource that not every pod asks for says nothing about those that do not.
                _ => podRequests[i] == 0 ? (0, 0) : (node.Requested.Get(resources[i].Name), node.Allocatable.Get(resources[i].Name)),
            };
        }
    }
}
