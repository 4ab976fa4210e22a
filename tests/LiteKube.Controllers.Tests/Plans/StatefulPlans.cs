using k8s.Models;
using LiteKube.Controllers.StatefulSets;

namespace LiteKube.Controllers.Tests.Plans;

internal static class StatefulPlans
{
    /// <summary>The revisions are those that the set's status names; a pod that the plan creates is shown with its revision.</summary>
    public static string StatefulSet(PlanCase given)
    {
        var set = given.One<V1StatefulSet>("StatefulSet");
        var (current, update) = (set.Status.CurrentRevision, set.Status.UpdateRevision);
        var pods = given.PodsOf(set);
        var claims = given.All<V1PersistentVolumeClaim>("PersistentVolumeClaim");
        var plan = StatefulSetPlan.Compute(set, pods, new TemplateRevision(current, set.Spec.Template), new TemplateRevision(update, set.Spec.Template), name => claims.FirstOrDefault(c => c.Metadata.Name == name), PlanCase.Now);
        var text = new PlanText();
        foreach (var (action, pod) in plan.Replicas)
            text.Line($"{Words(action)} {pod.Metadata.Name}{(action == PodAction.Create ? $" of {StatefulPods.Revision(pod)}" : "")}");
        foreach (var pod in plan.Replicas.Where(s => s.Action == PodAction.Conform).Select(s => s.Pod).Concat(plan.Condemned))
            Retention(text, set, pod, claims);
        text.Each("scale down", plan.ScaleDown);
        text.Each("delete outdated", plan.Outdated);
        text.Status(StatefulSetStatusPlan.Compute(set, pods, current, update, 0, plan.Outdated.Count, PlanCase.Now));
        text.Recheck(plan.Recheck);
        return text.ToString();
    }

    private static void Retention(PlanText text, V1StatefulSet set, V1Pod pod, IReadOnlyList<V1PersistentVolumeClaim> claims)
    {
        foreach (var claim in StatefulPods.ClaimNames(set, StatefulPods.Ordinal(pod)).Select(name => claims.FirstOrDefault(c => c.Metadata.Name == name)).OfType<V1PersistentVolumeClaim>())
        {
            if (ClaimRetention.IsUpToDate(claim, set, pod))
                continue;
            var owners = ClaimRetention.Apply(claim, set, pod).Metadata.OwnerReferences ?? [];
            text.Line($"claim {claim.Metadata.Name} goes with {(owners.Count == 0 ? "nobody" : string.Join(", ", owners.Select(o => $"{o.Kind} {o.Name}")))}");
        }
    }

    private static string Words(PodAction action) => action switch
    {
        PodAction.Create => "create",
        PodAction.Delete => "delete ended",
        PodAction.MakeClaims => "make the claims of",
        PodAction.Conform => "conform",
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    };
}
