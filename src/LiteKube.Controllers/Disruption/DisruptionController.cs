using k8s;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Disruption;

/// <summary>
/// Tells the eviction API how many pods of a PodDisruptionBudget may go
/// (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). The API takes from that number what it lets go;
/// here it is counted anew.
/// </summary>
internal sealed class DisruptionController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    /// <summary>What brings no event is looked at again after this long, as kube-controller-manager does with every budget.</summary>
    public static readonly TimeSpan Resync = TimeSpan.FromSeconds(30);

    private readonly IInformer<V1PodDisruptionBudget> _budgets = informers.Get<V1PodDisruptionBudget>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly ControllerScales _scales = new(client, informers);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("disruption", this, loggers, timeProvider);
        runner.Watch(_budgets);
        runner.Watch(_pods, new InformerHandler<V1Pod>(
            OnAdd: pod => Queue(pod, isNew: true),
            OnUpdate: (old, pod) =>
            {
                if (ReferenceEquals(old, pod) || old.Metadata.ResourceVersion == pod.Metadata.ResourceVersion)
                    return;
                var isRelabelled = !ServicePods.SameLabels(old.Metadata.Labels, pod.Metadata.Labels);
                if (isRelabelled)
                    Queue(old, isNew: false);
                Queue(pod, isRelabelled);
            },
            OnDelete: pod => Queue(pod, isNew: false)));
        // A scale may change without a pod that does: when none can be made.
        WatchScale<V1ReplicationController>(runner, c => c.Spec.Replicas);
        WatchScale<V1ReplicaSet>(runner, s => s.Spec.Replicas);
        WatchScale<V1Deployment>(runner, d => d.Spec.Replicas);
        WatchScale<V1StatefulSet>(runner, s => s.Spec.Replicas);
        return runner;

        void Queue(V1Pod pod, bool isNew)
        {
            var matching = _budgets.List(pod.Metadata.NamespaceProperty).Where(b => Selector(b).Matches(pod.Metadata.Labels)).ToList();
            foreach (var budget in matching)
                runner.Queue.Add(ObjectKey.Of(budget));
            if (isNew && matching.Count > 1)
                events.Warning(pod, "MultiplePodDisruptionBudgets", $"Pod \"{pod.Metadata.NamespaceProperty}\"/\"{pod.Metadata.Name}\" matches multiple PodDisruptionBudgets.  Chose \"{matching[0].Metadata.Name}\" arbitrarily.");
        }
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_budgets.Find(key) is not { } budget)
            return ReconcileResult.Done;
        var selector = Selector(budget);
        var pods = _pods.List(key.Namespace).Where(p => selector.Matches(p.Metadata.Labels)).ToList();
        if (pods.Count == 0)
            events.Normal(budget, "NoPods", "No matching pods found");
        ExpectedScale? scale = null;
        try
        {
            if (BudgetPlan.NeedsScale(budget))
                scale = await _scales.FindAsync(pods, cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException or KubeApiException)
        {
            events.Warning(budget, "CalculateExpectedPodCountFailed", $"Failed to calculate the number of expected pods: {e.Message}");
            await WriteStatusAsync(budget, BudgetPlan.Failed(budget, e.Message, timeProvider.GetUtcNow()), cancellationToken);
            return ReconcileResult.RequeueAfter(Resync);
        }
        if (scale is { Unmanaged.Count: > 0 })
        {
            events.Warning(budget, "UnmanagedPods", $"Pods selected by this PodDisruptionBudget (selector: {Text(budget.Spec.Selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. " +
                "To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.");
        }
        var plan = BudgetPlan.Compute(budget, pods, scale?.Count ?? (budget.Spec.MinAvailable is null ? 0 : pods.Count), timeProvider.GetUtcNow());
        foreach (var pod in plan.Overdue)
            events.Warning(pod, "NotDeleted", $"Pod was expected by PDB {key.Namespace}/{key.Name} to be deleted but it wasn't");
        await WriteStatusAsync(budget, plan.Status, cancellationToken);
        var recheck = scale is { IsRead: true } && !(plan.Recheck < Resync) ? Resync : plan.Recheck;
        return recheck is { } delay ? ReconcileResult.RequeueAfter(delay) : ReconcileResult.Done;
    }

    private async Task WriteStatusAsync(V1PodDisruptionBudget budget, V1PodDisruptionBudgetStatus status, CancellationToken cancellationToken)
    {
        if (KubeJson.AreEqual(budget.Status, status))
            return;
        // A conflict means that an eviction was let through meanwhile: it is counted in the next round.
        var written = KubeJson.Clone(budget);
        written.Status = status;
        await client.UpdateStatusAsync(written, cancellationToken);
    }

    private void WatchScale<T>(ControllerRunner runner, Func<T, int?> replicas) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        void Queue(T owner)
        {
            foreach (var budget in _budgets.List(owner.Metadata.NamespaceProperty).Where(BudgetPlan.NeedsScale))
                runner.Queue.Add(ObjectKey.Of(budget));
        }

        runner.Watch(informers.Get<T>(), new InformerHandler<T>(
            OnAdd: Queue,
            OnUpdate: (old, owner) =>
            {
                if (replicas(old) != replicas(owner) || old.Controller()?.Uid != owner.Controller()?.Uid)
                    Queue(owner);
            },
            OnDelete: Queue));
    }

    /// <summary>As Go prints it.</summary>
    private static string Text(V1LabelSelector? selector)
    {
        if (selector is null)
            return "nil";
        var labels = (selector.MatchLabels ?? new Dictionary<string, string>()).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}: {p.Value},");
        var expressions = (selector.MatchExpressions ?? []).Select(e => $"LabelSelectorRequirement{{Key:{e.Key},Operator:{e.OperatorProperty},Values:[{string.Join(' ', e.Values ?? [])}],}},");
        return $"&LabelSelector{{MatchLabels:map[string]string{{{string.Concat(labels)}}},MatchExpressions:[]LabelSelectorRequirement{{{string.Concat(expressions)}}},}}";
    }

    private static LabelSelector Selector(V1PodDisruptionBudget budget) => LabelSelector.From(budget.Spec.Selector);
}
