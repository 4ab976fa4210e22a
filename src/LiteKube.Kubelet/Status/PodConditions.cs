using k8s.Models;
using LiteKube.Kubelet.PodWorkers;

namespace LiteKube.Kubelet.Status;

/// <summary>The conditions that are the kubelet's; all others of a pod are kept as they are.</summary>
internal static class PodConditions
{
    public const string ReadyToStartContainers = "PodReadyToStartContainers";
    public const string Initialized = "Initialized";
    public const string Ready = "Ready";
    public const string ContainersReady = "ContainersReady";
    public const string Scheduled = "PodScheduled";

    public static readonly IReadOnlySet<string> Owned = new HashSet<string>(StringComparer.Ordinal) { ReadyToStartContainers, Initialized, Ready, ContainersReady, Scheduled };

    public static List<V1PodCondition> Build(PodStatusInputs inputs, V1PodStatus status, List<V1ContainerStatus> inits, List<V1ContainerStatus> apps)
    {
        var existing = inputs.Previous?.Conditions ?? inputs.Pod.Status?.Conditions ?? [];
        var containersReady = ContainersReadyCondition(inputs.Pod, status.Phase, inits, apps);
        var computed = new List<V1PodCondition>
        {
            Make(ReadyToStartContainers, PodPlan.IsGood(inputs.Pod, inputs.Runtime.NewestSandbox)),
            InitializedCondition(inputs.Pod, status.Phase, inits, apps),
            ReadyCondition(inputs.Pod, containersReady, existing),
            containersReady,
            Make(Scheduled, true),
        };
        foreach (var condition in computed)
        {
            var before = existing.FirstOrDefault(c => c.Type == condition.Type);
            condition.ObservedGeneration = inputs.Pod.Metadata.Generation;
            condition.LastProbeTime = before?.LastProbeTime;
            condition.LastTransitionTime = before is not null && before.Status == condition.Status && before.LastTransitionTime is not null ? before.LastTransitionTime : inputs.Now.UtcDateTime;
        }
        computed.AddRange(existing.Where(c => !Owned.Contains(c.Type)));
        return computed;
    }

    private static V1PodCondition ContainersReadyCondition(V1Pod pod, string phase, List<V1ContainerStatus> inits, List<V1ContainerStatus> apps)
    {
        if (phase == "Succeeded")
            return Make(ContainersReady, false, "PodCompleted");
        if (phase == "Failed")
            return Make(ContainersReady, false, "PodFailed");
        var unready = PodSpecs.InitContainers(pod).Zip(inits).Where(p => PodSpecs.IsSidecar(p.First) && !p.Second.Ready).Select(p => p.Second.Name)
            .Concat(apps.Where(a => !a.Ready).Select(a => a.Name)).ToList();
        return unready.Count == 0 ? Make(ContainersReady, true)
            : Make(ContainersReady, false, "ContainersNotReady", $"containers with unready status: {GoText.List(unready)}");
    }

    private static V1PodCondition ReadyCondition(V1Pod pod, V1PodCondition containersReady, IEnumerable<V1PodCondition> existing)
    {
        if (containersReady.Status != "True")
            return Make(Ready, false, containersReady.Reason, containersReady.Message);
        var problems = new List<string>();
        foreach (var gate in pod.Spec.ReadinessGates ?? [])
        {
            // Gates are written by others: the newest from the API counts, not what was last written from here.
            var condition = (pod.Status?.Conditions ?? existing).FirstOrDefault(c => c.Type == gate.ConditionType);
            if (condition is null)
                problems.Add($"corresponding condition of pod readiness gate \"{gate.ConditionType}\" does not exist.");
            else if (condition.Status != "True")
                problems.Add($"the status of pod readiness gate \"{gate.ConditionType}\" is not \"True\", but {condition.Status}");
        }
        return problems.Count == 0 ? Make(Ready, true) : Make(Ready, false, "ReadinessGatesNotReady", string.Join(", ", problems));
    }

    private static V1PodCondition InitializedCondition(V1Pod pod, string phase, List<V1ContainerStatus> inits, List<V1ContainerStatus> apps)
    {
        if (phase == "Succeeded")
            return Make(Initialized, true, "PodCompleted");
        if (apps.Exists(a => a.State.Running is not null || a.State.Terminated is not null || a.LastState?.Terminated is not null))
            return Make(Initialized, true);
        var incomplete = PodSpecs.InitContainers(pod).Zip(inits).Where(p => PodSpecs.IsSidecar(p.First) ? p.Second.Started != true : !p.Second.Ready).Select(p => p.Second.Name).ToList();
        return incomplete.Count == 0 ? Make(Initialized, true)
            : Make(Initialized, false, "ContainersNotInitialized", $"containers with incomplete status: {GoText.List(incomplete)}");
    }

    private static V1PodCondition Make(string type, bool isTrue, string? reason = null, string? message = null) =>
        new() { Type = type, Status = isTrue ? "True" : "False", Reason = reason, Message = message };
}
