using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Client;

namespace LiteKube.Kubelet.Volumes;

/// <summary>Sets up one volume of any kind; doing it again brings the contents up to date.</summary>
internal sealed class VolumeSetup(VolumeHostServices services, Payloads payloads)
{
    private const int EmptyDirMode = 0x1FF; // 0777
    private const int ApiDataMode = 0x1FF;

    public async Task<MountedVolume> SetUpAsync(V1Pod pod, V1Volume volume, CancellationToken cancellationToken)
    {
        if (Payloads.IsApiData(volume))
            return await SetUpApiDataAsync(pod, volume, cancellationToken);
        if (volume.EmptyDir is { } emptyDir)
            return new MountedVolume(volume, SetUpEmptyDir(pod, volume.Name, emptyDir), IsReadOnly: false, IsApiData: false);
        if (volume.HostPath is { } hostPath)
        {
            HostPaths.Check(hostPath);
            return new MountedVolume(volume, hostPath.Path, IsReadOnly: false, IsApiData: false);
        }
        if (volume.PersistentVolumeClaim is { } claim)
            return await SetUpClaimAsync(pod, volume, claim.ClaimName, claim.ReadOnlyProperty == true, cancellationToken);
        // The claim of a generic ephemeral volume has the pod's and the volume's name.
        if (volume.Ephemeral is not null)
            return await SetUpClaimAsync(pod, volume, $"{pod.Metadata.Name}-{volume.Name}", readOnly: false, cancellationToken);
        throw new VolumeException("FailedMount", UnsupportedVolumes.Describe(volume));
    }

    private async Task<MountedVolume> SetUpApiDataAsync(V1Pod pod, V1Volume volume, CancellationToken cancellationToken)
    {
        var payload = await payloads.MakeAsync(pod, volume, cancellationToken);
        // A configMap's files lie on disk; secrets, tokens and what is projected never touch it.
        var kind = volume switch
        {
            { ConfigMap: not null } => "kubernetes.io~configmap",
            { Secret: not null } => "kubernetes.io~secret",
            { DownwardAPI: not null } => "kubernetes.io~downward-api",
            _ => "kubernetes.io~projected",
        };
        var dir = MakeDirectory(pod, kind, volume.Name, ApiDataMode, out var isNew);
        if (volume.ConfigMap is null && Libc.Stat(dir) is not { IsMountRoot: true })
        {
            Mounts.Tmpfs(dir, MemoryBound(pod, null));
            Libc.Chmod(dir, ApiDataMode);
            isNew = true;
        }
        var fsGroup = pod.Spec.SecurityContext?.FsGroup;
        if (isNew && fsGroup is not null)
            VolumeOwnership.Apply(dir, fsGroup, readOnly: true);
        new AtomicWriter(dir, services.Time).Write(payload.Files, made => VolumeOwnership.Apply(made, fsGroup, readOnly: true));
        return new MountedVolume(volume, dir, IsReadOnly: true, IsApiData: true, payload.RefreshAt);
    }

    private string SetUpEmptyDir(V1Pod pod, string name, V1EmptyDirVolumeSource source)
    {
        var medium = source.Medium ?? "";
        if (medium is not ("" or "Memory"))
            throw new IOException($"emptyDir medium {medium} is not supported by this kubelet: use \"\" or Memory");
        var mode = source.Mode ?? EmptyDirMode;
        var dir = MakeDirectory(pod, "kubernetes.io~empty-dir", name, mode, out var isNew);
        if (medium == "Memory" && Libc.Stat(dir) is not { IsMountRoot: true })
        {
            Mounts.Tmpfs(dir, MemoryBound(pod, source.SizeLimit));
            Libc.Chmod(dir, mode);
            isNew = true;
        }
        // Only once: afterwards what is in it is the containers' own.
        if (isNew)
            VolumeOwnership.Apply(dir, pod.Spec.SecurityContext?.FsGroup, readOnly: false);
        return dir;
    }

    private async Task<MountedVolume> SetUpClaimAsync(V1Pod pod, V1Volume volume, string claimName, bool readOnly, CancellationToken cancellationToken)
    {
        var ns = pod.Metadata.NamespaceProperty;
        var claim = await FindAsync<V1PersistentVolumeClaim>(ns, claimName, cancellationToken)
            ?? throw ClaimError(ns, claimName, $"failed to fetch PVC from API server: persistentvolumeclaims \"{claimName}\" not found");
        if (claim.Metadata.DeletionTimestamp is not null)
            throw ClaimError(ns, claimName, "PVC is being deleted");
        if (claim.Status?.Phase != "Bound" || string.IsNullOrEmpty(claim.Spec.VolumeName))
            throw ClaimError(ns, claimName, $"PVC {ns}/{claimName} has non-bound phase (\"{claim.Status?.Phase}\") or empty pvc.Spec.VolumeName (\"{claim.Spec.VolumeName}\")");

        var persistent = await FindAsync<V1PersistentVolume>(null, claim.Spec.VolumeName, cancellationToken)
            ?? throw ClaimError(ns, claimName, $"failed to fetch PV \"{claim.Spec.VolumeName}\" from API server: persistentvolumes \"{claim.Spec.VolumeName}\" not found");
        if (persistent.Spec.ClaimRef is null || persistent.Spec.ClaimRef.Uid != claim.Metadata.Uid)
            throw ClaimError(ns, claimName, $"found PV object \"{persistent.Metadata.Name}\" with an incorrect pvcUID");
        if (persistent.Spec.VolumeMode == "Block")
            throw ClaimError(ns, claimName, "raw block volumes are not supported by this kubelet");

        if (persistent.Spec.HostPath is { } hostPath)
        {
            HostPaths.Check(hostPath);
            return new MountedVolume(volume, hostPath.Path, readOnly, IsApiData: false);
        }
        if (persistent.Spec.Local is { } local)
        {
            if (Libc.Stat(local.Path) is not { IsDirectory: true })
                throw new VolumeException("FailedMount", $"MountVolume.NewMounter initialization failed for volume \"{persistent.Metadata.Name}\" : path \"{local.Path}\" does not exist");
            ApplyGroup(pod, local.Path);
            return new MountedVolume(volume, local.Path, readOnly, IsApiData: false);
        }
        throw new VolumeException("FailedMount", UnsupportedVolumes.Describe(persistent));
    }

    private static void ApplyGroup(V1Pod pod, string path)
    {
        var context = pod.Spec.SecurityContext;
        if (context?.FsGroup is not { } group)
            return;
        if (context.FsGroupChangePolicy != "OnRootMismatch" || !VolumeOwnership.RootMatches(path, group, readOnly: false))
            VolumeOwnership.Apply(path, group, readOnly: false);
    }

    private async Task<T?> FindAsync<T>(string? ns, string name, CancellationToken cancellationToken) where T : class, k8s.IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            return await services.Client.GetAsync<T>(ns, name, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private static VolumeException ClaimError(string ns, string name, string cause) => new("FailedMount", $"error processing PVC {ns}/{name}: {cause}");

    /// <summary>A memory volume is never larger than what its pod may have: the sum of its containers' limits, else the node's memory.</summary>
    private long? MemoryBound(V1Pod pod, ResourceQuantity? sizeLimit)
    {
        var bound = PodMemoryLimit(pod);
        if (bound is null && services.NodeAllocatable()?.TryGetValue("memory", out var allocatable) == true)
            bound = Quantity.Parse(allocatable.ToString()).ToLong();
        var own = sizeLimit is null ? 0 : Quantity.Parse(sizeLimit.ToString()).ToLong();
        return own > 0 && (bound is null || own < bound) ? own : bound;
    }

    private static long? PodMemoryLimit(V1Pod pod)
    {
        long sum = 0;
        foreach (var container in pod.Spec.Containers)
        {
            if (container.Resources?.Limits is not { } limits || !limits.TryGetValue("memory", out var limit))
                return null;
            sum += Quantity.Parse(limit.ToString()).ToLong();
        }
        return sum > 0 ? sum : null;
    }

    private string MakeDirectory(V1Pod pod, string kind, string name, int mode, out bool isNew)
    {
        var dir = Path.Combine(services.Options.PodVolumesDir(pod.Metadata.Uid), kind, name);
        isNew = !Directory.Exists(dir);
        if (isNew)
        {
            Directory.CreateDirectory(dir);
            Libc.Chmod(dir, mode);
        }
        return dir;
    }
}
