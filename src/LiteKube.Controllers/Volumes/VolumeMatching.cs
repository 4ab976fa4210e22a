using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Apis.Values;

namespace LiteKube.Controllers.Volumes;

/// <summary>Which volume suits a claim (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding). Pure.</summary>
internal static class VolumeMatching
{
    /// <summary>The smallest that is large enough; before all others the one that the claim was given already, then one that its creator meant for it.</summary>
    /// <param name="waitsForConsumer">Take only such a one: the scheduler chooses with the pod's node in view.</param>
    public static V1PersistentVolume? FindBest(V1PersistentVolumeClaim claim, IEnumerable<V1PersistentVolume> volumes, bool waitsForConsumer)
    {
        var requested = Requested(claim);
        V1PersistentVolume? best = null;
        V1PersistentVolume? meant = null;
        foreach (var volume in volumes.Where(v => v.Metadata.DeletionTimestamp is null && SuitsForm(claim, v) && Capacity(v) >= requested))
        {
            // Given in a binding that was cut off; another one beside it would only have to be unbound again.
            if (volume.Spec.ClaimRef?.Uid == claim.Metadata.Uid)
                return volume;
            if (volume.IsBoundTo(claim))
                meant ??= volume;
            if (waitsForConsumer || volume.Spec.ClaimRef is not null || volume.Status?.Phase != "Available" || volume.ClassName() != claim.ClassName()
                || !LabelSelector.From(claim.Spec.Selector ?? new V1LabelSelector()).Matches(volume.Metadata.Labels))
                continue;
            if (best is null || Capacity(volume) < Capacity(best) || (Capacity(volume) == Capacity(best) && string.CompareOrdinal(volume.Metadata.Name, best.Metadata.Name) < 0))
                best = volume;
        }
        return meant ?? best;
    }

    /// <returns>Why the volume that the claim asks for by name cannot be its; null when it can.</returns>
    public static string? Complaint(V1PersistentVolumeClaim claim, V1PersistentVolume volume)
    {
        if (Capacity(volume) < Requested(claim))
            return "requested PV is too small";
        if (volume.ClassName() != claim.ClassName())
            return "storageClassName does not match";
        if (AttributesClass(volume.Spec.VolumeAttributesClassName) != AttributesClass(claim.Spec.VolumeAttributesClassName))
            return "volumeAttributesClassName does not match";
        if (Mode(volume.Spec.VolumeMode) != Mode(claim.Spec.VolumeMode))
            return "incompatible volumeMode";
        return HasModes(claim, volume) ? null : "incompatible accessMode";
    }

    public static bool SameMode(V1PersistentVolumeClaim claim, V1PersistentVolume volume) => Mode(volume.Spec.VolumeMode) == Mode(claim.Spec.VolumeMode);

    public static Quantity Requested(V1PersistentVolumeClaim claim) => Storage(claim.Spec.Resources?.Requests);

    public static Quantity Capacity(V1PersistentVolume volume) => Storage(volume.Spec.Capacity);

    public static Quantity Storage(IDictionary<string, ResourceQuantity>? amounts) =>
        amounts?.TryGetValue("storage", out var amount) == true && Quantity.TryParse(amount.ToString(), out var quantity) ? quantity : Quantity.Zero;

    private static bool SuitsForm(V1PersistentVolumeClaim claim, V1PersistentVolume volume) =>
        SameMode(claim, volume) && HasModes(claim, volume) && AttributesClass(volume.Spec.VolumeAttributesClassName) == AttributesClass(claim.Spec.VolumeAttributesClassName);

    private static bool HasModes(V1PersistentVolumeClaim claim, V1PersistentVolume volume) => (claim.Spec.AccessModes ?? []).All(m => volume.Spec.AccessModes?.Contains(m) == true);

    private static string Mode(string? mode) => mode ?? "Filesystem";

    private static string AttributesClass(string? name) => name ?? "";
}
