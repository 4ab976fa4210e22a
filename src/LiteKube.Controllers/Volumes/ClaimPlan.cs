using k8s.Models;

namespace LiteKube.Controllers.Volumes;

/// <summary>What the binder does for a claim.</summary>
internal enum ClaimStep
{
    /// <summary>Only the phase and what is told.</summary>
    Wait,
    /// <summary>Write both sides of the binding to <see cref="ClaimPlan.Volume"/>.</summary>
    Bind,
    /// <summary>Name <see cref="ClaimPlan.Provisioner"/> on the claim, who then makes a volume.</summary>
    Provision,
    /// <summary>Give it the default class, which did not exist when the claim was made.</summary>
    AssignClass,
}

/// <summary>The next step for a claim (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim). Pure.</summary>
/// <param name="Event">Type, reason, message.</param>
internal sealed record ClaimPlan(ClaimStep Step, string Phase, V1PersistentVolume? Volume = null, string? Provisioner = null, string? ClassName = null, (string Type, string Reason, string Message)? Event = null)
{
    private const string NoProvisioner = "kubernetes.io/no-provisioner";
    private static readonly string[] DefaultClassAnnotations = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

    /// <param name="classes">All of them.</param>
    /// <param name="consumers">Pods that wait for the claim, unscheduled.</param>
    public static ClaimPlan Compute(V1PersistentVolumeClaim claim, IReadOnlyCollection<V1PersistentVolume> volumes, IReadOnlyCollection<V1StorageClass> classes, IReadOnlyList<string> consumers)
    {
        if (claim.Annotation(VolumeAnnotations.BindCompleted) is not null)
            return Bound(claim, volumes);
        return string.IsNullOrEmpty(claim.Spec.VolumeName) ? Search(claim, volumes, classes, consumers) : Named(claim, volumes);
    }

    /// <summary>Bound once; whatever became of the volume meanwhile, the claim does not get another.</summary>
    private static ClaimPlan Bound(V1PersistentVolumeClaim claim, IReadOnlyCollection<V1PersistentVolume> volumes)
    {
        if (string.IsNullOrEmpty(claim.Spec.VolumeName))
            return Lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
        var volume = volumes.FirstOrDefault(v => v.Metadata.Name == claim.Spec.VolumeName);
        if (volume is null)
            return Lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
        return volume.Spec.ClaimRef is null || volume.Spec.ClaimRef.Uid == claim.Metadata.Uid
            ? new ClaimPlan(ClaimStep.Bind, "Bound", volume)
            : Lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
    }

    private static ClaimPlan Named(V1PersistentVolumeClaim claim, IReadOnlyCollection<V1PersistentVolume> volumes)
    {
        if (volumes.FirstOrDefault(v => v.Metadata.Name == claim.Spec.VolumeName) is not { } volume)
            return new ClaimPlan(ClaimStep.Wait, "Pending");
        if (volume.Spec.ClaimRef is null && VolumeMatching.Complaint(claim, volume) is { } complaint)
            return new ClaimPlan(ClaimStep.Wait, "Pending", Event: ("Warning", "VolumeMismatch", $"Cannot bind to requested volume \"{volume.Metadata.Name}\": {complaint}"));
        if (volume.Spec.ClaimRef is null || volume.IsBoundTo(claim))
            return new ClaimPlan(ClaimStep.Bind, "Bound", volume);
        return new ClaimPlan(ClaimStep.Wait, "Pending", Event: ("Warning", "FailedBinding", $"volume \"{volume.Metadata.Name}\" already bound to a different claim."));
    }

    private static ClaimPlan Search(V1PersistentVolumeClaim claim, IReadOnlyCollection<V1PersistentVolume> volumes, IReadOnlyCollection<V1StorageClass> classes, IReadOnlyList<string> consumers)
    {
        // A claim that names no class at all, not even the empty one, gets the default one as soon as there is one.
        if (claim.Spec.StorageClassName is null && claim.Annotation(VolumeAnnotations.BetaStorageClass) is null && Default(classes) is { } chosen)
            return new ClaimPlan(ClaimStep.AssignClass, "Pending", ClassName: chosen.Metadata.Name);
        var storageClass = classes.FirstOrDefault(c => c.Metadata.Name == claim.ClassName());
        var waits = storageClass?.VolumeBindingMode == "WaitForFirstConsumer";
        if (VolumeMatching.FindBest(claim, volumes, waits) is { } volume)
            return new ClaimPlan(ClaimStep.Bind, "Bound", volume);
        if (waits && claim.Annotation(VolumeAnnotations.SelectedNode) is null)
        {
            return new ClaimPlan(ClaimStep.Wait, "Pending", Event: consumers.Count switch
            {
                0 => ("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding"),
                1 => ("Normal", "WaitForPodScheduled", $"waiting for pod {consumers[0]} to be scheduled"),
                _ => ("Normal", "WaitForPodScheduled", $"waiting for pods {string.Join(',', consumers)} to be scheduled"),
            });
        }
        if (claim.ClassName().Length == 0)
            return new ClaimPlan(ClaimStep.Wait, "Pending", Event: ("Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set"));
        if (storageClass is null)
            return new ClaimPlan(ClaimStep.Wait, "Pending", Event: ("Warning", "ProvisioningFailed", $"storageclass.storage.k8s.io \"{claim.ClassName()}\" not found"));
        if (storageClass.Provisioner == NoProvisioner)
            return new ClaimPlan(ClaimStep.Wait, "Pending", Event: ("Warning", "ProvisioningFailed", $"no volume plugin matched name: {NoProvisioner}"));
        return new ClaimPlan(ClaimStep.Provision, "Pending", Provisioner: storageClass.Provisioner, Event: ("Normal", "ExternalProvisioning",
            $"Waiting for a volume to be created either by the external provisioner '{storageClass.Provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."));
    }

    private static ClaimPlan Lost(string reason, string message) => new(ClaimStep.Wait, "Lost", Event: ("Warning", reason, message));

    private static V1StorageClass? Default(IEnumerable<V1StorageClass> classes) =>
        classes.Where(c => DefaultClassAnnotations.Any(a => c.Annotation(a) == "true")).OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
}
