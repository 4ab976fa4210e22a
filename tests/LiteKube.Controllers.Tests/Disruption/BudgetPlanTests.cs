using k8s.Models;
using LiteKube.Controllers.Disruption;

namespace LiteKube.Controllers.Tests.Disruption;

public sealed class BudgetPlanTests
{
    private static readonly DateTimeOffset Now = new(Build.Epoch.AddHours(10));

    [Theory]
    [InlineData("2", null, 3, 3, 2, 1)]
    [InlineData("3", null, 3, 3, 3, 0)]
    [InlineData("5", null, 3, 3, 5, 0)]
    [InlineData("0", null, 3, 3, 0, 3)]
    [InlineData("50%", null, 3, 3, 2, 1)]
    [InlineData("0%", null, 3, 3, 0, 3)]
    [InlineData("100%", null, 3, 3, 3, 0)]
    [InlineData(null, "1", 3, 3, 2, 1)]
    [InlineData(null, "50%", 3, 3, 1, 2)]
    [InlineData(null, "5", 3, 3, 0, 3)]
    [InlineData(null, "1", 10, 3, 9, 0)]
    [InlineData("1", null, 0, 0, 1, 0)]
    [InlineData("0", null, 0, 0, 0, 0)]
    public void The_least_that_must_stay_is_rounded_up_and_the_most_that_may_go_as_well(string? minAvailable, string? maxUnavailable, int expected, int healthy, int desired, int allowed)
    {
        var status = BudgetPlan.Compute(Budget(minAvailable, maxUnavailable), Pods(healthy), expected, Now).Status;
        Assert.Equal((healthy, desired, expected, allowed, 4L), (status.CurrentHealthy, status.DesiredHealthy, status.ExpectedPods, status.DisruptionsAllowed, status.ObservedGeneration));
        var condition = Assert.Single(status.Conditions);
        Assert.Equal(("DisruptionAllowed", allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods", 4L, ""), (condition.Type, condition.Status, condition.Reason, condition.ObservedGeneration, condition.Message));
    }

    [Theory]
    [InlineData("2", null, false)]
    [InlineData("20%", null, true)]
    [InlineData(null, "2", true)]
    [InlineData(null, "20%", true)]
    [InlineData(null, null, false)]
    public void Shares_and_absences_are_counted_by_the_scale_of_the_controllers(string? minAvailable, string? maxUnavailable, bool isNeeded) =>
        Assert.Equal(isNeeded, BudgetPlan.NeedsScale(Budget(minAvailable, maxUnavailable)));

    [Fact]
    public void Pods_that_are_unready_terminating_or_evicted_are_not_healthy()
    {
        var budget = Budget("1", null);
        budget.Status = new V1PodDisruptionBudgetStatus { DisruptedPods = new Dictionary<string, DateTime?> { ["evicted"] = Now.UtcDateTime.AddSeconds(-90), ["overdue"] = Now.UtcDateTime.AddMinutes(-3), ["gone"] = Now.UtcDateTime, ["going"] = Now.UtcDateTime } };
        var plan = BudgetPlan.Compute(budget, [Build.Pod("ready"), Build.Pod("unready", ready: false), Build.Pod("going", terminating: true), Build.Pod("evicted"), Build.Pod("overdue")], 5, Now);
        Assert.Equal(2, plan.Status.CurrentHealthy);
        Assert.Equal(["evicted"], plan.Status.DisruptedPods.Keys);
        Assert.Equal(["overdue"], plan.Overdue.Select(p => p.Metadata.Name));
        Assert.Equal(TimeSpan.FromSeconds(30), plan.Recheck);
    }

    [Fact]
    public void The_condition_keeps_its_time_while_it_stays_what_it_is()
    {
        var budget = Budget("1", null);
        var first = BudgetPlan.Compute(budget, Pods(2), 2, Now).Status;
        budget.Status = first;
        var second = BudgetPlan.Compute(budget, Pods(3), 3, Now.AddMinutes(1)).Status;
        Assert.Equal(Now.UtcDateTime, Assert.Single(second.Conditions).LastTransitionTime);
        budget.Status = second;
        Assert.Equal(Now.UtcDateTime.AddMinutes(2), Assert.Single(BudgetPlan.Compute(budget, Pods(1), 1, Now.AddMinutes(2)).Status.Conditions).LastTransitionTime);
    }

    [Fact]
    public void A_failed_round_allows_nothing_and_says_why()
    {
        var budget = Budget(null, "1");
        budget.Status = new V1PodDisruptionBudgetStatus { ObservedGeneration = 3, CurrentHealthy = 2, DesiredHealthy = 1, ExpectedPods = 2, DisruptionsAllowed = 1 };
        var status = BudgetPlan.Failed(budget, "found no controllers for pod \"p\"", Now);
        Assert.Equal((0, 2, 1, 2, 3L), (status.DisruptionsAllowed, status.CurrentHealthy, status.DesiredHealthy, status.ExpectedPods, status.ObservedGeneration));
        var condition = Assert.Single(status.Conditions);
        Assert.Equal(("False", "SyncFailed", "found no controllers for pod \"p\""), (condition.Status, condition.Reason, condition.Message));
    }

    [Theory]
    [InlineData("True", "EvictionByEvictionAPI", "Running", false, -30, 90)]
    [InlineData("True", "EvictionByEvictionAPI", "Running", false, -120, 0)]
    [InlineData("True", "EvictionByEvictionAPI", "Running", false, -900, 0)]
    [InlineData("True", "PreemptionByScheduler", "Pending", false, -120, 0)]
    [InlineData("True", "TerminationByKubelet", "Running", false, -900, null)]
    [InlineData("True", "EvictionByEvictionAPI", "Running", true, -900, null)]
    [InlineData("True", "EvictionByEvictionAPI", "Failed", false, -900, null)]
    [InlineData("False", "EvictionByEvictionAPI", "Running", false, -900, null)]
    public void A_pod_that_was_to_go_and_did_not_is_cleared_after_two_minutes(string status, string reason, string phase, bool terminating, int secondsAgo, int? wait)
    {
        var pod = Build.Pod("p", terminating: terminating, phase: phase);
        pod.Status.Conditions.Add(new V1PodCondition { Type = "DisruptionTarget", Status = status, Reason = reason, LastTransitionTime = Now.UtcDateTime.AddSeconds(secondsAgo) });
        Assert.Equal(wait is { } seconds ? TimeSpan.FromSeconds(seconds) : null, StaleDisruptionCleaner.WaitFor(pod, Now));
    }

    private static V1PodDisruptionBudget Budget(string? minAvailable, string? maxUnavailable) => new()
    {
        Metadata = new V1ObjectMeta { Name = "b", NamespaceProperty = "default", Generation = 4 },
        Spec = new V1PodDisruptionBudgetSpec { MinAvailable = Value(minAvailable), MaxUnavailable = Value(maxUnavailable), Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "web" } } },
    };

    private static IntOrString? Value(string? text) => text is null ? null : (IntOrString)text;

    private static List<V1Pod> Pods(int count) => [.. Enumerable.Range(0, count).Select(i => Build.Pod($"p{i}"))];
}
