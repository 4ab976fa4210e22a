using k8s.Models;

namespace LiteKube.Apis.Nodes;

/// <summary>Whether tolerations admit taints (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/). Pure.</summary>
public static class Tolerations
{
    /// <summary>Whether a taint with effect NoSchedule or NoExecute keeps a pod with these tolerations off the node.</summary>
    public static bool HasUntolerated(IList<V1Toleration> tolerations, V1Node node)
    {
        if (node.Spec?.Taints is not { Count: > 0 } taints)
            return false;
        foreach (var taint in taints)
        {
            if (taint.Effect is "NoSchedule" or "NoExecute" && !AnyTolerates(tolerations, taint))
                return true;
        }
        return false;
    }

    public static bool AnyTolerates(IList<V1Toleration> tolerations, V1Taint taint)
    {
        foreach (var toleration in tolerations)
        {
            if (Tolerates(toleration, taint))
                return true;
        }
        return false;
    }

    /// <summary>An empty effect or key of a toleration stands for any; an empty operator for Equal.</summary>
    public static bool Tolerates(V1Toleration toleration, V1Taint taint)
    {
        if (!string.IsNullOrEmpty(toleration.Effect) && toleration.Effect != taint.Effect)
            return false;
        if (!string.IsNullOrEmpty(toleration.Key) && toleration.Key != taint.Key)
            return false;
        return toleration.OperatorProperty switch
        {
            null or "" or "Equal" => (toleration.Value ?? "") == (taint.Value ?? ""),
            "Exists" => true,
            "Lt" => NodeSelectors.Number(taint.Value) < NodeSelectors.Number(toleration.Value),
            "Gt" => NodeSelectors.Number(taint.Value) > NodeSelectors.Number(toleration.Value),
            _ => false,
        };
    }
}
