using k8s.Models;
using LiteKube.Cri.V1;

namespace LiteKube.Kubelet.Volumes;

/// <summary>Sets up the volumes of pods under <c>pods/UID/volumes</c> and keeps their contents fresh.</summary>
public interface IVolumeHost
{
    /// <summary>
    /// Sets up all volumes of a pod that are not there yet; repeated calls change nothing that stands. From then on
    /// configMap, secret, downward and projected contents and rotating tokens are kept fresh until
    /// <see cref="UnmountAsync"/>.
    /// </summary>
    /// <exception cref="VolumeException">A volume cannot be set up now; the worker tells it in an event and tries again.</exception>
    Task<PodVolumes> MountAsync(V1Pod pod, CancellationToken cancellationToken);

    /// <summary>A newer version of a running pod: labels and annotations seen through downward volumes may have changed.</summary>
    void PodUpdated(V1Pod pod);

    /// <summary>Something a pod's failed <see cref="MountAsync"/> lacked has come (pod uid): mounting is worth a try at once.</summary>
    event Action<string>? RetryMount;

    /// <summary>Stops refreshing, unmounts and removes the pod's volumes. Also for pods this process never mounted (found on disk after a restart).</summary>
    Task UnmountAsync(string podUid, CancellationToken cancellationToken);
}

/// <summary>A pod's volumes, set up.</summary>
public abstract class PodVolumes
{
    /// <summary>
    /// The CRI mounts of one container (init containers too), subPath and subPathExpr resolved with the container's
    /// environment; without the ones the worker adds itself (/etc/hosts, termination message).
    /// </summary>
    /// <exception cref="VolumeException">With reason CreateContainerConfigError for a bad subPath.</exception>
    public abstract Task<IReadOnlyList<Mount>> MountsForAsync(V1Container container, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken);

    /// <summary>Block devices and the like; empty for now.</summary>
    public virtual IReadOnlyList<Device> DevicesFor(V1Container container) => [];
}

/// <param name="reason">The event's reason: FailedMount.</param>
/// <param name="message">Kubernetes' text: <c>MountVolume.SetUp failed for volume "x" : configmap "y" not found</c>.</param>
public sealed class VolumeException(string reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Reason { get; } = reason;
}
