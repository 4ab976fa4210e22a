using k8s.Models;

namespace LiteKube.Controllers.NodeLifecycle;

/// <summary>The taints that a node's conditions and spec.unschedulable ask for (https://kubernetes.io/docs/reference/labels-annotations-taints/). Pure.</summary>
internal static class NodeTaintPlan
{
    public const string NotReady = "node.kubernetes.io/not-ready";
    public const string Unreachable = "node.kubernetes.io/unreachable";
    private const string Unschedulable = "node.kubernetes.io/unschedulable";

    private static readonly (string Condition, string BadStatus, string Taint)[] ByCondition =
    [
        ("Ready", "False", NotReady),
        ("Ready", "Unknown", Unreachable),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ];

    /// <param name="evict">Whether pods are to leave a node that is not ready. Not when no node at all is: then the fault is hardly theirs, and there is nowhere to go.</param>
    /// <returns>The node's whole list of taints, or null when it is right as it is.</returns>
    public static IList<V1Taint>? Compute(V1Node node, bool evict, DateTimeOffset now)
    {
        var current = node.Spec?.Taints ?? [];
        var ready = StatusOf(node, "Ready");
        var wanted = new List<(string Key, string Effect)>();
        foreach (var (condition, bad, taint) in ByCondition)
        {
            if (StatusOf(node, condition) == bad)
                wanted.Add((taint, "NoSchedule"));
        }
        if (node.Spec?.Unschedulable == true)
            wanted.Add((Unschedulable, "NoSchedule"));
        if (evict && ready == "False")
            wanted.Add((NotReady, "NoExecute"));
        if (evict && ready == "Unknown")
            wanted.Add((Unreachable, "NoExecute"));

        // A node that never said whether it is ready keeps the taint that its registration put on it.
        var taints = current.Where(t => !IsManaged(t) || wanted.Contains((t.Key, t.Effect)) || (ready is null && t.Key == NotReady)).ToList();
        var missing = wanted.Where(w => !taints.Exists(t => (t.Key, t.Effect) == w)).ToList();
        if (missing.Count == 0 && taints.Count == current.Count)
            return null;
        taints.AddRange(missing.Select(w => new V1Taint { Key = w.Key, Effect = w.Effect, TimeAdded = now.UtcDateTime }));
        return taints;
    }

    public static string? StatusOf(V1Node node, string condition) => node.Status?.Conditions?.FirstOrDefault(c => c.Type == condition)?.Status;

    private static bool IsManaged(V1Taint taint) => taint.Effect switch
    {
        "NoSchedule" => taint.Key == Unschedulable || Array.Exists(ByCondition, c => c.Taint == taint.Key),
        "NoExecute" => taint.Key is NotReady or Unreachable,
        _ => false,
    };
}
