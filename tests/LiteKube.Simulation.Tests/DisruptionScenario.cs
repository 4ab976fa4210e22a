using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Disruption;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Pods that are evicted as a PodDisruptionBudget allows, and sometimes do not go although they were let go: however
/// stale what the controller counts, an eviction never leaves fewer than there must be.
/// </summary>
internal sealed class DisruptionScenario : Scenario
{
    private const int MaxPods = 6;
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    private int _made;

    public override IEnumerable<IComponent> Controllers(Life life) => [new DisruptionController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        for (var i = 0; i < 3; i++)
            NewPod($"pod-{++_made}", Labels);
        Write(new V1PodDisruptionBudget
        {
            Metadata = new() { Name = "web", NamespaceProperty = Ns, Generation = 1 },
            Spec = new() { MinAvailable = 2, Selector = new() { MatchLabels = Labels } },
            Status = new() { CurrentHealthy = 0, DesiredHealthy = 0, DisruptionsAllowed = 0, ExpectedPods = 0 },
        });
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        switch (Random.Next(16))
        {
            case < 3 when World.Pods.Count < MaxPods:
                NewPod($"pod-{++_made}", Labels);
                break;
            case < 6 when pod is not null && pod.IsReady():
                Evict(pod);
                break;
            case 6:
                var least = Random.Next(1, 4);
                Change(Budget(), b => b.Spec.MinAvailable = least);
                break;
            default:
                if (pod is not null)
                    World.Advance(pod);
                break;
        }
    }

    public override void CheckAlways()
    {
        var status = Budget().Status;
        Require(status.DisruptionsAllowed >= 0, $"{status.DisruptionsAllowed} disruptions are allowed");
        Require(status.DisruptionsAllowed <= Math.Max(0, (status.CurrentHealthy - status.DesiredHealthy) ?? 0), $"{status.DisruptionsAllowed} disruptions are allowed, with {status.CurrentHealthy} healthy pods of {status.DesiredHealthy}");
    }

    public override void CheckSettled()
    {
        var (budget, healthy) = (Budget(), World.Pods.Count(p => p.IsReady()));
        var status = budget.Status;
        Require(status.ObservedGeneration == budget.Metadata.Generation, "the status is of another generation");
        Require(status.CurrentHealthy == healthy && status.ExpectedPods == World.Pods.Count, $"the status tells of {status.CurrentHealthy} healthy pods of {status.ExpectedPods}, and there are {healthy} of {World.Pods.Count}");
        Require(status.DesiredHealthy == Least(budget), $"the status asks for {status.DesiredHealthy} pods and the budget for {Least(budget)}");
        Require(status.DisruptionsAllowed == Math.Max(0, healthy - Least(budget)), $"{status.DisruptionsAllowed} disruptions are allowed");
        Require(status.DisruptedPods is not { Count: > 0 }, "an eviction that came to nothing is still awaited");
    }

    /// <summary>As the eviction API does: it takes what is allowed from the status, then deletes the pod; that may fail.</summary>
    private void Evict(V1Pod pod)
    {
        var budget = Budget();
        if (budget.Status.ObservedGeneration != budget.Metadata.Generation || budget.Status.DisruptionsAllowed <= 0 || budget.Status.DisruptedPods?.ContainsKey(pod.Metadata.Name) == true)
            return;
        budget.Status.DisruptionsAllowed--;
        budget.Status.DisruptedPods = new Dictionary<string, DateTime?>(budget.Status.DisruptedPods ?? new Dictionary<string, DateTime?>()) { [pod.Metadata.Name] = Now.UtcDateTime };
        Write(budget);
        if (Random.Next(5) == 0)
            return;
        World.Delete(pod);
        var healthy = World.Pods.Count(p => p.IsReady());
        Require(healthy >= Least(budget), $"{healthy} healthy pods are left, of at least {Least(budget)}");
    }

    private static int Least(V1PodDisruptionBudget budget) => int.Parse(budget.Spec.MinAvailable.Value, System.Globalization.CultureInfo.InvariantCulture);

    private V1PodDisruptionBudget Budget() => Kube.Find<V1PodDisruptionBudget>(Ns, "web")!;
}
