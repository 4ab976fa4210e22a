using k8s.Models;

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
            var tolerations = (pod.Spec.Tolerations ?? []).Where(t => Tolerates(t, taint)).ToList();
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

    /// <summary>An empty key with Exists tolerates every key, an empty effect every effect.</summary>
    public static bool Tolerates(V1Toleration toleration, V1Taint taint)
    {
        if (!string.IsNullOrEmpty(toleration.Effect) && toleration.Effect != taint.Effect)
            return false;
        if (string.IsNullOrEmpty(toleration.Key))
            return toleration.OperatorProperty == "Exists";
        if (toleration.Key != taint.Key)
            return false;
        return toleration.OperatorProperty switch
        {
            "Exists" => true,
            null or "" or "Equal" => (toleration.Value ?? "") == (taint.Value ?? ""),
            _ => false,
        };
    }
}
