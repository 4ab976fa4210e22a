using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Jobs;

/// <summary>Takes the tracking finalizer from pods that no Job counts any more: their Job is gone, has ended, or let go of them. Keyed by pod.</summary>
internal sealed class JobOrphanController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1Job> _jobs = informers.Get<V1Job>();
    private readonly IInformer<V1Pod> _pods = OwnedPods.Get(informers);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("job-orphan-pods", this, loggers, timeProvider);
        runner.Watch(_pods, new InformerHandler<V1Pod>(OnAdd: pod => Queue(runner, pod), OnUpdate: (_, pod) => Queue(runner, pod)));
        return runner.Watch(_jobs, new InformerHandler<V1Job>(
            OnAdd: job => QueuePods(runner, job),
            OnUpdate: (_, job) => QueuePods(runner, job),
            OnDelete: job => QueuePods(runner, job, isGone: true)));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_pods.Find(key) is not { } pod || !pod.IsTracked() || !await IsOrphanAsync(pod, cancellationToken))
            return ReconcileResult.Done;
        try
        {
            // Only as seen: a Job that takes the pod in at this moment needs the finalizer.
            await client.PatchAsync<V1Pod>(key.Namespace, key.Name, TrackingPatches.Release(pod, onlyAsSeen: true), null, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }

    private async Task<bool> IsOrphanAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        if (pod.Controller() is not { } owner)
            return true;
        if (owner.Kind != "Job" || owner.ApiVersion != "batch/v1")
            return false;
        var job = _jobs.Find(pod.Metadata.NamespaceProperty, owner.Name);
        if (job?.Metadata.Uid != owner.Uid)
            job = await FindLiveAsync(pod.Metadata.NamespaceProperty, owner, cancellationToken);
        return job is null || (job.IsFinished() && !job.IsManagedElsewhere());
    }

    /// <summary>The informer of Jobs may be behind that of pods; a pod let go too early would never be counted.</summary>
    private async Task<V1Job?> FindLiveAsync(string ns, V1OwnerReference owner, CancellationToken cancellationToken)
    {
        try
        {
            var live = await client.GetAsync<V1Job>(ns, owner.Name, cancellationToken);
            return live.Metadata.Uid == owner.Uid ? live : null;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private void Queue(ControllerRunner runner, V1Pod pod)
    {
        if (!pod.IsTracked())
            return;
        if (pod.Controller() is { Kind: "Job" } owner && _jobs.Find(pod.Metadata.NamespaceProperty, owner.Name) is { } job && job.Metadata.Uid == owner.Uid && !job.IsFinished())
            return;
        runner.Queue.Add(ObjectKey.Of(pod));
    }

    private void QueuePods(ControllerRunner runner, V1Job job, bool isGone = false)
    {
        if (!isGone && !job.IsFinished())
            return;
        foreach (var pod in _pods.ByIndex(OwnedPods.Index, job.Metadata.Uid).Where(p => p.IsTracked()))
            runner.Queue.Add(ObjectKey.Of(pod));
    }
}
