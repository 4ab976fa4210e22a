using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.StatefulSets;

/// <summary>Keeps a StatefulSet's pods, each with a name and storage of its own (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/).</summary>
internal sealed class StatefulSetController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1StatefulSet> _sets = informers.Get<V1StatefulSet>();
    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();
    private readonly PodClaims<V1StatefulSet> _pods = new(client, informers.Get<V1StatefulSet>(), OwnedPods.Get(informers), "apps/v1", "StatefulSet", Selector, StatefulPods.IsMember);
    private readonly RevisionHistory<V1StatefulSet> _history = new(client, informers.Get<V1StatefulSet>(), informers, "StatefulSet", "controller.kubernetes.io/hash", Selector, s => s.Spec.Template, timeProvider);
    private readonly StatefulPodControl _control = new(client, informers.Get<V1PersistentVolumeClaim>(), events, timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("statefulset", this, loggers, timeProvider, workers: 5);
        runner.Watch(_sets);
        _pods.Watch(runner, _control.Expectations);
        _history.Watch(runner);
        // A pod may wait for the claim of its predecessor to go, or have lost its own.
        runner.Watch(_claims, new InformerHandler<V1PersistentVolumeClaim>(OnDelete: claim =>
        {
            foreach (var set in _sets.List(claim.Metadata.NamespaceProperty).Where(s => IsClaimOf(s, claim)))
                runner.Queue.Add(ObjectKey.Of(set));
        }));
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_sets.Find(key) is not { } set)
        {
            _control.Expectations.Forget(key);
            _history.Forget(key);
            return ReconcileResult.Done;
        }
        // Asked before the pods are looked at: one that is seen in between would be counted as come, and be missing among them.
        var isUpToDate = _control.Expectations.AreMet(key, out var lapse);
        var pods = await _pods.ClaimAsync(set, mayAdopt: pod => !pod.IsTerminating(), cancellationToken);
        if (set.Metadata.DeletionTimestamp is not null)
        {
            // Its history may be gone before its pods: nothing is done any more but counted.
            await WriteStatusAsync(set, pods, set.Status?.CurrentRevision ?? "", set.Status?.UpdateRevision ?? "", set.Status?.CollisionCount ?? 0, outdated: 0, cancellationToken);
            return ReconcileResult.Done;
        }
        // Pods that are deleted already would be counted once more, and the status waver.
        if (!isUpToDate)
            return ReconcileResult.RequeueAfter(lapse);
        var revisions = await _history.ClaimAsync(set, cancellationToken);
        var (update, collisionCount) = await _history.EnsureAsync(set, revisions, set.Status?.CollisionCount ?? 0, cancellationToken);
        var current = revisions.Find(r => r.Metadata.Name == set.Status?.CurrentRevision) ?? update;
        var plan = StatefulSetPlan.Compute(set, pods, Revision(current), Revision(update), name => _claims.Find(key.Namespace, name), timeProvider.GetUtcNow());

        var (failure, outdated) = await ApplyAsync(set, plan, cancellationToken);
        await WriteStatusAsync(set, pods, current.Metadata.Name, update.Metadata.Name, collisionCount, outdated, cancellationToken);

        await TruncateAsync(set, pods, revisions, current, update, cancellationToken);
        if (failure is not null)
            throw failure;
        return plan.Recheck is { } delay ? ReconcileResult.RequeueAfter(delay) : ReconcileResult.Done;
    }

    /// <returns>The first failure, after which nothing more was done, and how many pods were deleted for the update.</returns>
    private async Task<(Exception? Failure, int Outdated)> ApplyAsync(V1StatefulSet set, StatefulSetPlan plan, CancellationToken cancellationToken)
    {
        if (await RunAllAsync(plan, plan.Replicas, step => _control.RunAsync(set, step, cancellationToken)) is { } replicas)
            return (replicas, 0);
        if (await RunAllAsync(plan, plan.Condemned, pod => _control.KeepClaimsAsync(set, pod, cancellationToken)) is { } claims)
            return (claims, 0);
        if (await RunAllAsync(plan, plan.ScaleDown, pod => _control.DeleteAsync(set, pod, cancellationToken)) is { } scaling)
            return (scaling, 0);
        var deleted = 0;
        var updating = await RunAllAsync(plan, plan.Outdated, async pod =>
        {
            await _control.DeleteAsync(set, pod, cancellationToken);
            Interlocked.Increment(ref deleted);
        });
        return (updating, deleted);
    }

    private static async Task<Exception?> RunAllAsync<TItem>(StatefulSetPlan plan, IReadOnlyList<TItem> items, Func<TItem, Task> action)
    {
        if (!plan.IsOrdered)
            return await SlowStart.RunAsync(items.Count, i => action(items[i]), onSkippedOrFailed: static () => { });
        foreach (var item in items)
        {
            if (await SlowStart.RunAsync(1, () => action(item), onSkippedOrFailed: static () => { }) is { } failure)
                return failure;
        }
        return null;
    }

    /// <summary>Deletes the oldest revisions that nothing uses; what is in use does not count towards the limit.</summary>
    private Task TruncateAsync(V1StatefulSet set, List<V1Pod> pods, List<V1ControllerRevision> revisions, V1ControllerRevision current, V1ControllerRevision update, CancellationToken cancellationToken)
    {
        var live = pods.Select(StatefulPods.Revision).Append(current.Metadata.Name).Append(update.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        var old = revisions.Where(r => !live.Contains(r.Metadata.Name)).ToList();
        return _history.DeleteAllAsync(set, old.Take(Math.Max(0, old.Count - (set.Spec.RevisionHistoryLimit ?? 10))), cancellationToken);
    }

    private async Task WriteStatusAsync(V1StatefulSet set, List<V1Pod> pods, string current, string update, int collisionCount, int outdated, CancellationToken cancellationToken)
    {
        var status = StatefulSetStatusPlan.Compute(set, pods, current, update, collisionCount, outdated, timeProvider.GetUtcNow());
        if (KubeJson.AreEqual(set.Status, status))
            return;
        var written = KubeJson.Clone(set);
        written.Status = status;
        await client.UpdateStatusAsync(written, cancellationToken);
    }

    private static TemplateRevision Revision(V1ControllerRevision revision) => new(revision.Metadata.Name, RevisionData.TemplateOf(revision));

    private static LabelSelector Selector(V1StatefulSet set) => LabelSelector.From(set.Spec.Selector);

    private static bool IsClaimOf(V1StatefulSet set, V1PersistentVolumeClaim claim) =>
        StatefulPods.Parse(claim.Metadata.Name) is ({ Length: > 0 } owner, >= 0) && (set.Spec.VolumeClaimTemplates ?? []).Any(t => owner == $"{t.Metadata.Name}-{set.Metadata.Name}");
}
