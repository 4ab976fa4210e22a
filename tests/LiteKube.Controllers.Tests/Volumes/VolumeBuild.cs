using k8s.Models;

namespace LiteKube.Controllers.Tests.Volumes;

internal static class VolumeBuild
{
    public static V1PersistentVolume Volume(string name, string size = "1Gi", string storageClass = "", string phase = "Available", string modes = "ReadWriteOnce", Action<V1PersistentVolume>? change = null)
    {
        var volume = new V1PersistentVolume
        {
            ApiVersion = "v1",
            Kind = "PersistentVolume",
            Metadata = new V1ObjectMeta { Name = name, Uid = "uid-" + name },
            Spec = new V1PersistentVolumeSpec
            {
                AccessModes = modes.Split(','),
                Capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = new(size) },
                StorageClassName = storageClass,
                PersistentVolumeReclaimPolicy = "Retain",
                VolumeMode = "Filesystem",
            },
            Status = new V1PersistentVolumeStatus { Phase = phase },
        };
        change?.Invoke(volume);
        return volume;
    }

    public static V1PersistentVolumeClaim Claim(string name = "c", string size = "1Gi", string? storageClass = "", string? volume = null, Action<V1PersistentVolumeClaim>? change = null)
    {
        var claim = new V1PersistentVolumeClaim
        {
            ApiVersion = "v1",
            Kind = "PersistentVolumeClaim",
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = "uid-" + name },
            Spec = new V1PersistentVolumeClaimSpec
            {
                AccessModes = ["ReadWriteOnce"],
                Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new(size) } },
                StorageClassName = storageClass,
                VolumeName = volume,
                VolumeMode = "Filesystem",
            },
            Status = new V1PersistentVolumeClaimStatus { Phase = "Pending" },
        };
        change?.Invoke(claim);
        return claim;
    }

    public static V1StorageClass Class(string name, string provisioner = "example.com/disk", bool waits = false, bool isDefault = false) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Annotations = isDefault ? new Dictionary<string, string> { ["storageclass.kubernetes.io/is-default-class"] = "true" } : null },
        Provisioner = provisioner,
        VolumeBindingMode = waits ? "WaitForFirstConsumer" : "Immediate",
    };

    public static V1ObjectReference Reference(string claim, string? uid) => new() { Kind = "PersistentVolumeClaim", NamespaceProperty = "default", Name = claim, Uid = uid };
}
