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
    private readonly PodClaims<T> _claims = new(client, informers.Get<T>(), OwnedPods.Get(informers), kind.ApiVersion, kind.Kind, kind.Selector);
    private readonly PodControl _control = new(client, events, timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner(kind.Name, this, loggers, timeProvider, workers: 5);
        runner.Watch(_sets);
        _claims.Watch(runner, _control.Expectations);
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_sets.Find(key) is not { } set)
        {
            _control.Expectations.Forget(key);
            return ReconcileResult.Done;
        }
        // Asked before the pods are looked at: one that is seen in between would be counted as come, and be missing among them.
        var isUpToDate = _control.Expectations.AreMet(key, out var lapse);
        var pods = await _claims.ClaimAsync(set, mayAdopt: pod => pod.IsActive(), cancellationToken);
        var active = pods.Where(p => p.IsActive()).ToList();
        Exception? failure = null;
        var changed = false;
        if (set.Metadata.DeletionTimestamp is null && isUpToDate)
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
        // What is awaited and never comes (a pod that was let go before it ended) holds it up no longer than that.
        if (!isUpToDate && (recheck is null || lapse < recheck))
            recheck = lapse;
        return recheck is { } delay ? ReconcileResult.RequeueAfter(delay) : ReconcileResult.Done;
    }

    private async Task<Exception?> ApplyAsync(ObjectKey key, T set, ReplicaPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Create > 0)
        {
            _control.Expectations.ExpectCreations(key, plan.Create);
            return await SlowStart.RunAsync(plan.Create, () => _control.CreateAsync(set, PodControl.FromTemplate(kind.Template(set), set, kind.ApiVersion, kind.Kind), cancellationToken), () => _control.Expectations.CreationObserved(key));
        }
        return plan.Delete.Count == 0 ? null : await _control.DeleteAllAsync(key, set, plan.Delete, cancellationToken);
    }

    private List<V1Pod> Related(T set, List<V1Pod> active)
    {
        if (set.Controller() is not { } top)
            return active;
        var siblings = _sets.List(set.Metadata.NamespaceProperty).Where(r => r.Controller()?.Uid == top.Uid);
        return [.. siblings.SelectMany(r => _pods.ByIndex(OwnedPods.Index, r.Metadata.Uid)).Where(p => p.IsActive())];
    }
}
