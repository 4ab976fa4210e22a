using k8s.Models;

namespace LiteKube.Controllers.Volumes;

/// <summary>The next step for a volume. Pure.</summary>
/// <param name="Phase">Null leaves it as it is.</param>
/// <param name="Unbind">Take the binding back: its claim is bound to another volume.</param>
/// <param name="Event">Type, reason, message.</param>
internal sealed record VolumePlan(string? Phase, bool Unbind = false, string? Message = null, (string Type, string Reason, string Message)? Event = null)
{
    /// <param name="claim">The claim of that namespace, name and uid; null when it is gone.</param>
    public static VolumePlan Compute(V1PersistentVolume volume, V1PersistentVolumeClaim? claim)
    {
        // Meant for a claim that has not been bound yet: the claim's own step follows.
        if (volume.Spec.ClaimRef is null || string.IsNullOrEmpty(volume.Spec.ClaimRef.Uid))
            return new VolumePlan("Available");
        if (claim is null)
            return Reclaim(volume);
        if (string.IsNullOrEmpty(claim.Spec.VolumeName))
        {
            return VolumeMatching.SameMode(claim, volume)
                ? new VolumePlan(Phase: null)
                : new VolumePlan(Phase: null, Event: ("Warning", "VolumeMismatch", $"Cannot bind PersistentVolume to requested PersistentVolumeClaim \"{claim.Metadata.Name}\" due to incompatible volumeMode."));
        }
        if (claim.Spec.VolumeName == volume.Metadata.Name)
            return new VolumePlan("Bound");
        // Made for a claim that meanwhile found another: of no use to anybody else.
        if (volume.Annotation(VolumeAnnotations.ProvisionedBy) is not null && volume.Spec.PersistentVolumeReclaimPolicy == "Delete")
            return Reclaim(volume);
        return new VolumePlan("Available", Unbind: true);
    }

    private static VolumePlan Reclaim(V1PersistentVolume volume)
    {
        var released = volume.Status?.Phase is "Released" or "Failed" ? volume.Status.Phase : "Released";
        switch (volume.Spec.PersistentVolumeReclaimPolicy)
        {
            case "Recycle":
                return new VolumePlan("Failed", Message: "No recycler plugin found for the volume!", Event: ("Warning", "VolumeFailedRecycle", "No recycler plugin found for the volume!"));
            // Its provisioner sees the phase and deletes storage and volume.
            case "Delete" when volume.Annotation(VolumeAnnotations.ProvisionedBy) is null && volume.Spec.Csi is null:
                var message = $"error getting deleter volume plugin for volume \"{volume.Metadata.Name}\": no deletable volume plugin matched";
                return new VolumePlan("Failed", Message: message, Event: ("Warning", "VolumeFailedDelete", message));
            default:
                return new VolumePlan(released);
        }
    }
}
