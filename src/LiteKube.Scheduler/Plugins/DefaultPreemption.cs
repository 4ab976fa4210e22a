using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Metrics;
using LiteKube.Scheduler.Preemption;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Makes room for a pod that fits nowhere by evicting less important ones (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).</summary>
internal sealed class DefaultPreemption(PreemptionEvaluator evaluator, PreemptionExecutor executor, SchedulerMetrics? metrics) : IPostFilterPlugin, IPreEnqueuePlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Running = PluginStatus.Unresolvable("waiting for the preemption for this pod to be finished");

    public string Name => "DefaultPreemption";

    /// <summary>So that the gate is looked at again when a victim goes.</summary>
    public ClusterEvent Events => ClusterEvent.AssignedPodDelete;

    /// <summary>Whether the room suffices is for those to say who turned the pod away.</summary>
    public bool MayHelp(PodInfo pod, in ClusterChange change) => false;

    public PluginStatus? PreEnqueue(PodInfo pod) => executor.IsPreempting(pod.Uid) ? Running : null;

    public PostFilterResult PostFilter(CycleState state, PodInfo pod, Snapshot snapshot, Diagnosis diagnosis)
    {
        metrics?.Preemptions.Add();
        if (PreemptionEvaluator.WhyNotEligible(pod, snapshot, diagnosis) is { } reason)
            return new PostFilterResult(null, $"preemption: {reason}");
        if (evaluator.FindCheapest(state, pod, snapshot, diagnosis, out reason) is not { } candidate)
            return new PostFilterResult("", $"preemption: {reason}");
        executor.Begin(pod, candidate);
        return new PostFilterResult(candidate.Node, null);
    }
}
