using k8s.Models;
using LiteKube.Apis.Nodes;

namespace LiteKube.Controllers.TaintEviction;

/// <summary>How long a pod may stay on a node with NoExecute taints (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions). Pure.</summary>
internal static class EvictionPlan
{
    public static IReadOnlyList<V1Taint> NoExecuteTaints(V1Node node) => [.. (node.Spec?.Taints ?? []).Where(t => t.Effect == "NoExecute")];

    /// <returns>Null for as long as it likes; zero for not at all.</returns>
    public static TimeSpan? StayOf(V1Pod pod, IReadOnlyList<V1Taint> taints)
    {
        TimeSpan? stay = null;
        foreach (var taint in taints)
        {
            var tolerations = (pod.Spec.Tolerations ?? []).Where(t => Tolerations.Tolerates(t, taint)).ToList();
            if (tolerations.Count == 0)
                return TimeSpan.Zero;
            foreach (var toleration in tolerations)
            {
                if (toleration.TolerationSeconds is { } seconds && TimeSpan.FromSeconds(Math.Clamp(seconds, 0, int.MaxValue)) is var limit && (stay is null || limit < stay))
                    stay = limit;
            }
        }
        return stay;
    }
}
