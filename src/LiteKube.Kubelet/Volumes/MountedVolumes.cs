using System.ComponentModel;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Environment;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Volumes;

/// <summary>Makes a container's mounts out of its pod's volumes.</summary>
internal sealed class MountedVolumes(VolumeHostServices services, ILogger logger, V1Pod pod, IReadOnlyDictionary<string, MountedVolume> volumes) : PodVolumes
{
    private const string Reason = "CreateContainerConfigError";

    public override Task<IReadOnlyList<Mount>> MountsForAsync(V1Container container, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var result = new List<Mount>();
        var mounts = container.VolumeMounts ?? [];
        for (var i = 0; i < mounts.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            result.Add(MountFor(container, mounts[i], i, environment));
        }
        return Task.FromResult<IReadOnlyList<Mount>>(result);
    }

    private Mount MountFor(V1Container container, V1VolumeMount mount, int index, IReadOnlyDictionary<string, string> environment)
    {
        if (!volumes.TryGetValue(mount.Name, out var volume))
            throw new VolumeException(Reason, $"cannot find volume \"{mount.Name}\" to mount into container \"{container.Name}\"");
        var subpath = Subpath(mount, environment);
        var isReadOnly = mount.ReadOnlyProperty == true || volume.IsReadOnly;
        return new Mount
        {
            ContainerPath = AbsolutePath(mount.MountPath),
            HostPath = subpath.Length == 0 ? volume.HostPath : BindSubpath(container, mount, volume, subpath, index),
            Readonly = isReadOnly,
            RecursiveReadOnly = RecursiveReadOnly(mount, isReadOnly),
            Propagation = mount.MountPropagation switch
            {
                "HostToContainer" => MountPropagation.PropagationHostToContainer,
                "Bidirectional" => MountPropagation.PropagationBidirectional,
                _ => MountPropagation.PropagationPrivate,
            },
        };
    }

    private static string Subpath(V1VolumeMount mount, IReadOnlyDictionary<string, string> environment)
    {
        var subpath = mount.SubPath ?? "";
        if (!string.IsNullOrEmpty(mount.SubPathExpr))
        {
            var missing = new List<string>();
            subpath = VariableExpansion.Expand(mount.SubPathExpr, name =>
            {
                // An empty value would make the whole volume out of a part of it.
                if (environment.TryGetValue(name, out var value) && value.Length > 0)
                    return value;
                missing.Add(name);
                return null;
            });
            if (missing.Count > 0)
                throw new VolumeException(Reason, $"missing value for {GoText.Quote(missing[0])}");
        }
        if (subpath.StartsWith('/'))
            throw new VolumeException(Reason, $"error SubPath `{subpath}` must not be an absolute path");
        if (subpath.Split('/').Contains(".."))
            throw new VolumeException(Reason, $"unable to provision SubPath `{subpath}`: must not contain '..'");
        return subpath;
    }

    private string BindSubpath(V1Container container, V1VolumeMount mount, MountedVolume volume, string subpath, int index)
    {
        try
        {
            return Subpaths.Bind(services.Options.PodDir(pod.Metadata.Uid), volume.Name, volume.HostPath, subpath, container.Name, index);
        }
        catch (Exception e) when (e is IOException or Win32Exception or UnauthorizedAccessException)
        {
            // The cause would tell the pod's owner about the node's files: it stays in the node's log.
            VolumeLog.SubpathFailed(logger, subpath, volume.Name, ObjectKey.Of(pod), e);
            throw new VolumeException(Reason, $"failed to prepare subPath for volumeMount \"{mount.Name}\" of container \"{container.Name}\"", e);
        }
    }

    private bool RecursiveReadOnly(V1VolumeMount mount, bool isReadOnly)
    {
        var wish = mount.RecursiveReadOnly;
        if (wish is not ("IfPossible" or "Enabled"))
            return false;
        if (!isReadOnly)
            throw new VolumeException(Reason, $"volume \"{mount.Name}\" requested recursive read-only mode, but it is not read-only");
        if (mount.MountPropagation is not (null or "" or "None"))
            throw new VolumeException(Reason, $"volume \"{mount.Name}\" requested recursive read-only mode, but it is not compatible with propagation {mount.MountPropagation}");
        if (services.SupportsRecursiveReadOnly())
            return true;
        return wish == "IfPossible" ? false : throw new VolumeException(Reason, $"volume \"{mount.Name}\" requested recursive read-only mode, but it is not supported by the runtime");
    }

    private static string AbsolutePath(string path) => path.StartsWith('/') ? path : "/" + path;
}
