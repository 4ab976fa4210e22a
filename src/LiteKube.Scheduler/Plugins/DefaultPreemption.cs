using System.Globalization;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>
/// Says whether evicting pods of lower priority could make room. It evicts none: a pod that only preemption would help
/// waits, and is told so.
/// </summary>
internal sealed class DefaultPreemption : IPostFilterPlugin
{
    public string Name => "DefaultPreemption";

    public PostFilterResult PostFilter(CycleState state, PodInfo pod, Snapshot snapshot, Diagnosis diagnosis)
    {
        if (pod.Pod.Spec.PreemptionPolicy == "Never")
            return new PostFilterResult(null, "preemption: not eligible due to preemptionPolicy=Never.");
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var node in snapshot.Nodes)
        {
            var reason = Reason(pod, node, diagnosis.ByNode.GetValueOrDefault(node.Name));
            counts[reason] = counts.GetValueOrDefault(reason) + 1;
        }
        return new PostFilterResult(null, string.Create(CultureInfo.InvariantCulture, $"preemption: 0/{snapshot.Nodes.Count} nodes are available: {Diagnosis.Histogram(counts)}."));
    }

    private static string Reason(PodInfo pod, NodeInfo node, PluginStatus? status)
    {
        if (status is not { Code: StatusCode.Unschedulable })
            return "Preemption is not helpful for scheduling";
        return node.Pods.Any(other => other.Priority < pod.Priority)
            ? "Pods of lower priority are not evicted"
            : "No preemption victims found for incoming pod";
    }
}
