using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Disruption;

namespace LiteKube.Controllers.Tests.Disruption;

/// <summary>What goes by time: evictions that lead to nothing, and conditions that outlive them.</summary>
public sealed class DisruptionTimeTests : ControllerTest
{
    [Fact]
    public async Task An_evicted_pod_that_is_still_there_after_two_minutes_counts_again()
    {
        Kube.Seed(Build.Pod("p"));
        Kube.Seed(new V1PodDisruptionBudget
        {
            Metadata = new V1ObjectMeta { Name = "b", NamespaceProperty = "default" },
            Spec = new V1PodDisruptionBudgetSpec { MinAvailable = "0", Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "web" } } },
            Status = new V1PodDisruptionBudgetStatus { DisruptedPods = new Dictionary<string, DateTime?> { ["p"] = Time.GetUtcNow().UtcDateTime } },
        });
        var controller = new DisruptionController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1Pod>("default", "p", p => p is not null);
        await SeenAsync<V1PodDisruptionBudget>("default", "b", b => b is not null);
        Assert.Equal(TimeSpan.FromMinutes(2), (await controller.ReconcileAsync(new ObjectKey("default", "b"), default)).Requeue);
        Assert.Equal(0, Kube.Find<V1PodDisruptionBudget>("default", "b")!.Status.CurrentHealthy);

        Time.Advance(TimeSpan.FromMinutes(2) + TimeSpan.FromSeconds(1));
        await SeenAsync<V1PodDisruptionBudget>("default", "b", b => b?.Status.ExpectedPods == 1);
        Assert.Null((await controller.ReconcileAsync(new ObjectKey("default", "b"), default)).Requeue);
        var status = Kube.Find<V1PodDisruptionBudget>("default", "b")!.Status;
        Assert.Equal((1, 1, null), (status.CurrentHealthy, status.DisruptionsAllowed, status.DisruptedPods));
        Assert.Equal("Warning NotDeleted Pod was expected by PDB default/b to be deleted but it wasn't", Assert.Single(Events.All));
    }

    [Fact]
    public async Task A_disruption_that_did_not_come_about_is_taken_back_after_two_minutes()
    {
        var pod = Build.Pod("p");
        pod.Status.Conditions.Add(new V1PodCondition { Type = "DisruptionTarget", Status = "True", Reason = "PreemptionByScheduler", LastTransitionTime = Time.GetUtcNow().UtcDateTime });
        Kube.Seed(pod);
        var cleaner = new StaleDisruptionCleaner(Kube.Client, Informers, Time);
        await SeenAsync<V1Pod>("default", "p", p => p is not null);
        Time.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal(TimeSpan.FromSeconds(30), (await cleaner.ReconcileAsync(new ObjectKey("default", "p"), default)).Requeue);
        Assert.Contains(Kube.Find<V1Pod>("default", "p")!.Status.Conditions, c => c is { Type: "DisruptionTarget", Status: "True" });
        Time.Advance(TimeSpan.FromSeconds(30));
        await cleaner.ReconcileAsync(new ObjectKey("default", "p"), default);
        var cleared = await Kube.WaitForAsync<V1Pod>("default", "p", p => p!.Status.Conditions.Any(c => c is { Type: "DisruptionTarget", Status: "False" }), "the condition taken back");
        Assert.Contains(cleared!.Status.Conditions, c => c is { Type: "Ready", Status: "True" });
    }
}
