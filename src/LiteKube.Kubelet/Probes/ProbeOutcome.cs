using k8s.Models;

namespace LiteKube.Kubelet.Probes;

internal enum ProbeResult
{
    Success,

    /// <summary>A success with something to tell: an http probe that was sent to another host.</summary>
    Warning,
    Failure,

    /// <summary>The probe itself could not be made; it counts neither way.</summary>
    Unknown,
}

/// <param name="Output">For the event: in the kubelet's words.</param>
internal readonly record struct ProbeOutcome(ProbeResult Result, string Output = "");

/// <summary>Where and what to probe.</summary>
internal sealed record ProbeTarget(V1Container Container, string ContainerId, string PodIp, V1Probe Probe)
{
    public TimeSpan Timeout => TimeSpan.FromSeconds(Math.Max(1, Probe.TimeoutSeconds ?? 1));
}

/// <summary>Makes one probe of a container, by exec, http, tcp or grpc.</summary>
internal interface IProbeRunner
{
    Task<ProbeOutcome> RunAsync(ProbeTarget target, CancellationToken cancellationToken);
}
