using k8s.Models;

namespace LiteKube.Kubelet.PodWorkers;

internal sealed record ContainerKill(ContainerRecord Container, string Message);

/// <summary>What a pod needs next, computed from its spec and what the runtime has: no effects, no clock.</summary>
internal sealed record PodPlan
{
    /// <summary>End everything that runs and the sandbox: it is replaced, or the pod is done.</summary>
    public bool KillPod { get; init; }
    public bool CreateSandbox { get; init; }

    /// <summary>Number of the sandbox to create.</summary>
    public uint Attempt { get; init; }

    /// <summary>The sandbox to use, when there is a good one.</summary>
    public SandboxRecord? Sandbox { get; init; }
    public IReadOnlyList<ContainerKill> Kill { get; init; } = [];

    /// <summary>In order: ephemeral, init, app containers.</summary>
    public IReadOnlyList<V1Container> Start { get; init; } = [];

    /// <summary>An init container failed for good.</summary>
    public bool HasFailed { get; init; }

    public bool IsNothing => !KillPod && !CreateSandbox && Kill.Count == 0 && Start.Count == 0;

    /// <param name="failedProbes">Container ids that a liveness or startup probe gave up on, with the Killing event's message.</param>
    /// <param name="isStarted">Whether a running sidecar has passed its startup probe.</param>
    public static PodPlan Compute(V1Pod pod, PodSnapshot runtime, IReadOnlyDictionary<string, string> failedProbes, Func<ContainerRecord, bool> isStarted)
    {
        var sandbox = runtime.NewestSandbox;
        if (!IsGood(pod, sandbox))
            return WithNewSandbox(pod, runtime, sandbox);

        var start = new List<V1Container>();
        var kill = new List<ContainerKill>();
        start.AddRange(PodSpecs.EphemeralContainers(pod).Where(c => runtime.Newest(c.Name) is null));

        var init = InitPlan.Compute(pod, runtime, failedProbes, isStarted);
        if (init.HasFailed)
            return new PodPlan { KillPod = true, HasFailed = true, Sandbox = sandbox };
        if (!init.IsDone)
            return new PodPlan { Sandbox = sandbox, Start = [.. start, .. init.Start], Kill = init.Kill };

        var kept = 0;
        var apps = new List<V1Container>();
        foreach (var container in pod.Spec.Containers)
        {
            var newest = runtime.Newest(container.Name);
            if (newest is null || !newest.IsRunning)
            {
                if (!ShouldRun(pod, newest))
                    continue;
                apps.Add(container);
                if (newest?.Phase == ContainerPhase.Unknown)
                    kill.Add(new ContainerKill(newest, "Container is in \"unknown\" state, try killing it before restart"));
                continue;
            }
            var changed = newest.Hash.Length > 0 && newest.Hash != PodSpecs.HashOf(container);
            if (!changed && !failedProbes.ContainsKey(newest.Id))
            {
                kept++;
                continue;
            }
            // A changed spec restarts whatever the policy says; a failed probe only as far as it allows.
            var message = changed ? $"Container {container.Name} definition changed" : failedProbes[newest.Id];
            if (changed || pod.Spec.RestartPolicy != "Never")
            {
                apps.Add(container);
                message += ", will be restarted";
            }
            kill.Add(new ContainerKill(newest, message));
        }

        var killPod = kept == 0 && apps.Count == 0 && kill.Count == 0;
        return new PodPlan
        {
            Sandbox = sandbox,
            KillPod = killPod,
            Kill = [.. init.Kill, .. kill],
            // Sidecars do not keep a pod alive whose containers are done.
            Start = [.. start, .. killPod ? [] : init.Start, .. apps],
        };
    }

    /// <summary>Restart policy and how it ended decide; one that never ran always runs.</summary>
    internal static bool ShouldRun(V1Pod pod, ContainerRecord? newest) => newest switch
    {
        null => true,
        { Phase: ContainerPhase.Running } => false,
        // Created, but never started: the runtime or this process ended in between.
        { Phase: ContainerPhase.Created or ContainerPhase.Unknown } => true,
        _ => pod.Spec.RestartPolicy switch
        {
            "Never" => false,
            "OnFailure" => newest.ExitCode != 0,
            _ => true,
        },
    };

    internal static bool IsGood(V1Pod pod, SandboxRecord? sandbox) =>
        sandbox is { IsReady: true } && sandbox.IsHostNetwork == PodSpecs.IsHostNetwork(pod) && (sandbox.IsHostNetwork || sandbox.Ips.Count > 0);

    private static PodPlan WithNewSandbox(V1Pod pod, PodSnapshot runtime, SandboxRecord? old)
    {
        var attempt = old is null ? 0 : old.Attempt + 1;
        var nothing = new PodPlan { KillPod = true, Attempt = attempt };
        if (pod.Spec.RestartPolicy == "Never" && attempt != 0 && !runtime.Containers.IsEmpty)
            return nothing;
        var apps = pod.Spec.Containers.Where(c => pod.Spec.RestartPolicy != "OnFailure" || runtime.Newest(c.Name) is not { Phase: ContainerPhase.Exited, ExitCode: 0 }).ToList();
        if (apps.Count == 0 && pod.Spec.Containers.Any(c => runtime.Newest(c.Name) is not null))
            return nothing;
        // A new sandbox begins from the first init container again.
        var init = PodSpecs.InitContainers(pod).FirstOrDefault();
        return new PodPlan { KillPod = old is not null, CreateSandbox = true, Attempt = attempt, Start = init is not null ? [init] : apps };
    }
}
