using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/</summary>
internal sealed class TaintToleration : IFilterPlugin, IScorePlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Untolerated = PluginStatus.Unresolvable("node(s) had untolerated taint(s)");
    public string Name => "TaintToleration";
    public int Weight => 3;
    public ClusterEvent Events => ClusterEvent.NodeAdd | ClusterEvent.NodeTaint | ClusterEvent.PodToleration;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change.New switch
    {
        V1Node node => !Tolerations.HasUntolerated(pod.Tolerations, node) && (change.Old is not V1Node old || Tolerations.HasUntolerated(pod.Tolerations, old)),
        PodInfo changed => changed.Uid == pod.Uid,
        _ => true,
    };

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node) => Tolerations.HasUntolerated(pod.Tolerations, node.Node!) ? Untolerated : null;

    /// <summary>The fewer PreferNoSchedule taints a pod does not tolerate, the better.</summary>
    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        long count = 0;
        if (node.Node!.Spec?.Taints is not { Count: > 0 } taints)
            return 0;
        foreach (var taint in taints)
        {
            if (taint.Effect == "PreferNoSchedule" && !Tolerations.AnyTolerates(pod.Tolerations, taint))
                count++;
        }
        return count;
    }

    public void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores) => Scores.Normalize(scores, reverse: true);
}
