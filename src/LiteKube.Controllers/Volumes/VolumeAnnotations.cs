using k8s;
using k8s.Models;

namespace LiteKube.Controllers.Volumes;

/// <summary>What the binder, provisioners and the scheduler tell each other on volumes and claims (https://kubernetes.io/docs/reference/labels-annotations-taints/).</summary>
internal static class VolumeAnnotations
{
    /// <summary>On a claim: both sides of the binding have been written once.</summary>
    public const string BindCompleted = "pv.kubernetes.io/bind-completed";

    /// <summary>On either: this side was chosen by the controller, not by whoever wrote the object.</summary>
    public const string BoundByController = "pv.kubernetes.io/bound-by-controller";

    /// <summary>On a volume: who made it, and so who deletes it.</summary>
    public const string ProvisionedBy = "pv.kubernetes.io/provisioned-by";

    /// <summary>On a claim: the scheduler chose this node for its pod.</summary>
    public const string SelectedNode = "volume.kubernetes.io/selected-node";

    /// <summary>On a claim: who is to make its volume.</summary>
    public const string StorageProvisioner = "volume.kubernetes.io/storage-provisioner";
    public const string BetaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner";

    /// <summary>The class, before there was a field for it.</summary>
    public const string BetaStorageClass = "volume.beta.kubernetes.io/storage-class";

    public static string? Annotation(this IKubernetesObject<V1ObjectMeta> value, string name) => value.Metadata.Annotations?.TryGetValue(name, out var text) == true ? text : null;

    public static void Annotate(this IKubernetesObject<V1ObjectMeta> value, string name, string text) => (value.Metadata.Annotations ??= new Dictionary<string, string>(StringComparer.Ordinal))[name] = text;

    public static string ClassName(this V1PersistentVolumeClaim claim) => claim.Annotation(BetaStorageClass) ?? claim.Spec.StorageClassName ?? "";

    public static string ClassName(this V1PersistentVolume volume) => volume.Annotation(BetaStorageClass) ?? volume.Spec.StorageClassName ?? "";

    public static bool IsBoundTo(this V1PersistentVolume volume, V1PersistentVolumeClaim claim) =>
        volume.Spec.ClaimRef is { } reference && reference.Name == claim.Metadata.Name && reference.NamespaceProperty == claim.Metadata.NamespaceProperty
        && (string.IsNullOrEmpty(reference.Uid) || reference.Uid == claim.Metadata.Uid);
}
