using k8s.Models;
using LiteKube.Kubelet.PodWorkers;

namespace LiteKube.Kubelet.Status;

/// <summary>The status of one container.</summary>
internal static class ContainerStatuses
{
    private const int KilledExitCode = 137;

    public static V1ContainerStatus Of(PodStatusInputs inputs, V1Container container, bool isInit)
    {
        var newest = inputs.Runtime.Newest(container.Name);
        var status = newest is null ? Default(inputs, container) : Existing(inputs, container, newest, isInit);
        // One that failed to start waits with the reason of that; how it ended before is its last state.
        if (inputs.Waiting.TryGetValue(container.Name, out var reason) && status.State.Running is null && !inputs.IsTerminated && WillStart(inputs.Pod, container, newest))
        {
            if (status.State.Terminated is not null)
                status.LastState = status.State;
            status.State = new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = reason.Reason, Message = reason.Message } };
        }
        return status;
    }

    private static bool WillStart(V1Pod pod, V1Container container, ContainerRecord? newest) =>
        PodSpecs.IsSidecar(container) || PodPlan.ShouldRun(pod, newest) ||
        (newest is { ExitCode: not 0 } && pod.Spec.RestartPolicy != "Never" && PodSpecs.InitContainers(pod).Contains(container));

    private static V1ContainerStatus Default(PodStatusInputs inputs, V1Container container)
    {
        var previous = (inputs.Previous?.ContainerStatuses ?? []).Concat(inputs.Previous?.InitContainerStatuses ?? []).Concat(inputs.Previous?.EphemeralContainerStatuses ?? [])
            .FirstOrDefault(s => s.Name == container.Name);
        var status = new V1ContainerStatus
        {
            Name = container.Name,
            Image = container.Image,
            ImageID = "",
            Ready = false,
            Started = false,
            RestartCount = previous?.RestartCount ?? 0,
            State = new V1ContainerState
            {
                Waiting = new V1ContainerStateWaiting { Reason = PodSpecs.InitContainers(inputs.Pod).Any() ? "PodInitializing" : "ContainerCreating" },
            },
            LastState = previous?.LastState ?? new V1ContainerState(),
            VolumeMounts = VolumeMounts(container),
        };
        if (previous?.State?.Terminated is { } ended && inputs.Runtime.NewestSandbox is null)
        {
            // It ran and ended, and the runtime no longer has it: what was written of it is what is known.
            status.State = previous.State;
            status.ImageID = previous.ImageID;
            status.Image = previous.Image;
            status.ContainerID = ended.ContainerID;
            status.Ready = previous.Ready;
        }
        else if (previous?.State?.Running is { } running && inputs.IsTerminated)
        {
            status.State = new V1ContainerState
            {
                Terminated = new V1ContainerStateTerminated
                {
                    ExitCode = KilledExitCode,
                    Reason = "ContainerStatusUnknown",
                    Message = "The container could not be located when the pod was terminated",
                    StartedAt = running.StartedAt,
                },
            };
        }
        return status;
    }

    private static V1ContainerStatus Existing(PodStatusInputs inputs, V1Container container, ContainerRecord newest, bool isInit)
    {
        var isStarted = newest.IsRunning && (isInit && !PodSpecs.IsSidecar(container) || inputs.IsStarted(newest));
        var status = new V1ContainerStatus
        {
            Name = container.Name,
            Image = newest.Image.Length > 0 ? newest.Image : container.Image,
            ImageID = newest.ImageId,
            ContainerID = "containerd://" + newest.Id,
            RestartCount = newest.RestartCount,
            State = StateOf(inputs, newest),
            LastState = inputs.Runtime.Previous(container.Name) is { } before ? StateOf(inputs, before) : new V1ContainerState(),
            Started = isStarted,
            Ready = isInit && !PodSpecs.IsSidecar(container)
                ? newest is { Phase: ContainerPhase.Exited, ExitCode: 0 }
                : newest.IsRunning && inputs.IsReady(newest),
            AllocatedResources = container.Resources?.Requests is { Count: > 0 } requests ? requests : null,
            Resources = container.Resources is { } resources && (resources.Requests is { Count: > 0 } || resources.Limits is { Count: > 0 })
                ? new V1ResourceRequirements { Requests = resources.Requests, Limits = resources.Limits } : null,
            VolumeMounts = VolumeMounts(container),
        };
        return status;
    }

    private static V1ContainerState StateOf(PodStatusInputs inputs, ContainerRecord container) => container.Phase switch
    {
        ContainerPhase.Created => new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = "ContainerCreating" } },
        ContainerPhase.Running => new V1ContainerState { Running = new V1ContainerStateRunning { StartedAt = container.StartedAt?.UtcDateTime } },
        _ => new V1ContainerState
        {
            Terminated = new V1ContainerStateTerminated
            {
                ExitCode = container.Phase == ContainerPhase.Unknown ? KilledExitCode : container.ExitCode,
                Reason = container.Phase == ContainerPhase.Unknown ? "ContainerStatusUnknown" : container.Reason.Length > 0 ? container.Reason : container.ExitCode == 0 ? "Completed" : "Error",
                Message = inputs.MessageOf(container) is { Length: > 0 } message ? message : null,
                StartedAt = container.StartedAt?.UtcDateTime,
                FinishedAt = container.FinishedAt?.UtcDateTime,
                ContainerID = "containerd://" + container.Id,
            },
        },
    };

    private static List<V1VolumeMountStatus>? VolumeMounts(V1Container container) =>
        container.VolumeMounts is not { Count: > 0 } mounts ? null : [.. mounts.Select(m => new V1VolumeMountStatus
        {
            Name = m.Name,
            MountPath = m.MountPath,
            ReadOnlyProperty = m.ReadOnlyProperty,
            RecursiveReadOnly = m.ReadOnlyProperty == true ? "Disabled" : null,
        })];
}
