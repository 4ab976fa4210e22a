using k8s.Models;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>
/// Init containers run one after another to success; those with restartPolicy Always (sidecars) only have to have
/// started, and go on (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/).
/// </summary>
internal sealed record InitPlan(bool IsDone, bool HasFailed, IReadOnlyList<V1Container> Start, IReadOnlyList<ContainerKill> Kill)
{
    public static InitPlan Compute(V1Pod pod, PodSnapshot runtime, IReadOnlyDictionary<string, string> failedProbes, Func<ContainerRecord, bool> isStarted)
    {
        var containers = PodSpecs.InitContainers(pod).ToList();
        var sandbox = runtime.NewestSandbox!.Id;
        // Once an app container was made in this sandbox, init is over: its init containers may have been collected.
        var wasInitialized = runtime.Containers.Any(c => c.SandboxId == sandbox && pod.Spec.Containers.Any(a => a.Name == c.Name));
        var start = new List<V1Container>();
        var kill = new List<ContainerKill>();
        foreach (var container in containers)
        {
            var newest = runtime.Newest(container.Name);
            if (newest is not null && newest.SandboxId != sandbox)
                newest = null; // Of an earlier sandbox: it counts no more.
            if (PodSpecs.IsSidecar(container))
            {
                if (newest is { IsRunning: true } && failedProbes.TryGetValue(newest.Id, out var failure))
                {
                    kill.Add(new ContainerKill(newest, failure + ", will be restarted"));
                    start.Add(container);
                }
                else if (newest is not { IsRunning: true })
                {
                    if (newest?.Phase == ContainerPhase.Unknown)
                        kill.Add(new ContainerKill(newest, "Init container is in \"unknown\" state, try killing it before restart"));
                    start.Add(container);
                }
                else if (isStarted(newest))
                {
                    continue;
                }
                if (!wasInitialized)
                    return new InitPlan(false, false, start, kill);
                continue;
            }
            if (wasInitialized || newest is { Phase: ContainerPhase.Exited, ExitCode: 0 })
                continue;
            if (newest is { IsRunning: true })
                return new InitPlan(false, false, start, kill);
            if (newest is { Phase: ContainerPhase.Exited } && pod.Spec.RestartPolicy == "Never")
                return new InitPlan(false, true, [], []);
            if (newest?.Phase == ContainerPhase.Unknown)
                kill.Add(new ContainerKill(newest, "Init container is in \"unknown\" state, try killing it before restart"));
            return new InitPlan(false, false, [.. start, container], kill);
        }
        return new InitPlan(true, false, start, kill);
    }
}
