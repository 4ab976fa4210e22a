using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Jobs;

/// <summary>Runs pods until enough of them have succeeded (https://kubernetes.io/docs/concepts/workloads/controllers/job/).</summary>
internal sealed class JobController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider, ControllerMetrics? metrics = null) : IReconciler
{
    private readonly IInformer<V1Job> _jobs = informers.Get<V1Job>();
    private readonly IInformer<V1Pod> _pods = OwnedPods.Get(informers);
    private readonly PodControl _control = new(client, events, timeProvider);
    private readonly ExpectedReleases _releases = new();
    private readonly JobBackoffs _backoffs = new();
    private readonly JobMetrics _metrics = (metrics ?? new ControllerMetrics()).Jobs;
    // A status that was written and not yet seen: counting from the older one would count pods twice or not at all.
    private readonly RecentWrites<V1Job> _written = new(informers.Get<V1Job>(), timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("job", this, loggers, timeProvider, workers: 5);
        runner.Watch(_jobs);
        runner.Watch(_jobs, new InformerHandler<V1Job>(OnAdd: _metrics.Seen, OnDelete: job => _written.Gone(ObjectKey.Of(job), job)));
        return runner.Watch(_pods, new InformerHandler<V1Pod>(
            OnAdd: pod =>
            {
                _metrics.PodChanged(null, pod);
                foreach (var key in Concerned(pod))
                {
                    if (pod.IsTerminating())
                        _control.Expectations.DeletionObserved(key, pod.Metadata.Uid);
                    // An orphan that matches is none of those that are awaited.
                    else if (pod.Controller() is not null)
                        _control.Expectations.CreationObserved(key);
                    Queue(runner, key, pod, isGone: false);
                }
            },
            OnUpdate: (old, pod) =>
            {
                if (ReferenceEquals(old, pod) || old.Metadata.ResourceVersion == pod.Metadata.ResourceVersion)
                    return;
                _metrics.PodChanged(old, pod);
                foreach (var key in Concerned(pod).Union(Concerned(old)))
                {
                    if (pod.IsTerminating())
                        _control.Expectations.DeletionObserved(key, pod.Metadata.Uid);
                    Queue(runner, key, pod, isGone: false);
                }
            },
            OnDelete: pod =>
            {
                _metrics.PodChanged(pod, null);
                foreach (var key in Concerned(pod))
                {
                    _control.Expectations.DeletionObserved(key, pod.Metadata.Uid);
                    Queue(runner, key, pod, isGone: true);
                }
            }));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_jobs.Find(key) is not { } seen)
        {
            _control.Expectations.Forget(key);
            _releases.Forget(key);
            _backoffs.Forget(key);
            _written.Forget(key);
            return ReconcileResult.Done;
        }
        var job = _written.Over(key, jobs => jobs.Find(key) is { } now ? [now] : []).FirstOrDefault() ?? seen;
        if (job.IsManagedElsewhere())
            return ReconcileResult.Done;
        if (job.IsFinished())
        {
            _backoffs.Forget(key);
            return ReconcileResult.Done;
        }
        if (job.Spec.CompletionMode is not (null or "NonIndexed" or "Indexed"))
        {
            events.Warning(job, "UnknownCompletionMode", "Skipped Job sync because completion mode is unknown");
            return ReconcileResult.Done;
        }
        var started = timeProvider.GetTimestamp();
        JobPlan? plan = null;
        // Both before the pods are read: what is seen in between is then awaited once too often, never counted twice.
        var isCurrent = _control.Expectations.AreMet(key, out var lapse);
        var released = _releases.Of(key);
        var hasFailed = true;
        try
        {
            var pods = await ClaimAsync(job, cancellationToken);
            var now = timeProvider.GetUtcNow();
            var state = JobState.Observe(job, pods, released, _backoffs.Of(key, job));
            var startTime = StartTime(job, now);
            plan = JobPlan.Compute(state, startTime, isCurrent, now);
            var (outcome, failure) = await ApplyAsync(key, state, plan, cancellationToken);
            var status = JobStatusPlan.Compute(state, plan, outcome, startTime, isCurrent, now);
            await WriteAsync(key, state, status, cancellationToken);
            if (failure is not null)
                throw failure;
            hasFailed = false;
        }
        finally
        {
            _metrics.Synced(job, plan, isCurrent, hasFailed, timeProvider.GetElapsedTime(started));
        }
        var requeue = plan.Requeue;
        if (!isCurrent && (requeue is null || lapse < requeue))
            requeue = lapse;
        return new ReconcileResult(requeue);
    }

    /// <summary>Null while the Job waits suspended for its first start; resumed, it begins anew.</summary>
    private static DateTime? StartTime(V1Job job, DateTimeOffset now)
    {
        if (job.IsSuspended())
            return job.Status?.StartTime;
        return job.Has(JobConditions.Suspended) ? now.UtcDateTime : job.Status?.StartTime ?? now.UtcDateTime;
    }

    private async Task<(JobOutcome Outcome, Exception? Failure)> ApplyAsync(ObjectKey key, JobState state, JobPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Create.Count > 0)
        {
            var (next, failed) = (-1, 0);
            _control.Expectations.ExpectCreations(key, plan.Create.Count);
            var failure = await SlowStart.RunAsync(plan.Create.Count, () => CreateAsync(state, plan.Create[Interlocked.Increment(ref next)], cancellationToken), () =>
            {
                failed++;
                _control.Expectations.CreationObserved(key);
            });
            _metrics.Created(state, plan.Create.Count - failed, failed);
            // A namespace that is going away refuses all pods; its Jobs go with it.
            return (new JobOutcome(plan.Create.Count - failed, 0, 0), failure is KubeApiException e && e.IsNamespaceTerminating() ? null : failure);
        }
        if (plan.Delete.Count == 0)
            return (default, null);
        if (plan.Release)
            _control.Expectations.ExpectDeletions(key, plan.Delete.Select(p => p.Metadata.Uid));
        var failures = await Task.WhenAll(plan.Delete.Select(pod => DeleteAsync(key, state.Job, pod, plan.Release, cancellationToken)));
        var deleted = plan.Delete.Where((_, i) => failures[i] is null).ToList();
        return (new JobOutcome(0, deleted.Count, deleted.Count(p => p.IsReady())), failures.FirstOrDefault(f => f is not null));
    }

    private Task CreateAsync(JobState state, int? index, CancellationToken cancellationToken) =>
        _control.CreateAsync(state.Job, JobPodTemplate.Create(state.Job, index, index is { } i ? state.AwaitingReplacement.GetValueOrDefault(i) : null), cancellationToken);

    private async Task<Exception?> DeleteAsync(ObjectKey key, V1Job job, V1Pod pod, bool release, CancellationToken cancellationToken)
    {
        if (release && pod.IsTracked())
        {
            try
            {
                await client.PatchAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, TrackingPatches.Release(pod), null, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                _control.Expectations.DeletionObserved(key, pod.Metadata.Uid);
                return e is KubeApiException { IsNotFound: true } ? null : e;
            }
        }
        return await _control.DeleteAsync(key, job, pod, cancellationToken);
    }

    /// <summary>Writes down who is to be counted, lets them go, and then counts them.</summary>
    private async Task WriteAsync(ObjectKey key, JobState state, JobStatusPlan plan, CancellationToken cancellationToken)
    {
        var job = await WriteStatusAsync(key, state.Job, plan, cancellationToken);
        if (plan.Event is var (reason, message))
            events.Normal(job, reason, message);
        _backoffs.Set(key, job, state.Backoff);
        var failure = await ReleaseAsync(key, plan, cancellationToken);
        plan.Settle();
        var finished = failure is null && plan.TryFinish();
        job = await WriteStatusAsync(key, job, plan, cancellationToken);
        if (failure is not null)
            throw failure;
        if (!finished)
            return;
        _metrics.Finished(job, plan.Final!);
        if (plan.Final!.Type != JobConditions.Complete)
        {
            events.Warning(job, plan.Final.Reason, plan.Final.Message);
            return;
        }
        if (job.Status.Succeeded > job.Spec.Completions)
            events.Warning(job, "TooManySucceededPods", "Too many succeeded pods running after completion count reached");
        events.Normal(job, "Completed", "Job completed");
    }

    private async Task<V1Job> WriteStatusAsync(ObjectKey key, V1Job job, JobStatusPlan plan, CancellationToken cancellationToken)
    {
        if (KubeJson.AreEqual(job.Status, plan.Status))
            return job;
        var next = KubeJson.Clone(job);
        next.Status = plan.Status;
        var written = await client.UpdateStatusAsync(next, cancellationToken);
        _written.Written(key, written);
        _metrics.Counted(job, job.Status, plan.Status);
        plan.Status = KubeJson.Clone(written.Status);
        return written;
    }

    private async Task<Exception?> ReleaseAsync(ObjectKey key, JobStatusPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Release.Count == 0)
            return null;
        _releases.Expect(key, plan.Release.Select(p => p.Metadata.Uid));
        var failures = await Task.WhenAll(plan.Release.Select(pod => ReleaseAsync(key, pod, cancellationToken)));
        _metrics.Judged(plan.Job, plan.Release.Where((_, i) => failures[i] is null));
        for (var i = 0; i < failures.Length; i++)
        {
            if (failures[i] is null)
                plan.Released(plan.Release[i]);
        }
        return failures.FirstOrDefault(f => f is not null);
    }

    private async Task<Exception?> ReleaseAsync(ObjectKey key, V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            await client.PatchAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, TrackingPatches.Release(pod), null, cancellationToken);
            return null;
        }
        // However it failed, a pod that was not let go must be taken up again.
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var isGone = e is KubeApiException { IsNotFound: true };
            // Gone, and still shown by an informer that is behind: until it sees that, the pod must not be counted again.
            if (!isGone || _pods.Find(pod.Metadata.NamespaceProperty, pod.Metadata.Name)?.Metadata.Uid != pod.Metadata.Uid)
                _releases.Observed(key, pod.Metadata.Uid);
            return isGone ? null : e;
        }
    }

    /// <summary>The pods of this Job, after taking in orphans that match and letting go of its own that no longer do.</summary>
    private async Task<List<V1Pod>> ClaimAsync(V1Job job, CancellationToken cancellationToken)
    {
        var selector = LabelSelector.From(job.Spec.Selector);
        var claimed = new List<V1Pod>();
        foreach (var pod in _pods.ByIndex(OwnedPods.Index, job.Metadata.Uid))
        {
            if (selector.Matches(pod.Metadata.Labels))
                claimed.Add(pod);
            else if (job.Metadata.DeletionTimestamp is null)
                await client.TryPatchAsync(pod, MetadataPatches.Release(pod, job.Metadata.Uid, JobPods.TrackingFinalizer), cancellationToken);
        }
        if (job.Metadata.DeletionTimestamp is not null)
            return claimed;
        foreach (var orphan in _pods.ByIndex(OwnedPods.Index, OwnedPods.Orphans(job.Metadata.NamespaceProperty)))
        {
            if (orphan.IsTerminating() || !selector.Matches(orphan.Metadata.Labels) || !await client.IsCurrentAsync(job, cancellationToken))
                continue;
            var patch = MetadataPatches.Adopt(orphan, Owners.ReferenceTo(job, "batch/v1", "Job"), JobPods.TrackingFinalizer);
            if (await client.TryPatchAsync(orphan, patch, cancellationToken) is { } adopted)
                claimed.Add(adopted);
        }
        return claimed;
    }

    private void Queue(ControllerRunner runner, ObjectKey key, V1Pod pod, bool isGone)
    {
        if (isGone || !pod.IsTracked())
            _releases.Observed(key, pod.Metadata.Uid);
        runner.Queue.Add(key);
    }

    private IEnumerable<ObjectKey> Concerned(V1Pod pod)
    {
        var ns = pod.Metadata.NamespaceProperty ?? "";
        if (pod.Controller() is { } owner)
            return owner.Kind == "Job" && _jobs.Find(ns, owner.Name) is { } own && own.Metadata.Uid == owner.Uid ? [new ObjectKey(ns, owner.Name)] : [];
        if (pod.Metadata.Labels is not { Count: > 0 })
            return [];
        return _jobs.List(ns).Where(j => LabelSelector.From(j.Spec.Selector).Matches(pod.Metadata.Labels)).Select(j => ObjectKey.Of(j)).ToList();
    }
}
