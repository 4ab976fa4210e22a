using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.ReplicaSets;

/// <summary>
/// Keeps as many pods of a template as a ReplicaSet or ReplicationController asks for
/// (https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/).
/// </summary>
internal sealed class ReplicaController<T>(IReplicaKind<T> kind, IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly IInformer<T> _sets = informers.Get<T>();
    private readonly IInformer<V1Pod> _pods = OwnedPods.Get(informers);
    private readonly Expectations _expectations = new(timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner(kind.Name, this, loggers, timeProvider, workers: 5);
        runner.Watch(_sets);
        runner.Watch(_pods, new InformerHandler<V1Pod>(
            OnAdd: pod =>
            {
                foreach (var key in Concerned(pod))
                {
                    if (pod.IsTerminating())
                        _expectations.DeletionObserved(key, pod.Metadata.Uid);
                    else
                        _expectations.CreationObserved(key);
                    runner.Queue.Add(key);
                }
            },
            OnUpdate: (old, pod) =>
            {
                if (ReferenceEquals(old, pod) || old.Metadata.ResourceVersion == pod.Metadata.ResourceVersion)
                    return;
                foreach (var key in Concerned(pod).Union(Concerned(old)))
                {
                    if (pod.IsTerminating())
                        _expectations.DeletionObserved(key, pod.Metadata.Uid);
                    runner.Queue.Add(key);
                }
            },
            OnDelete: pod =>
            {
                foreach (var key in Concerned(pod))
                {
                    _expectations.DeletionObserved(key, pod.Metadata.Uid);
                    runner.Queue.Add(key);
                }
            }));
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_sets.Find(key) is not { } set)
        {
            _expectations.Forget(key);
            return ReconcileResult.Done;
        }
        var pods = await ClaimAsync(set, cancellationToken);
        var active = pods.Where(p => p.IsActive()).ToList();
        Exception? failure = null;
        var changed = false;
        if (set.Metadata.DeletionTimestamp is null && _expectations.AreMet(key, out _))
        {
            var plan = ReplicaPlan.Compute(kind.Replicas(set), active, Related(set, active), timeProvider.GetUtcNow());
            changed = plan.Create > 0 || plan.Delete.Count > 0;
            failure = await ApplyAsync(key, set, plan, cancellationToken);
        }

        var status = ReplicaSetStatusPlan.Compute(kind.View(set), pods, failure, changed, timeProvider.GetUtcNow(), out var recheck);
        // Through the kind, which may know less than a ReplicaSet's status says.
        var written = kind.WithStatus(set, status);
        if (!KubeJson.AreEqual(kind.View(set).Status, kind.View(written).Status))
            await client.UpdateStatusAsync(written, cancellationToken);
        if (failure is not null)
            throw failure;
        return recheck is { } delay ? ReconcileResult.RequeueAfter(delay) : ReconcileResult.Done;
    }

    private async Task<Exception?> ApplyAsync(ObjectKey key, T set, ReplicaPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Create > 0)
        {
            _expectations.ExpectCreations(key, plan.Create);
            return await SlowStart.RunAsync(plan.Create, () => CreateAsync(set, cancellationToken), () => _expectations.CreationObserved(key));
        }
        if (plan.Delete.Count == 0)
            return null;
        _expectations.ExpectDeletions(key, plan.Delete.Select(p => p.Metadata.Uid));
        Exception? first = null;
        foreach (var failure in await Task.WhenAll(plan.Delete.Select(pod => DeleteAsync(key, set, pod, cancellationToken))))
            first ??= failure;
        return first;
    }

    private async Task CreateAsync(T set, CancellationToken cancellationToken)
    {
        var template = kind.Template(set);
        var pod = new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new V1ObjectMeta
            {
                GenerateName = PodTemplates.GenerateNamePrefix(set.Metadata.Name),
                NamespaceProperty = set.Metadata.NamespaceProperty,
                Labels = template.Metadata?.Labels,
                Annotations = template.Metadata?.Annotations,
                Finalizers = template.Metadata?.Finalizers,
                OwnerReferences = [Owners.ReferenceTo(set, kind.ApiVersion, kind.Kind)],
            },
            Spec = template.Spec,
        };
        try
        {
            var created = await client.CreateAsync(pod, cancellationToken);
            events.Normal(set, "SuccessfulCreate", $"Created pod: {created.Metadata.Name}");
        }
        catch (KubeApiException e)
        {
            // A namespace that is going away refuses its pods; that is no event worth having.
            if (e.Status.Details?.Causes?.Any(c => c.Reason == "NamespaceTerminating") != true)
                events.Warning(set, "FailedCreate", $"Error creating: {e.Message}");
            throw;
        }
    }

    private async Task<Exception?> DeleteAsync(ObjectKey key, T set, V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeleteAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, new DeleteOptions(PreconditionUid: pod.Metadata.Uid), cancellationToken);
            events.Normal(set, "SuccessfulDelete", $"Deleted pod: {pod.Metadata.Name}");
            return null;
        }
        catch (KubeApiException e)
        {
            _expectations.DeletionObserved(key, pod.Metadata.Uid);
            if (e.IsNotFound || e.IsConflict)
                return null;
            events.Warning(set, "FailedDelete", $"Error deleting: {e.Message}");
            return e;
        }
    }

    /// <summary>The pods that this set controls, after taking in orphans that match and letting go of its own that no longer do.</summary>
    private async Task<List<V1Pod>> ClaimAsync(T set, CancellationToken cancellationToken)
    {
        var selector = kind.Selector(set);
        var claimed = new List<V1Pod>();
        foreach (var pod in _pods.ByIndex(OwnedPods.Index, set.Metadata.Uid))
        {
            if (selector.Matches(pod.Metadata.Labels))
                claimed.Add(pod);
            else if (!pod.IsTerminating() && set.Metadata.DeletionTimestamp is null)
                await PatchAsync(pod, MetadataPatches.Release(pod, set.Metadata.Uid), cancellationToken);
        }
        if (set.Metadata.DeletionTimestamp is not null)
            return claimed;
        foreach (var orphan in _pods.ByIndex(OwnedPods.Index, OwnedPods.Orphans(set.Metadata.NamespaceProperty)))
        {
            if (!orphan.IsActive() || !selector.Matches(orphan.Metadata.Labels) || !await IsCurrentAsync(set, cancellationToken))
                continue;
            if (await PatchAsync(orphan, MetadataPatches.Adopt(orphan, Owners.ReferenceTo(set, kind.ApiVersion, kind.Kind)), cancellationToken) is { } adopted)
                claimed.Add(adopted);
        }
        return claimed;
    }

    /// <summary>Adopting for a set that is already gone would leave the pod to the garbage collector; so the live object is asked.</summary>
    private async Task<bool> IsCurrentAsync(T set, CancellationToken cancellationToken)
    {
        try
        {
            var live = await client.GetAsync<T>(set.Metadata.NamespaceProperty, set.Metadata.Name, cancellationToken);
            return live.Metadata.Uid == set.Metadata.Uid && live.Metadata.DeletionTimestamp is null;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private async Task<V1Pod?> PatchAsync(V1Pod pod, KubePatch patch, CancellationToken cancellationToken)
    {
        try
        {
            return await client.PatchAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, patch, null, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsInvalid || e.IsConflict)
        {
            // Gone, or replaced by another pod of the same name: not ours any more.
            return null;
        }
    }

    private List<V1Pod> Related(T set, List<V1Pod> active)
    {
        if (set.Controller() is not { } top)
            return active;
        var siblings = _sets.List(set.Metadata.NamespaceProperty).Where(r => r.Controller()?.Uid == top.Uid);
        return [.. siblings.SelectMany(r => _pods.ByIndex(OwnedPods.Index, r.Metadata.Uid)).Where(p => p.IsActive())];
    }

    private IEnumerable<ObjectKey> Concerned(V1Pod pod)
    {
        var ns = pod.Metadata.NamespaceProperty ?? "";
        if (pod.Controller() is { } owner)
            return owner.Kind == kind.Kind && _sets.Find(ns, owner.Name) is { } own && own.Metadata.Uid == owner.Uid ? [new ObjectKey(ns, owner.Name)] : [];
        if (pod.Metadata.Labels is not { Count: > 0 })
            return [];
        return _sets.List(ns).Where(r => kind.Selector(r).Matches(pod.Metadata.Labels)).Select(r => ObjectKey.Of(r)).ToList();
    }
}
