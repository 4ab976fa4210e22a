using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.DaemonSets;

/// <summary>A DaemonSet with all that its next step depends on.</summary>
/// <param name="Hash">Of the revision of today's template.</param>
/// <param name="Pods">All that the set controls.</param>
internal sealed record DaemonState(V1DaemonSet Set, string Hash, IReadOnlyCollection<V1Node> Nodes, IReadOnlyList<V1Pod> Pods, DateTimeOffset Now)
{
    /// <summary>By node. What has ended and is being deleted is no concern of the set any more.</summary>
    public SortedDictionary<string, List<V1Pod>> ByNode { get; } = Group(Pods);

    public bool IsAvailable(V1Pod pod) => pod.IsAvailable(Set.Spec.MinReadySeconds ?? 0, Now, out _);

    public bool IsUpdated(V1Pod pod) => DaemonPods.IsUpdated(Set, pod, Hash);

    public IReadOnlyList<V1Pod> On(string node) => ByNode.TryGetValue(node, out var pods) ? pods : [];

    private static SortedDictionary<string, List<V1Pod>> Group(IReadOnlyList<V1Pod> pods)
    {
        var byNode = new SortedDictionary<string, List<V1Pod>>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(p => !(p.IsTerminating() && p.Status?.Phase is "Succeeded" or "Failed")))
        {
            if (DaemonPods.TargetNode(pod) is not { } node)
                continue;
            if (!byNode.TryGetValue(node, out var onNode))
                byNode[node] = onNode = [];
            onNode.Add(pod);
        }
        foreach (var onNode in byNode.Values)
            onNode.Sort(DaemonPods.Compare);
        return byNode;
    }
}

/// <summary>Keeps one pod on each node that is to have one. Pure.</summary>
/// <param name="CreateOn">Nodes.</param>
/// <param name="Delete">Pods that are too many or do not belong where they are.</param>
/// <param name="Ended">Pods to delete because they ended; new ones take their place.</param>
/// <param name="Recheck">When the next failed pod may be replaced.</param>
internal sealed record DaemonPlan(IReadOnlyList<string> CreateOn, IReadOnlyList<V1Pod> Delete, IReadOnlyList<V1Pod> Ended, TimeSpan? Recheck)
{
    public bool IsEmpty => CreateOn.Count == 0 && Delete.Count == 0 && Ended.Count == 0;

    /// <param name="backoff">How long a failed pod of a node has to stay, so that a pod that fails at once is not replaced in a tight loop.</param>
    public static DaemonPlan Compute(DaemonState state, Func<string, TimeSpan> backoff)
    {
        var (createOn, delete, ended) = (new List<string>(), new List<V1Pod>(), new List<V1Pod>());
        TimeSpan? recheck = null;
        foreach (var node in state.Nodes)
        {
            var name = node.Metadata.Name;
            var (shouldRun, mayStay) = DaemonPods.Decide(state.Set, node);
            var pods = state.On(name);
            if (shouldRun && pods.Count == 0)
            {
                createOn.Add(name);
                continue;
            }
            var standing = pods.Where(p => !p.IsTerminating()).ToList();
            if (!mayStay)
            {
                delete.AddRange(standing);
                continue;
            }
            ended.AddRange(standing.Where(p => p.Status?.Phase == "Succeeded"));
            if (standing.Find(p => p.Status?.Phase == "Failed") is { } failed)
            {
                if (backoff(name) is var wait && wait <= TimeSpan.Zero)
                    ended.Add(failed);
                else
                    recheck = recheck is { } earlier && earlier < wait ? earlier : wait;
            }
            var running = standing.Where(p => p.Status?.Phase is not ("Succeeded" or "Failed")).ToList();
            if (!DaemonUpdatePlan.Surges(state.Set))
                delete.AddRange(running.Skip(1));
            else if (running.Count > 0)
                delete.AddRange(Surplus(state, running));
            else if (shouldRun)
                createOn.Add(name);
        }
        var known = state.Nodes.Select(n => n.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        // Never to be bound, and so not seen by the collector of pods either.
        delete.AddRange(state.ByNode.Where(p => !known.Contains(p.Key)).SelectMany(p => p.Value).Where(p => string.IsNullOrEmpty(p.Spec.NodeName) && !p.IsTerminating()));
        return new DaemonPlan(createOn, delete, ended, recheck);
    }

    /// <summary>A surging set may have two pods on a node: one with the old template that is ready, and one with the new that is not yet available.</summary>
    private static IEnumerable<V1Pod> Surplus(DaemonState state, List<V1Pod> running)
    {
        var updated = running.Find(p => DaemonPods.Label(p, DaemonPods.HashLabel) == state.Hash);
        var old = running.Find(p => DaemonPods.Label(p, DaemonPods.HashLabel) != state.Hash);
        foreach (var pod in running.Where(p => p != updated && p != old))
            yield return pod;
        if (updated is not null && old is not null && (!old.IsReady() || state.IsAvailable(updated)))
            yield return old;
    }
}
