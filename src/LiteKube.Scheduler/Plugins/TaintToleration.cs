using System.Globalization;
using k8s.Models;
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
        V1Node node => !Tolerations.HasUntolerated(pod, node) && (change.Old is not V1Node old || Tolerations.HasUntolerated(pod, old)),
        PodInfo changed => changed.Uid == pod.Uid,
        _ => true,
    };

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node) => Tolerations.HasUntolerated(pod, node.Node!) ? Untolerated : null;

    /// <summary>The fewer PreferNoSchedule taints a pod does not tolerate, the better.</summary>
    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        long count = 0;
        if (node.Node!.Spec?.Taints is not { Count: > 0 } taints)
            return 0;
        foreach (var taint in taints)
        {
            if (taint.Effect == "PreferNoSchedule" && !Tolerations.Tolerate(pod.Tolerations, taint))
                count++;
        }
        return count;
    }

    public void Normalize(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Span<long> scores) => Scores.Normalize(scores, reverse: true);
}

internal static class Tolerations
{
    /// <summary>Whether a taint keeps the pod off the node.</summary>
    public static bool HasUntolerated(PodInfo pod, V1Node node)
    {
        if (node.Spec?.Taints is not { Count: > 0 } taints)
            return false;
        foreach (var taint in taints)
        {
            if (taint.Effect is "NoSchedule" or "NoExecute" && !Tolerate(pod.Tolerations, taint))
                return true;
        }
        return false;
    }

    public static bool Tolerate(IList<V1Toleration> tolerations, V1Taint taint)
    {
        foreach (var toleration in tolerations)
        {
            if (Tolerates(toleration, taint))
                return true;
        }
        return false;
    }

    /// <summary>An empty effect or key of a toleration stands for any; an empty operator for Equal.</summary>
    private static bool Tolerates(V1Toleration toleration, V1Taint taint)
    {
        if (!string.IsNullOrEmpty(toleration.Effect) && toleration.Effect != taint.Effect)
            return false;
        if (!string.IsNullOrEmpty(toleration.Key) && toleration.Key != taint.Key)
            return false;
        return toleration.OperatorProperty switch
        {
            null or "" or "Equal" => (toleration.Value ?? "") == (taint.Value ?? ""),
            "Exists" => true,
            "Lt" => Compare(taint.Value, toleration.Value) < 0,
            "Gt" => Compare(taint.Value, toleration.Value) > 0,
            _ => false,
        };
    }

    // Values that are no numbers compare to nothing.
    private static int? Compare(string? taint, string? toleration) =>
        long.TryParse(taint, CultureInfo.InvariantCulture, out var left) && long.TryParse(toleration, CultureInfo.InvariantCulture, out var right) ? left.CompareTo(right) : null;
}
