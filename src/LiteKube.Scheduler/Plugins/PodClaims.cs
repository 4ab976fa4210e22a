using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Plugins;

/// <summary>The PersistentVolumeClaims of a pod's volumes.</summary>
internal static class PodClaims
{
    public const string BindCompleted = "pv.kubernetes.io/bind-completed";
    public const string SelectedNode = "volume.kubernetes.io/selected-node";
    private const string BetaStorageClass = "volume.beta.kubernetes.io/storage-class";

    /// <param name="IsEphemeral">Made for the pod by the ephemeral volume controller, under a name of both.</param>
    public readonly record struct Reference(string Name, bool IsEphemeral);

    public static IEnumerable<Reference> Of(V1Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            if (volume.PersistentVolumeClaim is { } claim)
                yield return new(claim.ClaimName, false);
            else if (volume.Ephemeral is not null)
                yield return new($"{pod.Metadata.Name}-{volume.Name}", true);
        }
    }

    public static bool Has(PodInfo pod, V1PersistentVolumeClaim claim) =>
        claim.Metadata.NamespaceProperty == pod.Namespace && Of(pod.Pod).Any(reference => reference.Name == claim.Metadata.Name);

    public static bool IsBound(V1PersistentVolumeClaim claim) => !string.IsNullOrEmpty(claim.Spec.VolumeName) && Annotation(claim, BindCompleted) is not null;

    public static string? Annotation(V1PersistentVolumeClaim claim, string name) =>
        claim.Metadata.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;

    /// <summary>"" for none.</summary>
    public static string ClassOf(V1PersistentVolumeClaim claim) => Annotation(claim, BetaStorageClass) ?? claim.Spec.StorageClassName ?? "";

    public static string ClassOf(V1PersistentVolume volume) =>
        volume.Metadata.Annotations is { } annotations && annotations.TryGetValue(BetaStorageClass, out var value) ? value : volume.Spec.StorageClassName ?? "";

    public static long SizeOf(V1PersistentVolumeClaim claim) =>
        claim.Spec.Resources?.Requests is { } requests && requests.TryGetValue("storage", out var size) ? Resources.Amount("storage", size) : 0;

    public static ObjectKey VolumeKey(string name) => new("", name);
}
