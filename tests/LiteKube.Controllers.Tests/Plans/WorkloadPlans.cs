using k8s.Models;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.DaemonSets;
using LiteKube.Controllers.Deployments;
using LiteKube.Controllers.ReplicaSets;

namespace LiteKube.Controllers.Tests.Plans;

internal static class WorkloadPlans
{
    /// <summary>Of the first set; pods that name another controller are its relatives.</summary>
    public static string ReplicaSet(PlanCase given)
    {
        var set = given.All<V1ReplicaSet>("ReplicaSet")[0];
        var owned = given.PodsOf(set);
        var plan = ReplicaPlan.Compute(set.Spec.Replicas ?? 1, [.. owned.Where(p => p.IsActive())], [.. given.Pods.Where(p => p.IsActive())], PlanCase.Now);
        var text = new PlanText();
        if (plan.Create > 0)
            text.Line($"create {plan.Create} pods");
        text.Each("delete", plan.Delete);
        text.Status(ReplicaSetStatusPlan.Compute(set, owned, null, plan.Create + plan.Delete.Count > 0, PlanCase.Now, out var recheck));
        text.Recheck(recheck);
        return text.ToString();
    }

    /// <summary>The new set is the one of the Deployment's template; the others are old.</summary>
    public static string Deployment(PlanCase given)
    {
        var deployment = given.One<V1Deployment>("Deployment");
        var sets = given.All<V1ReplicaSet>("ReplicaSet");
        var newSet = Revisions.FindNew(deployment, sets);
        var text = new PlanText();
        foreach (var (set, replicas) in Sizes(deployment, newSet, sets).Where(s => s.Replicas != RollingPlan.Replicas(s.Set)))
            text.Line($"scale {set.Metadata.Name} from {RollingPlan.Replicas(set)} to {replicas}");
        text.Status(DeploymentStatusPlan.Compute(deployment, newSet, sets, null, PlanCase.Now, out var recheck));
        text.Recheck(recheck);
        return text.ToString();
    }

    public static string DaemonSet(PlanCase given)
    {
        var set = given.One<V1DaemonSet>("DaemonSet");
        var state = new DaemonState(set, "new", given.All<V1Node>("Node"), given.PodsOf(set), PlanCase.Now);
        var plan = DaemonPlan.Compute(state, _ => TimeSpan.Zero);
        var update = plan.IsEmpty ? DaemonUpdatePlan.Compute(state) : new DaemonUpdatePlan([], []);
        var text = new PlanText();
        foreach (var node in plan.CreateOn)
            text.Line($"create a pod on {node}");
        text.Each("delete", plan.Delete);
        text.Each("delete ended", plan.Ended);
        foreach (var node in update.CreateOn)
            text.Line($"create a new pod beside the old one on {node}");
        text.Each("delete outdated", update.Delete);
        text.Status(DaemonSetStatusPlan.Compute(state, 0, isProcessed: true, out var recheck));
        text.Recheck(recheck ?? plan.Recheck);
        return text.ToString();
    }

    private static IReadOnlyList<(V1ReplicaSet Set, int Replicas)> Sizes(V1Deployment deployment, V1ReplicaSet? newSet, IReadOnlyList<V1ReplicaSet> sets)
    {
        if (deployment.Spec.Paused == true || RollingPlan.IsScaledMidway(deployment, sets))
            return RollingPlan.Rescale(deployment, newSet, sets);
        if (newSet is null)
            return [];
        var grown = RollingPlan.NewReplicas(deployment, newSet, sets);
        return grown != RollingPlan.Replicas(newSet) ? [(newSet, grown)] : RollingPlan.ShrinkOld(deployment, newSet, [.. sets.Where(s => s.Metadata.Uid != newSet.Metadata.Uid)]);
    }
}
