using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.DaemonSets;

/// <summary>The status that a DaemonSet's pods amount to. Pure.</summary>
internal static class DaemonSetStatusPlan
{
    /// <param name="isProcessed">This generation of the set has been acted on, not just counted.</param>
    /// <param name="recheck">When the next pod becomes available by time alone.</param>
    public static V1DaemonSetStatus Compute(DaemonState state, int collisionCount, bool isProcessed, out TimeSpan? recheck)
    {
        recheck = null;
        int desired = 0, current = 0, misscheduled = 0, ready = 0, updated = 0, available = 0;
        foreach (var node in state.Nodes)
        {
            var pods = state.On(node.Metadata.Name);
            if (!DaemonPods.Decide(state.Set, node).ShouldRun)
            {
                misscheduled += pods.Count > 0 ? 1 : 0;
                continue;
            }
            desired++;
            if (pods.Count == 0)
                continue;
            current++;
            var pod = pods[0];
            if (state.IsUpdated(pod))
                updated++;
            foreach (var other in pods)
            {
                if (!other.IsAvailable(state.Set.Spec.MinReadySeconds ?? 0, state.Now, out var wait) && wait > TimeSpan.Zero && (recheck is null || wait < recheck))
                    recheck = wait;
            }
            if (!pod.IsReady())
                continue;
            ready++;
            if (state.IsAvailable(pod))
                available++;
        }
        var old = state.Set.Status;
        return new V1DaemonSetStatus
        {
            CurrentNumberScheduled = current,
            NumberMisscheduled = misscheduled,
            DesiredNumberScheduled = desired,
            NumberReady = ready,
            ObservedGeneration = isProcessed ? state.Set.Metadata.Generation : old?.ObservedGeneration,
            UpdatedNumberScheduled = NullIfZero(updated),
            NumberAvailable = NullIfZero(available),
            NumberUnavailable = NullIfZero(desired - available),
            CollisionCount = collisionCount == 0 ? old?.CollisionCount : collisionCount,
            // Others' conditions; this controller has none.
            Conditions = old?.Conditions,
        };
    }

    private static int? NullIfZero(int count) => count == 0 ? null : count;
}
