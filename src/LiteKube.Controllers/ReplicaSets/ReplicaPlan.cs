using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.ReplicaSets;

/// <summary>What a ReplicaSet lacks or has too much of. Pure.</summary>
/// <param name="Create">Pods to create now.</param>
/// <param name="Delete">Pods to delete now, those that are missed least.</param>
internal sealed record ReplicaPlan(int Create, IReadOnlyList<V1Pod> Delete)
{
    /// <summary>One reconciliation does at most so much; the rest follows when its results have been seen.</summary>
    public const int Burst = 500;

    /// <param name="owned">The active pods that this set controls.</param>
    /// <param name="related">All active pods of the same top owner, to spare nodes that hold several.</param>
    public static ReplicaPlan Compute(int desired, IReadOnlyList<V1Pod> owned, IReadOnlyList<V1Pod> related, DateTimeOffset now)
    {
        var difference = owned.Count - desired;
        if (difference < 0)
            return new ReplicaPlan(Math.Min(-difference, Burst), []);
        if (difference == 0)
            return new ReplicaPlan(0, []);
        var count = Math.Min(difference, Burst);
        if (desired == 0 && count == owned.Count)
            return new ReplicaPlan(0, owned);
        var perNode = related.Where(p => p.Spec.NodeName is { Length: > 0 }).GroupBy(p => p.Spec.NodeName).ToDictionary(g => g.Key, g => g.Count());
        return new ReplicaPlan(0, [.. owned.Order(new DeletionOrder(perNode, now)).Take(count)]);
    }

    /// <summary>
    /// Which pod goes first (kube-controller-manager's ActivePodsWithRanks): unassigned, pending, not ready, of lower
    /// deletion cost, on a node with more of its kind, ready for less long, restarted more often, younger.
    /// </summary>
    private sealed class DeletionOrder(IReadOnlyDictionary<string, int> perNode, DateTimeOffset now) : IComparer<V1Pod>
    {
        public int Compare(V1Pod? x, V1Pod? y)
        {
            var (a, b) = (x!, y!);
            int Prefer(bool first, bool second) => second.CompareTo(first);
            var order = Prefer(string.IsNullOrEmpty(a.Spec.NodeName), string.IsNullOrEmpty(b.Spec.NodeName));
            if (order == 0)
                order = Phase(a).CompareTo(Phase(b));
            if (order == 0)
                order = Prefer(!a.IsReady(), !b.IsReady());
            if (order == 0)
                order = DeletionCost(a).CompareTo(DeletionCost(b));
            if (order == 0)
                order = OnNode(b).CompareTo(OnNode(a));
            if (order == 0 && a.IsReady() && b.IsReady())
                order = Magnitude(a.ReadyCondition()!.LastTransitionTime).CompareTo(Magnitude(b.ReadyCondition()!.LastTransitionTime));
            if (order == 0)
                order = Restarts(b).CompareTo(Restarts(a));
            if (order == 0)
                order = Magnitude(a.Metadata.CreationTimestamp).CompareTo(Magnitude(b.Metadata.CreationTimestamp));
            return order != 0 ? order : string.CompareOrdinal(a.Metadata.Uid, b.Metadata.Uid);
        }

        private int OnNode(V1Pod pod) => pod.Spec.NodeName is { Length: > 0 } node ? perNode.GetValueOrDefault(node) : 0;

        private static int Phase(V1Pod pod) => pod.Status?.Phase switch { "Pending" => 0, "Unknown" => 1, _ => 2 };

        private static int Restarts(V1Pod pod) => pod.Status?.ContainerStatuses?.Sum(c => c.RestartCount) ?? 0;

        private static int DeletionCost(V1Pod pod) =>
            pod.Metadata.Annotations?.TryGetValue("controller.kubernetes.io/pod-deletion-cost", out var text) == true && int.TryParse(text, out var cost) ? cost : 0;

        /// <summary>Ages count by orders of magnitude, so that among pods of about one age the choice is spread.</summary>
        private double Magnitude(DateTime? since) => since is { } time ? Math.Floor(Math.Log2(Math.Max(1, (now.UtcDateTime - time.ToUniversalTime()).TotalSeconds))) : 0;
    }
}
