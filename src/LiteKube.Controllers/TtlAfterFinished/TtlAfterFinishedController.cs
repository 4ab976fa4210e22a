using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Jobs;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.TtlAfterFinished;

/// <summary>Deletes Jobs some time after they have ended (https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/).</summary>
internal sealed class TtlAfterFinishedController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider, ControllerMetrics? metrics = null) : IReconciler
{
    private readonly IInformer<V1Job> _jobs = informers.Get<V1Job>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("ttl-after-finished", this, loggers, timeProvider, workers: 5).Watch(_jobs);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_jobs.Find(key) is not { } job || Remaining(job) is not { } left)
            return ReconcileResult.Done;
        if (left > TimeSpan.Zero)
            return ReconcileResult.RequeueAfter(left);
        try
        {
            // The time to live may have been raised a moment ago: what is deleted must be what the server has.
            job = await client.GetAsync<V1Job>(key.Namespace, key.Name, cancellationToken);
            if (Remaining(job) is not { } stillLeft)
                return ReconcileResult.Done;
            if (stillLeft > TimeSpan.Zero)
                return ReconcileResult.RequeueAfter(stillLeft);
            var options = new DeleteOptions(PropagationPolicy: "Foreground", PreconditionUid: job.Metadata.Uid, PreconditionResourceVersion: job.Metadata.ResourceVersion);
            await client.DeleteAsync<V1Job>(key.Namespace, key.Name, options, cancellationToken);
            metrics?.JobDeletionSeconds.Observe(-stillLeft.TotalSeconds);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }

    /// <summary>Null for a Job that has not ended, has no time to live, or is on its way out.</summary>
    private TimeSpan? Remaining(V1Job job)
    {
        if (job.Spec.TtlSecondsAfterFinished is not { } seconds || job.Metadata.DeletionTimestamp is not null || !job.IsFinished())
            return null;
        var end = job.Status.Conditions.First(c => c.Type is JobConditions.Complete or JobConditions.Failed && c.Status == "True").LastTransitionTime;
        return end is { } time ? time.ToUniversalTime().AddSeconds(seconds) - timeProvider.GetUtcNow().UtcDateTime : null;
    }
}
