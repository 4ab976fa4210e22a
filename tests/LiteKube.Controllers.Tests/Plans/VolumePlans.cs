using k8s.Models;
using LiteKube.Controllers.Volumes;

namespace LiteKube.Controllers.Tests.Plans;

internal static class VolumePlans
{
    /// <summary>Of the first claim; the pods are those that wait for it.</summary>
    public static string Claim(PlanCase given)
    {
        var plan = ClaimPlan.Compute(given.All<V1PersistentVolumeClaim>("PersistentVolumeClaim")[0], given.All<V1PersistentVolume>("PersistentVolume").ToList(), given.All<V1StorageClass>("StorageClass").ToList(), [.. given.Pods.Select(p => p.Metadata.Name)]);
        var text = new PlanText();
        if (plan.Step == ClaimStep.Bind)
            text.Line($"bind to {plan.Volume!.Metadata.Name}");
        else if (plan.Step == ClaimStep.Provision)
            text.Line($"ask {plan.Provisioner} for a volume");
        else if (plan.Step == ClaimStep.AssignClass)
            text.Line($"assign class {plan.ClassName}");
        text.Line($"phase {plan.Phase}");
        Event(text, plan.Event);
        return text.ToString();
    }

    public static string Volume(PlanCase given)
    {
        var volume = given.One<V1PersistentVolume>("PersistentVolume");
        var claim = given.All<V1PersistentVolumeClaim>("PersistentVolumeClaim").FirstOrDefault(c => c.Metadata.Name == volume.Spec.ClaimRef?.Name && c.Metadata.Uid == volume.Spec.ClaimRef.Uid);
        var plan = Controllers.Volumes.VolumePlan.Compute(volume, claim);
        var text = new PlanText();
        if (plan.Unbind)
            text.Line($"take the binding back");
        text.Line($"phase {plan.Phase ?? "as it is"}{(plan.Message is null ? "" : ": " + plan.Message)}");
        Event(text, plan.Event);
        return text.ToString();
    }

    private static void Event(PlanText text, (string Type, string Reason, string Message)? told)
    {
        if (told is { } e)
            text.Line($"event {e.Type} {e.Reason}: {e.Message}");
    }
}
