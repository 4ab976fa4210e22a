using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Controllers.Disruption;
using LiteKube.Controllers.NodeLifecycle;
using LiteKube.Controllers.ResourceQuotas;
using LiteKube.Controllers.TaintEviction;

namespace LiteKube.Controllers.Tests.Plans;

internal static class NodePlans
{
    /// <summary>Of the first node; pods are made to leave while any of the nodes is ready.</summary>
    public static string Taints(PlanCase given)
    {
        var nodes = given.All<V1Node>("Node");
        var taints = NodeTaintPlan.Compute(nodes[0], nodes.Any(n => NodeTaintPlan.StatusOf(n, "Ready") == "True"), PlanCase.Now);
        var text = new PlanText();
        foreach (var taint in taints ?? [])
            text.Line($"taint {taint.Key}{(taint.Value is null ? "" : "=" + taint.Value)}:{taint.Effect}{(taint.TimeAdded is { } added ? $" since {(added == PlanCase.Now.UtcDateTime ? "now" : "before")}" : "")}");
        return taints is { Count: 0 } ? "no taints\n" : text.ToString();
    }

    public static string Eviction(PlanCase given)
    {
        var taints = EvictionPlan.NoExecuteTaints(given.One<V1Node>("Node"));
        var text = new PlanText();
        foreach (var pod in given.Pods)
            text.Line($"{pod.Metadata.Name} {EvictionPlan.StayOf(pod, taints) switch { null => "stays", { Ticks: 0 } => "leaves now", { } stay => FormattableString.Invariant($"leaves after {stay.TotalSeconds} s") }}");
        return text.ToString();
    }

    /// <summary>As many pods are expected as the ReplicaSets of the file want; without one, as there are.</summary>
    public static string Budget(PlanCase given)
    {
        var budget = given.One<V1PodDisruptionBudget>("PodDisruptionBudget");
        var expected = BudgetPlan.NeedsScale(budget) ? given.All<V1ReplicaSet>("ReplicaSet").Sum(s => s.Spec.Replicas ?? 1) : given.Pods.Count;
        var plan = BudgetPlan.Compute(budget, given.Pods.ToList(), expected, PlanCase.Now);
        var text = new PlanText();
        text.Each("overdue", plan.Overdue);
        text.Status(plan.Status);
        text.Recheck(plan.Recheck);
        return text.ToString();
    }

    public static string Quota(PlanCase given)
    {
        var quota = given.One<V1ResourceQuota>("ResourceQuota");
        var usage = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var pod in given.Pods.Where(p => QuotaScopes.Matches(quota, p)))
            QuotaUsage.AddPod(usage, pod);
        foreach (var service in given.All<V1Service>("Service").Where(_ => !QuotaScopes.HasScopes(quota)))
            QuotaUsage.AddService(usage, service);
        foreach (var claim in given.All<V1PersistentVolumeClaim>("PersistentVolumeClaim").Where(_ => !QuotaScopes.HasScopes(quota)))
            QuotaUsage.AddClaim(usage, claim);
        var text = new PlanText();
        foreach (var name in quota.Spec.Hard.Keys.Order(StringComparer.Ordinal))
            text.Line($"used {name}={(usage.TryGetValue(name, out var quantity) ? quantity : Quantity.Zero)} of {quota.Spec.Hard[name]}");
        return text.ToString();
    }
}
