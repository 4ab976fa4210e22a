using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Disruption;

/// <summary>
/// What a PodDisruptionBudget's status is to say (https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-budgets). Pure.
/// </summary>
/// <param name="Overdue">Pods that were evicted and are still there after <see cref="DeletionTimeout"/>: their evictions are taken to have failed.</param>
/// <param name="Recheck">When the next eviction becomes overdue.</param>
internal sealed record BudgetPlan(V1PodDisruptionBudgetStatus Status, IReadOnlyList<V1Pod> Overdue, TimeSpan? Recheck)
{
    /// <summary>How long a pod that the eviction API has let go may take to be seen going.</summary>
    public static readonly TimeSpan DeletionTimeout = TimeSpan.FromMinutes(2);

    private const string Condition = "DisruptionAllowed";

    /// <summary>The budget counts in shares or in absences, and so by what the pods' controllers want rather than by the pods that are there.</summary>
    public static bool NeedsScale(V1PodDisruptionBudget budget) => budget.Spec.MaxUnavailable is not null || budget.Spec.MinAvailable?.Value?.EndsWith('%') == true;

    /// <param name="expected">How many pods there should be: the sum of their controllers' scales, or where that is not asked for those that there are.</param>
    public static BudgetPlan Compute(V1PodDisruptionBudget budget, IReadOnlyCollection<V1Pod> pods, int expected, DateTimeOffset now)
    {
        var disrupted = new Dictionary<string, DateTime?>();
        var overdue = new List<V1Pod>();
        TimeSpan? recheck = null;
        foreach (var pod in pods.Where(p => !p.IsTerminating()).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal))
        {
            if (budget.Status?.DisruptedPods?.TryGetValue(pod.Metadata.Name, out var time) != true || time is not { } evicted)
                continue;
            var remaining = evicted.ToUniversalTime() + DeletionTimeout - now.UtcDateTime;
            if (remaining < TimeSpan.Zero)
            {
                overdue.Add(pod);
                continue;
            }
            disrupted[pod.Metadata.Name] = evicted;
            recheck = recheck is { } earlier && earlier < remaining ? earlier : remaining;
        }
        var healthy = pods.Count(p => !p.IsTerminating() && p.IsReady() && !disrupted.ContainsKey(p.Metadata.Name));
        var desired = DesiredHealthy(budget, expected);
        var status = new V1PodDisruptionBudgetStatus
        {
            ObservedGeneration = budget.Metadata.Generation,
            DisruptedPods = disrupted.Count == 0 ? null : disrupted,
            // Without a pod to be expected nothing may go: its first ones must not be evicted before they were counted.
            DisruptionsAllowed = expected <= 0 ? 0 : Math.Max(0, healthy - desired),
            CurrentHealthy = healthy,
            DesiredHealthy = desired,
            ExpectedPods = expected,
        };
        status.Conditions = Conditions(budget, status.DisruptionsAllowed > 0, status.DisruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods", "", status.ObservedGeneration, now);
        return new BudgetPlan(status, overdue, recheck);
    }

    /// <summary>When nothing could be found out: nothing may go, and the condition says why. What was last counted stays.</summary>
    public static V1PodDisruptionBudgetStatus Failed(V1PodDisruptionBudget budget, string message, DateTimeOffset now) => new()
    {
        ObservedGeneration = budget.Status?.ObservedGeneration,
        DisruptedPods = budget.Status?.DisruptedPods,
        DisruptionsAllowed = 0,
        CurrentHealthy = budget.Status?.CurrentHealthy ?? 0,
        DesiredHealthy = budget.Status?.DesiredHealthy ?? 0,
        ExpectedPods = budget.Status?.ExpectedPods ?? 0,
        Conditions = Conditions(budget, false, "SyncFailed", message, budget.Status?.ObservedGeneration, now),
    };

    private static int DesiredHealthy(V1PodDisruptionBudget budget, int expected) => budget.Spec.MaxUnavailable is { } maxUnavailable
        ? Math.Max(0, expected - IntOrPercent.Scale(maxUnavailable, expected, roundUp: true))
        : IntOrPercent.Scale(budget.Spec.MinAvailable, expected, roundUp: true);

    private static List<V1Condition> Conditions(V1PodDisruptionBudget budget, bool isAllowed, string reason, string message, long? generation, DateTimeOffset now)
    {
        var conditions = budget.Status?.Conditions?.ToList() ?? [];
        var at = conditions.FindIndex(c => c.Type == Condition);
        var status = isAllowed ? "True" : "False";
        var condition = new V1Condition
        {
            Type = Condition,
            Status = status,
            ObservedGeneration = generation,
            LastTransitionTime = at >= 0 && conditions[at].Status == status ? conditions[at].LastTransitionTime : now.UtcDateTime,
            Reason = reason,
            Message = message,
        };
        if (at >= 0)
            conditions[at] = condition;
        else
            conditions.Add(condition);
        return conditions;
    }
}
