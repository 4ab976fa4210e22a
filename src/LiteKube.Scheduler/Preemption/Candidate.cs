using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Preemption;

/// <param name="Victims">Who has to go for the pod to fit, the most important first; never empty.</param>
/// <param name="BudgetViolations">How many of them no PodDisruptionBudget lets go.</param>
internal sealed record Candidate(string Node, IReadOnlyList<PodInfo> Victims, int BudgetViolations);

/// <summary>Which pods matter more, and which candidate costs least (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).</summary>
internal static class Importance
{
    /// <summary>The more important first: by priority, then by who runs longer.</summary>
    public static readonly Comparison<PodInfo> Descending = static (left, right) =>
        left.Priority != right.Priority ? right.Priority.CompareTo(left.Priority) : StartOf(left).CompareTo(StartOf(right));

    /// <summary>
    /// The node whose candidate violates the fewest budgets; of several the one whose most important victim matters
    /// least; then by the sum of priorities, by the number of victims, and last by how lately the most important
    /// victims started. Of equals the first.
    /// </summary>
    public static Candidate Cheapest(IReadOnlyList<Candidate> candidates)
    {
        var left = candidates;
        foreach (var cost in Costs)
        {
            if (left.Count == 1)
                break;
            var least = left.Min(cost);
            left = [.. left.Where(candidate => cost(candidate) == least)];
        }
        return left[0];
    }

    private static readonly Func<Candidate, long>[] Costs =
    [
        static candidate => candidate.BudgetViolations,
        static candidate => candidate.Victims[0].Priority,
        // Moved up so that none is negative: two pods of priority -5 are more than one.
        static candidate => candidate.Victims.Sum(static victim => victim.Priority + (long)int.MaxValue + 1),
        static candidate => candidate.Victims.Count,
        static candidate => -EarliestStart(candidate.Victims).Ticks,
    ];

    private static DateTime EarliestStart(IReadOnlyList<PodInfo> victims)
    {
        var highest = victims.Max(static victim => victim.Priority);
        return victims.Where(victim => victim.Priority == highest).Min(StartOf);
    }

    // One that its kubelet has not taken up yet has run for no time at all.
    private static DateTime StartOf(PodInfo pod) => pod.Pod.Status?.StartTime ?? DateTime.MaxValue;
}
