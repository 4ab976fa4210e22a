using k8s.Models;

namespace LiteKube.Kubelet.Volumes;

/// <summary>What to say of volumes that this kubelet has no driver for.</summary>
internal static class UnsupportedVolumes
{
    public static string Describe(V1Volume volume) => volume switch
    {
        { Csi: { } csi } => $"MountVolume.SetUp failed for volume \"{volume.Name}\" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {csi.Driver} not found in the list of registered CSI drivers",
        { Nfs: not null } => NoPlugin(volume.Name, "nfs"),
        { Iscsi: not null } => NoPlugin(volume.Name, "iscsi"),
        { Image: not null } => NoPlugin(volume.Name, "image"),
        { FlexVolume: not null } => NoPlugin(volume.Name, "flexVolume"),
        { Fc: not null } => NoPlugin(volume.Name, "fc"),
        { GitRepo: not null } => NoPlugin(volume.Name, "gitRepo"),
        { Cephfs: not null } => NoPlugin(volume.Name, "cephfs"),
        { Rbd: not null } => NoPlugin(volume.Name, "rbd"),
        { AwsElasticBlockStore: not null } => NoPlugin(volume.Name, "awsElasticBlockStore"),
        { AzureDisk: not null } => NoPlugin(volume.Name, "azureDisk"),
        { AzureFile: not null } => NoPlugin(volume.Name, "azureFile"),
        { GcePersistentDisk: not null } => NoPlugin(volume.Name, "gcePersistentDisk"),
        { VsphereVolume: not null } => NoPlugin(volume.Name, "vsphereVolume"),
        { PortworxVolume: not null } => NoPlugin(volume.Name, "portworxVolume"),
        { Cinder: not null } => NoPlugin(volume.Name, "cinder"),
        { Glusterfs: not null } => NoPlugin(volume.Name, "glusterfs"),
        _ => $"failed to get Plugin from volumeSpec for volume \"{volume.Name}\" err=no volume plugin matched",
    };

    public static string Describe(V1PersistentVolume volume) => volume.Spec switch
    {
        { Csi: { } csi } => $"MountVolume.MountDevice failed for volume \"{volume.Metadata.Name}\" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name {csi.Driver} not found in the list of registered CSI drivers",
        { Nfs: not null } => NoPlugin(volume.Metadata.Name, "nfs"),
        { Iscsi: not null } => NoPlugin(volume.Metadata.Name, "iscsi"),
        _ => $"failed to get Plugin from volumeSpec for volume \"{volume.Metadata.Name}\" err=no volume plugin matched",
    };

    private static string NoPlugin(string name, string kind) => $"failed to get Plugin from volumeSpec for volume \"{name}\" err=no volume plugin matched: this kubelet has none for {kind}";
}
