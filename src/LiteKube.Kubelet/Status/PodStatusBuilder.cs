using k8s.Models;
using LiteKube.Kubelet.PodWorkers;

namespace LiteKube.Kubelet.Status;

/// <summary>A pod's status as the kubelet reports it (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/). Pure.</summary>
internal static class PodStatusBuilder
{
    public static V1PodStatus Build(PodStatusInputs inputs)
    {
        var pod = inputs.Pod;
        var previous = inputs.Previous;
        var apps = pod.Spec.Containers.Select(c => ContainerStatuses.Of(inputs, c, isInit: false)).ToList();
        var inits = PodSpecs.InitContainers(pod).Select(c => ContainerStatuses.Of(inputs, c, isInit: true)).ToList();
        var ephemerals = PodSpecs.EphemeralContainers(pod).Select(c => ContainerStatuses.Of(inputs, c, isInit: false)).ToList();

        var status = new V1PodStatus
        {
            Phase = PhaseOf(inputs, inits, apps),
            Reason = inputs.End?.Reason ?? (PodSpecs.IsFinished(previous?.Phase) ? previous!.Reason : null),
            Message = inputs.End?.Message ?? (PodSpecs.IsFinished(previous?.Phase) ? previous!.Message : null),
            ObservedGeneration = pod.Metadata.Generation,
            QosClass = PodSpecs.QosClassOf(pod),
            StartTime = inputs.StartedAt?.UtcDateTime ?? previous?.StartTime,
            ContainerStatuses = apps,
            InitContainerStatuses = inits.Count > 0 ? inits : null,
            EphemeralContainerStatuses = ephemerals.Count > 0 ? ephemerals : null,
        };
        SetAddresses(status, inputs);
        status.Conditions = PodConditions.Build(inputs, status, inits, apps);
        return status;
    }

    private static void SetAddresses(V1PodStatus status, PodStatusInputs inputs)
    {
        if (inputs.HostIps.Count > 0)
        {
            status.HostIP = inputs.HostIps[0];
            status.HostIPs = [.. inputs.HostIps.Select(ip => new V1HostIP { Ip = ip })];
        }
        // A pod in the host's network has its address from the start; one that ended keeps its last.
        var ips = PodSpecs.IsHostNetwork(inputs.Pod) ? inputs.HostIps : inputs.Runtime.NewestSandbox?.Ips ?? [];
        if (ips.Count == 0)
            ips = [.. (inputs.Previous?.PodIPs ?? []).Select(ip => ip.Ip)];
        if (ips.Count == 0 || inputs.StartedAt is null)
            return;
        status.PodIP = ips[0];
        status.PodIPs = [.. ips.Select(ip => new V1PodIP { Ip = ip })];
    }

    private static string PhaseOf(PodStatusInputs inputs, List<V1ContainerStatus> inits, List<V1ContainerStatus> apps)
    {
        // An end is final.
        if (inputs.Previous?.Phase is "Succeeded" or "Failed")
            return inputs.Previous.Phase;
        if (inputs.Pod.Status?.Phase is "Succeeded" or "Failed")
            return inputs.Pod.Status.Phase;
        if (inputs.End is not null)
            return inputs.IsTerminated ? "Failed" : inputs.Previous?.Phase ?? "Pending";

        var counts = Count(inputs.Pod, inits, apps);
        var never = inputs.Pod.Spec.RestartPolicy == "Never";
        if (counts.FailedInits > 0 && never)
            return "Failed";
        if (counts.PendingInits > 0 && !counts.AnyAppStarted)
            return inputs.IsTerminated ? "Failed" : "Pending";
        if (counts.Waiting > 0)
            return inputs.IsTerminated ? "Failed" : "Pending";
        if (counts.Running > 0)
            return "Running";
        if (counts.RunningSidecars > 0 && !inputs.IsTerminated)
            return "Running";
        if (inputs.IsTerminated)
            return counts.Stopped == counts.Succeeded ? "Succeeded" : "Failed";
        return inputs.Pod.Spec.RestartPolicy switch
        {
            "Never" => counts.Stopped == counts.Succeeded ? "Succeeded" : "Failed",
            "OnFailure" => counts.Stopped == counts.Succeeded ? "Succeeded" : "Running",
            _ => "Running",
        };
    }

    private sealed record Counts(int PendingInits, int FailedInits, int RunningSidecars, int Waiting, int Running, int Stopped, int Succeeded, bool AnyAppStarted);

    private static Counts Count(V1Pod pod, List<V1ContainerStatus> inits, List<V1ContainerStatus> apps)
    {
        int pendingInits = 0, failedInits = 0, runningSidecars = 0, waiting = 0, running = 0, stopped = 0, succeeded = 0;
        foreach (var (spec, status) in PodSpecs.InitContainers(pod).Zip(inits))
        {
            if (PodSpecs.IsSidecar(spec))
            {
                runningSidecars += status.State.Running is not null ? 1 : 0;
                pendingInits += status.Started == true ? 0 : 1;
                continue;
            }
            var ended = status.State.Terminated ?? (status.State.Waiting is not null ? status.LastState?.Terminated : null);
            if (ended is { ExitCode: not 0 })
                failedInits++;
            if (ended is not { ExitCode: 0 })
                pendingInits++;
        }
        foreach (var status in apps)
        {
            if (status.State.Running is not null)
            {
                running++;
            }
            else if ((status.State.Terminated ?? status.LastState?.Terminated) is { } ended)
            {
                stopped++;
                succeeded += status.State.Terminated is not null && ended.ExitCode == 0 ? 1 : 0;
            }
            else
            {
                waiting++;
            }
        }
        return new Counts(pendingInits, failedInits, runningSidecars, waiting, running, stopped, succeeded, running + stopped > 0);
    }
}
