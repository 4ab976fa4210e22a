using k8s.Models;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>What the kubelet's server needs to know of the pods on this node.</summary>
public interface IPodDirectory
{
    IRuntime Runtime { get; }

    /// <summary>Every pod that this node has work with, with the status as this kubelet last computed it.</summary>
    IReadOnlyList<V1Pod> Pods();

    /// <summary>By namespace and name; with <paramref name="uid"/> it must also match. Null when it is not on this node.</summary>
    V1Pod? FindPod(string ns, string name, string? uid = null);

    /// <summary>
    /// The id of a container of the pod (app, init or ephemeral): the newest one, or with <paramref name="previous"/>
    /// the one before it. Null when there is none.
    /// </summary>
    ContainerHandle? FindContainer(string podUid, string containerName, bool previous = false);

    /// <summary>The id of the pod's ready sandbox (port-forward). Null when there is none.</summary>
    string? FindSandbox(string podUid);

    /// <summary>Where logs of the pod's containers lie: <c>log/pods/NS_NAME_UID/CONTAINER/N.log</c>, rotated ones beside them.</summary>
    string PodLogDir(V1Pod pod);
}

/// <param name="LogPath">The container's current log file, absolute. Rotated ones are beside it: <c>N.log.YYYYMMDD-hhmmss[.gz]</c>.</param>
/// <param name="Attempt">Restart count of this container.</param>
public sealed record ContainerHandle(string Id, string Name, int Attempt, string LogPath, bool IsRunning, bool HasTty, bool HasStdin, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt);
