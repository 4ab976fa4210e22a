using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Deployments;

/// <summary>Rolls a Deployment's template out over ReplicaSets (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/).</summary>
internal sealed class DeploymentController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private const string OwnerIndex = "deployment-uid";

    private readonly IInformer<V1Deployment> _deployments = informers.Get<V1Deployment>();
    private readonly IInformer<V1Pod> _pods = OwnedPods.Get(informers);
    private readonly IInformer<V1ReplicaSet> _replicaSets = WithOwnerIndex(informers.Get<V1ReplicaSet>());
    // What it asked of one set counts for the others at once, or a watch that is behind would let them grow together beyond the surge.
    private readonly RecentWrites<V1ReplicaSet> _written = new(informers.Get<V1ReplicaSet>(), timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("deployment", this, loggers, timeProvider, workers: 5);
        runner.Watch(_deployments);
        runner.Watch(_replicaSets, Concerned);
        runner.Watch(_replicaSets, new InformerHandler<V1ReplicaSet>(OnDelete: set =>
        {
            foreach (var key in Concerned(set))
                _written.Gone(key, set);
        }));
        // Recreate waits for the last old pod to go; nothing else about pods is missing from their sets' status.
        runner.Watch(_pods, new InformerHandler<V1Pod>(OnDelete: pod =>
        {
            if (pod.Controller() is { Kind: "ReplicaSet" } owner && _replicaSets.Find(pod.Metadata.NamespaceProperty, owner.Name)?.Controller() is { Kind: "Deployment" } top &&
                _deployments.Find(pod.Metadata.NamespaceProperty, top.Name) is { Spec.Strategy.Type: "Recreate" } deployment)
            {
                runner.Queue.Add(ObjectKey.Of(deployment));
            }
        }));
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_deployments.Find(key) is not { } deployment)
            return ReconcileResult.Done;
        var sets = await ClaimAsync(deployment, cancellationToken);
        var newSet = Revisions.FindNew(deployment, sets);
        if (deployment.Metadata.DeletionTimestamp is not null)
            return await WriteStatusAsync(deployment, newSet, sets, null, cancellationToken);

        if (deployment.Spec.Paused == true || RollingPlan.IsScaledMidway(deployment, sets))
        {
            if (newSet is not null)
                newSet = await AdoptRevisionAsync(deployment, newSet, sets, cancellationToken);
            sets = await ScaleAsync(deployment, newSet, sets, cancellationToken);
            if (deployment.Spec.Paused == true)
                await TrimHistoryAsync(deployment, newSet, sets, cancellationToken);
            return await WriteStatusAsync(deployment, Same(newSet, sets), sets, null, cancellationToken);
        }
        return deployment.Spec.Strategy?.Type == "Recreate"
            ? await RecreateAsync(deployment, newSet, sets, cancellationToken)
            : await RollAsync(deployment, newSet, sets, cancellationToken);
    }

    private async Task<ReconcileResult> RollAsync(V1Deployment deployment, V1ReplicaSet? newSet, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        (newSet, var happened) = await EnsureNewAsync(deployment, newSet, sets, cancellationToken);
        if (newSet is null)
            return ReconcileResult.Done;
        if (RollingPlan.NewReplicas(deployment, newSet, sets) is var grown && grown != RollingPlan.Replicas(newSet))
        {
            newSet = await ResizeAsync(deployment, newSet, grown, sets, cancellationToken);
            return await WriteStatusAsync(deployment, newSet, sets, happened, cancellationToken);
        }
        var old = sets.Where(s => s.Metadata.Uid != newSet.Metadata.Uid).ToList();
        var shrunk = RollingPlan.ShrinkOld(deployment, newSet, old);
        // The room of pods that serve nobody is taken at once. A status that is behind would give that of pods which do by
        // now, all of them at worst: so these are counted where they stand.
        if (shrunk.Count > 0 && old.Exists(RollingPlan.IsShort))
            shrunk = RollingPlan.ShrinkOld(deployment, newSet, old, await CountAvailableAsync(deployment, cancellationToken));
        foreach (var (set, replicas) in shrunk)
            await ResizeAsync(deployment, set, replicas, sets, cancellationToken);
        return await FinishAsync(deployment, newSet, sets, happened, cancellationToken);
    }

    private async Task<Func<V1ReplicaSet, int>> CountAvailableAsync(V1Deployment deployment, CancellationToken cancellationToken)
    {
        var selector = LabelSelector.From(deployment.Spec.Selector).ToString();
        var pods = (await client.ListAsync<V1Pod>(deployment.Metadata.NamespaceProperty, new ListOptions(selector), cancellationToken)).Items.Where(p => p.IsActive()).ToLookup(p => p.Controller()?.Uid);
        var now = timeProvider.GetUtcNow();
        return set => pods[set.Metadata.Uid].Count(p => p.IsAvailable(set.Spec.MinReadySeconds ?? 0, now, out _));
    }

    private async Task<ReconcileResult> RecreateAsync(V1Deployment deployment, V1ReplicaSet? newSet, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        var old = sets.Where(s => s.Metadata.Uid != newSet?.Metadata.Uid).ToList();
        var shrunk = false;
        foreach (var set in old.Where(s => RollingPlan.Replicas(s) > 0))
        {
            await ResizeAsync(deployment, set, 0, sets, cancellationToken);
            shrunk = true;
        }
        // Not before the last old pod has ended: that is what Recreate promises.
        if (shrunk || old.Exists(s => _pods.ByIndex(OwnedPods.Index, s.Metadata.Uid).Any(p => p.Status?.Phase is not ("Succeeded" or "Failed"))))
            return await WriteStatusAsync(deployment, newSet, sets, null, cancellationToken);

        (newSet, var happened) = await EnsureNewAsync(deployment, newSet, sets, cancellationToken);
        if (newSet is null)
            return ReconcileResult.Done;
        if (RollingPlan.Replicas(newSet) != RollingPlan.Desired(deployment))
            newSet = await ResizeAsync(deployment, newSet, RollingPlan.Desired(deployment), sets, cancellationToken);
        return await FinishAsync(deployment, newSet, sets, happened, cancellationToken);
    }

    private async Task<ReconcileResult> FinishAsync(V1Deployment deployment, V1ReplicaSet newSet, List<V1ReplicaSet> sets, (string, string)? happened, CancellationToken cancellationToken)
    {
        var status = DeploymentStatusPlan.Compute(deployment, newSet, sets, happened, timeProvider.GetUtcNow(), out _);
        if (DeploymentStatusPlan.IsComplete(deployment, status))
            await TrimHistoryAsync(deployment, newSet, sets, cancellationToken);
        return await WriteStatusAsync(deployment, newSet, sets, happened, cancellationToken);
    }

    /// <summary>The ReplicaSet of the current template, made or brought up to its revision; null when the Deployment must be looked at afresh.</summary>
    private async Task<(V1ReplicaSet? Set, (string Reason, string Message)? Happened)> EnsureNewAsync(V1Deployment deployment, V1ReplicaSet? newSet, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        if (newSet is not null)
        {
            var known = deployment.Status?.Conditions?.Any(c => c.Type == "Progressing") == true;
            var found = await AdoptRevisionAsync(deployment, newSet, sets, cancellationToken);
            return (found, known ? null : ("FoundNewReplicaSet", $"Found new replica set \"{found.Metadata.Name}\""));
        }

        var hash = TemplateHash.Compute(deployment.Spec.Template, deployment.Status?.CollisionCount);
        var template = KubeJson.Clone(deployment.Spec.Template);
        template.Metadata ??= new V1ObjectMeta();
        (template.Metadata.Labels ??= new Dictionary<string, string>())[PodTemplates.HashLabel] = hash;
        var selector = KubeJson.Clone(deployment.Spec.Selector);
        (selector.MatchLabels ??= new Dictionary<string, string>())[PodTemplates.HashLabel] = hash;
        var set = new V1ReplicaSet
        {
            ApiVersion = "apps/v1",
            Kind = "ReplicaSet",
            Metadata = new V1ObjectMeta
            {
                Name = $"{deployment.Metadata.Name}-{hash}",
                NamespaceProperty = deployment.Metadata.NamespaceProperty,
                Labels = template.Metadata.Labels,
                OwnerReferences = [Owners.ReferenceTo(deployment, "apps/v1", "Deployment")],
            },
            Spec = new V1ReplicaSetSpec { Replicas = 0, Selector = selector, Template = template, MinReadySeconds = deployment.Spec.MinReadySeconds },
        };
        set.Spec.Replicas = RollingPlan.NewReplicas(deployment, set, [.. sets, set]);
        var revision = Revisions.NextAfter(sets);
        Revisions.Annotate(deployment, set, revision);
        try
        {
            var created = await client.CreateAsync(set, cancellationToken);
            _written.Written(ObjectKey.Of(deployment), created);
            sets.Add(created);
            if (RollingPlan.Replicas(created) > 0)
                events.Normal(deployment, "ScalingReplicaSet", $"Scaled up replica set {created.Metadata.Name} from 0 to {RollingPlan.Replicas(created)}");
            await WriteRevisionAsync(deployment, revision, cancellationToken);
            return (created, ("NewReplicaSetCreated", $"Created new replica set \"{created.Metadata.Name}\""));
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            await ResolveCollisionAsync(deployment, set, cancellationToken);
            return (null, null);
        }
    }

    /// <summary>A set of that name exists: ours that the informer has not shown yet (wait for it), or another template's (count the collision, so that the name changes).</summary>
    private async Task ResolveCollisionAsync(V1Deployment deployment, V1ReplicaSet wanted, CancellationToken cancellationToken)
    {
        var live = await client.GetAsync<V1ReplicaSet>(wanted.Metadata.NamespaceProperty, wanted.Metadata.Name, cancellationToken);
        if (live.IsControlledBy(deployment) && PodTemplates.AreEqualIgnoringHash(live.Spec.Template, deployment.Spec.Template))
            return;
        var written = KubeJson.Clone(deployment);
        written.Status ??= new V1DeploymentStatus();
        written.Status.CollisionCount = (written.Status.CollisionCount ?? 0) + 1;
        await client.UpdateStatusAsync(written, cancellationToken);
    }

    /// <summary>A template that comes back (rollback) takes the newest revision number.</summary>
    private async Task<V1ReplicaSet> AdoptRevisionAsync(V1Deployment deployment, V1ReplicaSet newSet, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        var revision = Math.Max(Revisions.Of(newSet), Revisions.NextAfter(sets.Where(s => s.Metadata.Uid != newSet.Metadata.Uid)));
        var copy = KubeJson.Clone(newSet);
        if (Revisions.Annotate(deployment, copy, revision) | copy.Spec.MinReadySeconds != deployment.Spec.MinReadySeconds)
        {
            copy.Spec.MinReadySeconds = deployment.Spec.MinReadySeconds;
            newSet = Replace(deployment, sets, await client.UpdateAsync(copy, cancellationToken));
        }
        await WriteRevisionAsync(deployment, revision, cancellationToken);
        return newSet;
    }

    private async Task WriteRevisionAsync(V1Deployment deployment, long revision, CancellationToken cancellationToken)
    {
        if (Revisions.Of(deployment) == revision)
            return;
        var live = await client.GetAsync<V1Deployment>(deployment.Metadata.NamespaceProperty, deployment.Metadata.Name, cancellationToken);
        if (live.Metadata.Uid != deployment.Metadata.Uid || Revisions.Of(live) == revision)
            return;
        (live.Metadata.Annotations ??= new Dictionary<string, string>())[Revisions.Annotation] = revision.ToString(CultureInfo.InvariantCulture);
        await client.UpdateAsync(live, cancellationToken);
    }

    private async Task<V1ReplicaSet> ResizeAsync(V1Deployment deployment, V1ReplicaSet set, int replicas, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        var before = RollingPlan.Replicas(set);
        var copy = KubeJson.Clone(set);
        var annotated = Revisions.AnnotateSizes(deployment, copy);
        if (before == replicas && !annotated)
            return set;
        copy.Spec.Replicas = replicas;
        var written = Replace(deployment, sets, await client.UpdateAsync(copy, cancellationToken));
        if (before != replicas)
            events.Normal(deployment, "ScalingReplicaSet", $"Scaled {(replicas > before ? "up" : "down")} replica set {set.Metadata.Name} from {before} to {replicas}");
        return written;
    }

    private async Task<List<V1ReplicaSet>> ScaleAsync(V1Deployment deployment, V1ReplicaSet? newSet, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        foreach (var (set, replicas) in RollingPlan.Rescale(deployment, newSet, sets))
            await ResizeAsync(deployment, set, replicas, sets, cancellationToken);
        return sets;
    }

    private async Task TrimHistoryAsync(V1Deployment deployment, V1ReplicaSet? newSet, List<V1ReplicaSet> sets, CancellationToken cancellationToken)
    {
        var limit = deployment.Spec.RevisionHistoryLimit ?? 10;
        if (limit == int.MaxValue)
            return;
        var old = sets.Where(s => s.Metadata.Uid != newSet?.Metadata.Uid && s.Metadata.DeletionTimestamp is null).OrderBy(Revisions.Of).ToList();
        foreach (var set in old.Take(Math.Max(0, old.Count - limit)))
        {
            if (RollingPlan.Replicas(set) != 0 || (set.Status?.Replicas ?? 0) != 0 || set.Metadata.Generation > (set.Status?.ObservedGeneration ?? 0))
                continue;
            try
            {
                await client.DeleteAsync<V1ReplicaSet>(set.Metadata.NamespaceProperty, set.Metadata.Name, new DeleteOptions(PreconditionUid: set.Metadata.Uid), cancellationToken);
            }
            catch (KubeApiException e) when (e.IsNotFound)
            {
                continue;
            }
            _written.Deleted(ObjectKey.Of(deployment), set);
            sets.Remove(set);
        }
    }

    private async Task<ReconcileResult> WriteStatusAsync(V1Deployment deployment, V1ReplicaSet? newSet, List<V1ReplicaSet> sets, (string, string)? happened, CancellationToken cancellationToken)
    {
        var status = DeploymentStatusPlan.Compute(deployment, newSet, sets, happened, timeProvider.GetUtcNow(), out var recheck);
        if (!KubeJson.AreEqual(deployment.Status, status))
        {
            // The revision annotation may have been written just now, which would make a PUT conflict.
            var live = await client.GetAsync<V1Deployment>(deployment.Metadata.NamespaceProperty, deployment.Metadata.Name, cancellationToken);
            if (live.Metadata.Uid != deployment.Metadata.Uid)
                return ReconcileResult.Done;
            live.Status = status;
            await client.UpdateStatusAsync(live, cancellationToken);
        }
        return recheck is { } delay ? ReconcileResult.RequeueAfter(delay) : ReconcileResult.Done;
    }

    private async Task<List<V1ReplicaSet>> ClaimAsync(V1Deployment deployment, CancellationToken cancellationToken)
    {
        var selector = LabelSelector.From(deployment.Spec.Selector);
        var sets = new List<V1ReplicaSet>();
        foreach (var set in _written.Over(ObjectKey.Of(deployment), sets => sets.ByIndex(OwnerIndex, deployment.Metadata.Uid)).Where(s => s.IsControlledBy(deployment)))
        {
            if (selector.Matches(set.Metadata.Labels))
                sets.Add(set);
            else if (set.Metadata.DeletionTimestamp is null && deployment.Metadata.DeletionTimestamp is null)
                await client.TryPatchAsync(set, MetadataPatches.Release(set, deployment.Metadata.Uid), cancellationToken);
        }
        if (deployment.Metadata.DeletionTimestamp is not null)
            return sets;
        foreach (var orphan in _replicaSets.ByIndex(OwnerIndex, "orphan:" + deployment.Metadata.NamespaceProperty))
        {
            if (orphan.Metadata.DeletionTimestamp is null && selector.Matches(orphan.Metadata.Labels) &&
                await client.TryPatchAsync(orphan, MetadataPatches.Adopt(orphan, Owners.ReferenceTo(deployment, "apps/v1", "Deployment")), cancellationToken) is { } adopted)
            {
                sets.Add(adopted);
            }
        }
        return sets;
    }

    private V1ReplicaSet Replace(V1Deployment deployment, List<V1ReplicaSet> sets, V1ReplicaSet written)
    {
        _written.Written(ObjectKey.Of(deployment), written);
        var at = sets.FindIndex(s => s.Metadata.Uid == written.Metadata.Uid);
        if (at >= 0)
            sets[at] = written;
        return written;
    }

    private static V1ReplicaSet? Same(V1ReplicaSet? set, List<V1ReplicaSet> sets) => set is null ? null : sets.Find(s => s.Metadata.Uid == set.Metadata.Uid) ?? set;

    private IEnumerable<ObjectKey> Concerned(V1ReplicaSet set)
    {
        var ns = set.Metadata.NamespaceProperty ?? "";
        if (set.Controller() is { } owner)
            return owner.Kind == "Deployment" ? [new ObjectKey(ns, owner.Name)] : [];
        return _deployments.List(ns).Where(d => LabelSelector.From(d.Spec.Selector).Matches(set.Metadata.Labels)).Select(d => ObjectKey.Of(d)).ToList();
    }

    private static IInformer<V1ReplicaSet> WithOwnerIndex(IInformer<V1ReplicaSet> replicaSets)
    {
        replicaSets.AddIndex(OwnerIndex, set => [set.Controller()?.Uid ?? "orphan:" + set.Metadata.NamespaceProperty]);
        return replicaSets;
    }
}
