using k8s.Models;

namespace LiteKube.Kubelet.Probes;

/// <summary>
/// Runs startup, readiness and liveness probes of running containers (init sidecars too). It records the Unhealthy
/// events itself; what follows from a failure is the pod worker's.
/// </summary>
public interface IProber
{
    /// <summary>A container runs: begin its probes (also after a restart of this process, for containers that already ran). Repeated calls for one container id change nothing.</summary>
    /// <param name="podIp">Where http and tcp probes go when they name no host.</param>
    /// <param name="startedAt">When the container started: initialDelaySeconds counts from it.</param>
    /// <param name="wasStarted">After a restart of this process: the last written status said started.</param>
    /// <param name="wasReady">Likewise ready.</param>
    void ContainerStarted(V1Pod pod, V1Container container, string containerId, string podIp, DateTimeOffset startedAt, bool wasStarted, bool wasReady);

    /// <summary>The container ended or is about to be stopped: end its probes. Unknown ids are ignored.</summary>
    void ContainerStopped(string podUid, string containerName, string containerId);

    /// <summary>
    /// The pod began to terminate: liveness and startup probes end, readiness goes on.
    /// </summary>
    void PodTerminating(string podUid);

    /// <summary>Forget the pod.</summary>
    void PodGone(string podUid);

    /// <summary>True without a startup probe, or once it succeeded; false for unknown containers.</summary>
    bool IsStarted(string podUid, string containerName, string containerId);

    /// <summary>True without a readiness probe once started; else what the last probe said.</summary>
    bool IsReady(string podUid, string containerName, string containerId);

    /// <summary>Startup or readiness changed: the pod worker writes a new status.</summary>
    event Action<string>? PodChanged;

    /// <summary>A liveness or startup probe failed as often as it may: the pod worker kills the container (event Killing) and the restart policy follows.</summary>
    event Action<ProbeFailure>? ContainerFailed;
}

/// <param name="Kind">"Liveness" or "Startup": the Killing event says "Container c failed liveness probe, will be restarted".</param>
/// <param name="TerminationGracePeriodSeconds">The probe's own grace period, when it has one.</param>
public sealed record ProbeFailure(string PodUid, string ContainerName, string ContainerId, string Kind, long? TerminationGracePeriodSeconds);
