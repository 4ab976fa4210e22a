using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.StatefulSets;

/// <summary>The status that a StatefulSet's pods amount to. Pure.</summary>
internal static class StatefulSetStatusPlan
{
    /// <param name="current">Name of the revision that the pods had before the update.</param>
    /// <param name="update">Name of the revision of today's template.</param>
    /// <param name="outdated">Pods that were just deleted for the update: they count no more as current.</param>
    public static V1StatefulSetStatus Compute(V1StatefulSet set, IReadOnlyList<V1Pod> pods, string current, string update, int collisionCount, int outdated, DateTimeOffset now)
    {
        int replicas = 0, ready = 0, available = 0, currents = -outdated, updated = 0;
        foreach (var pod in pods.Where(p => StatefulPods.Ordinal(p) >= 0))
        {
            replicas++;
            if (StatefulPods.IsRunningAndReady(pod))
            {
                ready++;
                if (pod.IsAvailable(set.Spec.MinReadySeconds ?? 0, now, out _))
                    available++;
            }
            if (pod.IsTerminating())
                continue;
            if (StatefulPods.Revision(pod) == current)
                currents++;
            if (StatefulPods.Revision(pod) == update)
                updated++;
        }
        var wanted = StatefulPods.Replicas(set);
        // The update is through: what it led to is from now on the current revision.
        if (set.Spec.UpdateStrategy?.Type == "RollingUpdate" && updated == wanted && ready == wanted && replicas == wanted)
            (currents, current) = (updated, update);
        return new V1StatefulSetStatus
        {
            ObservedGeneration = set.Metadata.Generation,
            Replicas = replicas,
            ReadyReplicas = NullIfZero(ready),
            CurrentReplicas = NullIfZero(Math.Max(0, currents)),
            UpdatedReplicas = NullIfZero(updated),
            CurrentRevision = NullIfEmpty(current),
            UpdateRevision = NullIfEmpty(update),
            CollisionCount = collisionCount,
            // Others' conditions; this controller has none.
            Conditions = set.Status?.Conditions,
            AvailableReplicas = available,
        };
    }

    private static int? NullIfZero(int count) => count == 0 ? null : count;

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
