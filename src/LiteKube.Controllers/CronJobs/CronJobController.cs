using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Jobs;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.CronJobs;

/// <summary>Starts Jobs by a schedule (https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/). Wakes for the next time of each CronJob; polls nothing.</summary>
internal sealed class CronJobController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider, ControllerMetrics? metrics = null) : IReconciler
{
    private const string OwnerIndex = "cronjob-uid";

    private readonly IInformer<V1CronJob> _cronJobs = informers.Get<V1CronJob>();
    private readonly IInformer<V1Job> _jobs = WithOwnerIndex(informers.Get<V1Job>());
    private readonly RecentWrites<V1CronJob> _written = new(informers.Get<V1CronJob>(), timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("cronjob", this, loggers, timeProvider, workers: 5);
        runner.Watch(_cronJobs, new InformerHandler<V1CronJob>(
            OnAdd: cronJob => runner.Queue.Add(ObjectKey.Of(cronJob)),
            OnUpdate: (old, cronJob) => Updated(runner, old, cronJob),
            OnDelete: cronJob =>
            {
                _written.Gone(ObjectKey.Of(cronJob), cronJob);
                runner.Queue.Add(ObjectKey.Of(cronJob));
            }));
        return runner.Watch(_jobs, job => job.Controller() is { Kind: "CronJob" } owner ? [new ObjectKey(job.Metadata.NamespaceProperty, owner.Name)] : []);
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_cronJobs.Find(key) is not { } seen)
        {
            _written.Forget(key);
            return ReconcileResult.Done;
        }
        var stored = _written.Over(key, jobs => jobs.Find(key) is { } now ? [now] : []).FirstOrDefault() ?? seen;
        var cronJob = KubeJson.Clone(stored);
        cronJob.Status ??= new V1CronJobStatus();
        try
        {
            await FollowAsync(cronJob, cancellationToken);
            return await ScheduleAsync(cronJob, cancellationToken);
        }
        finally
        {
            // Also of a round that failed half way: a Job that was started must be known.
            if (!KubeJson.AreEqual(stored.Status ?? new V1CronJobStatus(), cronJob.Status))
                _written.Written(key, await client.UpdateStatusAsync(cronJob, cancellationToken));
        }
    }

    private async Task FollowAsync(V1CronJob cronJob, CancellationToken cancellationToken)
    {
        var jobs = _jobs.ByIndex(OwnerIndex, cronJob.Metadata.Uid);
        foreach (var job in CronHistory.Surplus(cronJob, jobs).Where(j => j.Metadata.DeletionTimestamp is null))
            await DeleteAsync(cronJob, job.Metadata.Name, job.Metadata.Uid, cancellationToken);
        foreach (var (type, reason, message) in CronHistory.Follow(cronJob, jobs))
            events.Record(cronJob, type, reason, message);
        var known = jobs.Select(j => j.Metadata.Uid).ToHashSet(StringComparer.Ordinal);
        foreach (var active in (cronJob.Status.Active ?? []).Where(a => !known.Contains(a.Uid)).ToList())
        {
            // A Job that was just made may not be in the informer yet.
            if (await ExistsAsync(active, cancellationToken))
                continue;
            events.Normal(cronJob, "MissingJob", $"Active job went missing: {active.Name}");
            CronHistory.Remove(cronJob.Status, active.Uid);
        }
    }

    private async Task<ReconcileResult> ScheduleAsync(V1CronJob cronJob, CancellationToken cancellationToken)
    {
        if (cronJob.Metadata.DeletionTimestamp is not null)
            return ReconcileResult.Done;
        if (cronJob.Spec.TimeZone is { } name && !TimeZoneInfo.TryFindSystemTimeZoneById(name, out _))
        {
            events.Warning(cronJob, "UnknownTimeZone", $"invalid timeZone: \"{name}\": unknown time zone {name}");
            return ReconcileResult.Done;
        }
        if (cronJob.Spec.Suspend == true || Parse(cronJob) is not { } schedule)
            return ReconcileResult.Done;
        var now = timeProvider.GetUtcNow();
        CronDecision decision;
        try
        {
            decision = CronDecision.Compute(cronJob, schedule, now);
        }
        catch (FormatException e)
        {
            events.Warning(cronJob, "InvalidSchedule", $"invalid schedule: {cronJob.Spec.Schedule} : {e.Message}");
            return ReconcileResult.Done;
        }
        foreach (var (type, reason, message) in decision.Events)
            events.Record(cronJob, type, reason, message);
        if (decision.Start is { } time)
        {
            if (decision.Replace)
            {
                foreach (var active in cronJob.Status.Active?.ToList() ?? [])
                    await DeleteAsync(cronJob, active.Name, active.Uid, cancellationToken);
            }
            await StartAsync(cronJob, time, cancellationToken);
        }
        return new ReconcileResult(CronTimes.Wait(cronJob, schedule, now));
    }

    private async Task StartAsync(V1CronJob cronJob, DateTimeOffset time, CancellationToken cancellationToken)
    {
        V1Job job;
        try
        {
            job = await client.CreateAsync(CronDecision.Job(cronJob, time, Zone(cronJob, TimeZoneInfo.Utc)), cancellationToken);
            events.Normal(cronJob, "SuccessfulCreate", $"Created job {job.Metadata.Name}");
            if (job.Metadata.CreationTimestamp is { } created)
                metrics?.CronJobCreationSkew.Observe((created.ToUniversalTime() - time.UtcDateTime).TotalSeconds);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            // Started before, by this controller or somebody else; only our own is followed.
            job = await client.GetAsync<V1Job>(cronJob.Metadata.NamespaceProperty, CronDecision.JobName(cronJob, time), cancellationToken);
            if (!job.IsControlledBy(cronJob) || CronHistory.IsActive(cronJob.Status, job.Metadata.Uid))
                return;
        }
        catch (KubeApiException e) when (!e.IsNamespaceTerminating())
        {
            events.Warning(cronJob, "FailedCreate", $"Error creating job: {e.Message}");
            throw;
        }
        CronHistory.Record(cronJob.Status, job, time);
    }

    private async Task DeleteAsync(V1CronJob cronJob, string name, string uid, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeleteAsync<V1Job>(cronJob.Metadata.NamespaceProperty, name, new DeleteOptions(PropagationPolicy: "Background", PreconditionUid: uid), cancellationToken);
            events.Normal(cronJob, "SuccessfulDelete", $"Deleted job {name}");
        }
        catch (KubeApiException e) when (!e.IsNotFound && !e.IsConflict)
        {
            events.Warning(cronJob, "FailedDelete", $"Deleted job: {e.Message}");
            throw;
        }
        catch (KubeApiException)
        {
            // Gone already, or another Job of that name: no longer one of this CronJob's either way.
            CronHistory.Remove(cronJob.Status, uid);
            return;
        }
        CronHistory.Remove(cronJob.Status, uid);
    }

    private async Task<bool> ExistsAsync(V1ObjectReference job, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.GetAsync<V1Job>(job.NamespaceProperty, job.Name, cancellationToken)).Metadata.Uid == job.Uid;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>A new schedule counts from its next time on; a time of it that has passed already starts nothing.</summary>
    private void Updated(ControllerRunner runner, V1CronJob old, V1CronJob cronJob)
    {
        var key = ObjectKey.Of(cronJob);
        if (old.Metadata.Uid == cronJob.Metadata.Uid && old.Spec.Schedule == cronJob.Spec.Schedule && old.Spec.TimeZone == cronJob.Spec.TimeZone)
            runner.Queue.Add(key);
        else if (Parse(cronJob) is { } schedule && CronTimes.Wait(cronJob, schedule, timeProvider.GetUtcNow()) is { } wait)
            runner.Queue.AddAfter(key, wait);
    }

    private CronSchedule? Parse(V1CronJob cronJob)
    {
        var text = cronJob.Spec.Schedule;
        if (text.Contains("TZ", StringComparison.Ordinal))
            events.Warning(cronJob, "UnsupportedSchedule", $"CRON_TZ or TZ used in schedule \"{text}\" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
        try
        {
            return CronSchedule.Parse(text, Zone(cronJob, timeProvider.LocalTimeZone));
        }
        catch (FormatException e)
        {
            events.Warning(cronJob, "UnparseableSchedule", $"unparseable schedule: \"{text}\" : {e.Message}");
            return null;
        }
    }

    private static TimeZoneInfo Zone(V1CronJob cronJob, TimeZoneInfo otherwise) =>
        cronJob.Spec.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : otherwise;

    private static IInformer<V1Job> WithOwnerIndex(IInformer<V1Job> jobs)
    {
        jobs.AddIndex(OwnerIndex, job => job.Controller() is { Kind: "CronJob" } owner ? [owner.Uid] : []);
        return jobs;
    }
}
