using k8s.Models;

namespace LiteKube.Controllers.NodeLifecycle;

/// <summary>The conditions of a node from which nothing has come for the grace period. Pure.</summary>
internal static class UnknownConditionsPlan
{
    private static readonly string[] Kubelets = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

    /// <returns>All conditions of the node, or null when those of the kubelet are Unknown already.</returns>
    public static IList<V1NodeCondition>? Compute(V1Node node, DateTimeOffset now)
    {
        var current = node.Status?.Conditions ?? [];
        if (Array.TrueForAll(Kubelets, type => current.Any(c => c.Type == type && c.Status == "Unknown")))
            return null;
        var conditions = current.Select(c => Array.IndexOf(Kubelets, c.Type) >= 0 && c.Status != "Unknown" ? Stopped(c, now) : c).ToList();
        conditions.AddRange(Kubelets.Where(type => !current.Any(c => c.Type == type)).Select(type => NeverPosted(node, type, now)));
        return conditions;
    }

    private static V1NodeCondition Stopped(V1NodeCondition last, DateTimeOffset now) => new()
    {
        Type = last.Type,
        Status = "Unknown",
        Reason = "NodeStatusUnknown",
        Message = "Kubelet stopped posting node status.",
        LastHeartbeatTime = last.LastHeartbeatTime,
        LastTransitionTime = now.UtcDateTime,
    };

    private static V1NodeCondition NeverPosted(V1Node node, string type, DateTimeOffset now) => new()
    {
        Type = type,
        Status = "Unknown",
        Reason = "NodeStatusNeverUpdated",
        Message = "Kubelet never posted node status.",
        LastHeartbeatTime = node.Metadata.CreationTimestamp,
        LastTransitionTime = now.UtcDateTime,
    };
}
