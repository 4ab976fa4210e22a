using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.NodeLifecycle;

/// <summary>Keeps a node's NoSchedule taints equal to what its conditions and spec.unschedulable say (kube-controller-manager's node lifecycle controller).</summary>
internal sealed class NodeTaintController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private static readonly (string Condition, string BadStatus, string Taint)[] ByCondition =
    [
        ("Ready", "False", "node.kubernetes.io/not-ready"),
        ("Ready", "Unknown", "node.kubernetes.io/unreachable"),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ];

    private const string Unschedulable = "node.kubernetes.io/unschedulable";

    private readonly IInformer<V1Node> _nodes = informers.Get<V1Node>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("node-lifecycle", this, loggers, timeProvider).Watch(_nodes);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_nodes.Find(key) is not { Metadata.DeletionTimestamp: null } node || node.Status?.Conditions?.Any(c => c.Type == "Ready") != true)
            return ReconcileResult.Done;
        var wanted = Wanted(node);
        var current = node.Spec?.Taints ?? [];
        var kept = current.Where(t => t.Effect != "NoSchedule" || !IsManaged(t.Key)).ToList();
        var have = current.Where(t => t.Effect == "NoSchedule" && IsManaged(t.Key)).Select(t => t.Key).ToHashSet(StringComparer.Ordinal);
        if (have.SetEquals(wanted))
            return ReconcileResult.Done;

        var written = KubeJson.Clone(node);
        written.Spec ??= new V1NodeSpec();
        var taints = kept.Concat(wanted.Select(taint => current.FirstOrDefault(t => t.Key == taint && t.Effect == "NoSchedule") ?? new V1Taint { Key = taint, Effect = "NoSchedule" })).ToList();
        written.Spec.Taints = taints.Count == 0 ? null : taints;
        await client.UpdateAsync(written, cancellationToken);
        return ReconcileResult.Done;
    }

    internal static SortedSet<string> Wanted(V1Node node)
    {
        var taints = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (type, bad, taint) in ByCondition)
        {
            if (node.Status?.Conditions?.FirstOrDefault(c => c.Type == type)?.Status == bad)
                taints.Add(taint);
        }
        if (node.Spec?.Unschedulable == true)
            taints.Add(Unschedulable);
        return taints;
    }

    private static bool IsManaged(string key) => key == Unschedulable || Array.Exists(ByCondition, c => c.Taint == key);
}
