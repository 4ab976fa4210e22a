using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>What a pod and the pods on a node request of what the node can give, of the resources that a profile weighs.</summary>
/// <param name="isNonZero">Count a small default for containers that request no cpu or memory, so that such pods do not all go to one node.</param>
internal sealed class ResourceScorer(IReadOnlyList<ResourceWeight> resources, bool isNonZero)
{
    public int Count => resources.Count;

    public long WeightOf(int index) => resources[index].Weight;

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
        for (var i = 0; i < resources.Count; i++)
        {
            var name = resources[i].Name;
            var isBasic = name is Resources.Cpu or Resources.Memory or Resources.EphemeralStorage;
            // A resource that not every pod asks for says nothing about those that do not.
            if (!isBasic && podRequests[i] == 0)
            {
                (allocated[i], allocatable[i]) = (0, 0);
                continue;
            }
            allocatable[i] = node.Allocatable.Get(name);
            allocated[i] = (isNonZero && name is Resources.Cpu or Resources.Memory ? node.NonZeroRequested : node.Requested).Get(name);
        }
    }
}
