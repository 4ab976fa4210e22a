using System.Collections.Immutable;
using k8s.Models;
using LiteKube.Kubelet.PodWorkers;

namespace LiteKube.Kubelet.Status;

/// <summary>All that a pod's status is computed from.</summary>
internal sealed record PodStatusInputs
{
    public required V1Pod Pod { get; init; }

    /// <summary>The status last written, or the API's when none was.</summary>
    public required V1PodStatus? Previous { get; init; }
    public required PodSnapshot Runtime { get; init; }
    public required ImmutableDictionary<string, WaitingReason> Waiting { get; init; }

    /// <summary>Set when the node refused or ended the pod.</summary>
    public PodEnd? End { get; init; }

    /// <summary>All containers have ended and none will start again.</summary>
    public bool IsTerminated { get; init; }
    public required IReadOnlyList<string> HostIps { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public required DateTimeOffset Now { get; init; }
    public required Func<ContainerRecord, bool> IsStarted { get; init; }
    public required Func<ContainerRecord, bool> IsReady { get; init; }

    /// <summary>A container's termination message.</summary>
    public required Func<ContainerRecord, string> MessageOf { get; init; }
}
