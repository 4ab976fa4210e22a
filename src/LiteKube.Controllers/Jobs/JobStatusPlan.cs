using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Jobs;

/// <summary>What became of a <see cref="JobPlan"/>.</summary>
/// <param name="Deleted">Pods that are on their way out now.</param>
/// <param name="DeletedReady">Those of them that were ready.</param>
internal readonly record struct JobOutcome(int Created, int Deleted, int DeletedReady);

/// <summary>
/// The status that a Job's pods amount to and the pods that have been counted by it. Each pod is counted once, whenever
/// this process ends: its uid is written down as uncounted, then its finalizer goes, then the count rises and the uid
/// leaves the list in one write (KEP-2307). Pure but for the status that it builds.
/// </summary>
internal sealed class JobStatusPlan
{
    /// <summary>Uids take part in the size of every status write.</summary>
    public const int MaxUncounted = 500;

    private readonly JobState _state;
    private readonly HashSet<string> _tracked;
    private readonly bool _isFull;

    private JobStatusPlan(JobState state, V1JobStatus status, V1JobCondition? interim, DateTimeOffset now)
    {
        (_state, Status) = (state, status);
        _tracked = state.Pods.Where(state.IsTracked).Select(p => p.Metadata.Uid).ToHashSet(StringComparer.Ordinal);
        Settle();
        _isFull = Count(interim);
        if (interim is null)
            return;
        if (interim.Type is JobConditions.FailureTarget or JobConditions.SuccessCriteriaMet)
            JobConditions.Set(status, interim);
        Final = JobConditions.Final(interim, now);
    }

    public V1Job Job => _state.Job;

    /// <summary>To be written before the finalizers go, and again after each change.</summary>
    public V1JobStatus Status { get; set; }

    /// <summary>Pods whose finalizer has to go once <see cref="Status"/> is written.</summary>
    public List<V1Pod> Release { get; } = [];

    /// <summary>The condition that ends the Job, to be set by <see cref="TryFinish"/>.</summary>
    public V1JobCondition? Final { get; }

    /// <summary>An event that tells of suspension or its end: reason and message.</summary>
    public (string Reason, string Message)? Event { get; private init; }

    public static JobStatusPlan Compute(JobState state, JobPlan plan, JobOutcome outcome, DateTime? startTime, bool isCurrent, DateTimeOffset now)
    {
        var job = state.Job;
        var status = job.Status is null ? new V1JobStatus() : KubeJson.Clone(job.Status);
        status.UncountedTerminatedPods ??= new V1UncountedTerminatedPods();
        status.StartTime = startTime;
        var active = state.Active.Count - outcome.Deleted + outcome.Created;
        // Not before every pod is on its way out and known: one that is not could still be running when the Job says that it ended.
        var interim = plan.Finish is not null && isCurrent && outcome.Deleted == state.Active.Count ? plan.Finish : null;
        (string, string)? told = null;
        if (plan.Finish is null)
        {
            if (active == 0 && (job.Spec.Completions is { } completions ? state.Succeeded >= completions : state.Succeeded > 0))
                interim = JobConditions.New(JobConditions.SuccessCriteriaMet, JobConditions.CompletionsReached, JobConditions.CompletionsReachedMessage, now);
            else if (plan.Managed)
                told = Suspend(job, status, now);
        }
        status.Active = NullIfZero(active);
        status.Ready = state.Ready - outcome.DeletedReady;
        status.Terminating = state.Terminating + outcome.Deleted;
        return new JobStatusPlan(state, status, interim, now) { Event = told };
    }

    /// <summary>The pod carries no finalizer any more, or is gone.</summary>
    public void Released(V1Pod pod) => _tracked.Remove(pod.Metadata.Uid);

    /// <summary>Counts what was written down and is tracked no longer.</summary>
    public void Settle()
    {
        var uncounted = Status.UncountedTerminatedPods;
        Status.Succeeded = NullIfZero((Status.Succeeded ?? 0) + Take(uncounted.Succeeded, out var succeeded));
        Status.Failed = NullIfZero((Status.Failed ?? 0) + Take(uncounted.Failed, out var failed));
        (uncounted.Succeeded, uncounted.Failed) = (succeeded, failed);
    }

    /// <summary>Adds the final condition when nothing is left to wait for.</summary>
    public bool TryFinish()
    {
        if (Final is null || _isFull || Status.Terminating > 0 || Status.UncountedTerminatedPods is { Succeeded.Count: > 0 } or { Failed.Count: > 0 })
            return false;
        JobConditions.Set(Status, Final);
        if (Final.Type == JobConditions.Complete)
            Status.CompletionTime = Final.LastTransitionTime;
        return true;
    }

    private int Take(IList<string>? uids, out IList<string>? left)
    {
        left = uids?.Where(_tracked.Contains).ToList();
        var taken = (uids?.Count ?? 0) - (left?.Count ?? 0);
        left = left is { Count: > 0 } ? left : null;
        return taken;
    }

    /// <returns>Whether pods were left for the next time.</returns>
    private bool Count(V1JobCondition? interim)
    {
        var uncounted = Status.UncountedTerminatedPods;
        var indexes = 0;
        var isFull = false;
        foreach (var pod in _state.Pods.OrderBy(p => p.CompletionIndex() ?? -1).Where(_state.IsTracked))
        {
            if (!MayRelease(pod, interim))
                continue;
            Release.Add(pod);
            indexes += Count(pod, interim, uncounted);
            isFull = indexes + (uncounted.Succeeded?.Count ?? 0) + (uncounted.Failed?.Count ?? 0) >= MaxUncounted;
            if (isFull)
                break;
        }
        if (_state.Job.IsIndexed())
        {
            Status.CompletedIndexes = _state.SucceededIndexes.IsEmpty ? null : _state.SucceededIndexes.ToString();
            Status.Succeeded = NullIfZero(_state.SucceededIndexes.Count);
            Status.FailedIndexes = _state.FailedIndexes?.ToString();
        }
        return isFull;
    }

    /// <returns>1 when the pod brings a new index.</returns>
    private int Count(V1Pod pod, V1JobCondition? interim, V1UncountedTerminatedPods uncounted)
    {
        var job = _state.Job;
        var uid = pod.Metadata.Uid;
        if (pod.HasSucceeded() && !_state.UncountedFailed.Contains(uid))
        {
            // The index itself says that it was counted.
            if (job.IsIndexed())
                return pod.HasValidIndex(job) && !_state.CountedIndexes.Contains(pod.CompletionIndex()!.Value) ? 1 : 0;
            Add(uncounted.Succeeded ??= [], uid);
        }
        // In a Job that failed every pod that has not ended is one that failed.
        else if (pod.HasFailed(job) || interim is not null and not { Type: JobConditions.SuccessCriteriaMet })
        {
            if (pod.HasValidIndex(job) && PodFailureRules.Judge(job.Spec.PodFailurePolicy, pod).Counts)
                Add(uncounted.Failed ??= [], uid);
        }
        return 0;
    }

    private bool MayRelease(V1Pod pod, V1JobCondition? interim)
    {
        if (_state.Job.Metadata.DeletionTimestamp is not null || interim is not null || pod.HasSucceeded())
            return true;
        return pod.HasFailed(_state.Job) && !(pod.CompletionIndex() is { } index && _state.AwaitingReplacement.TryGetValue(index, out var awaiting) && awaiting.Metadata.Uid == pod.Metadata.Uid);
    }

    private static (string, string)? Suspend(V1Job job, V1JobStatus status, DateTimeOffset now)
    {
        if (job.IsSuspended())
            return JobConditions.Set(status, JobConditions.New(JobConditions.Suspended, "JobSuspended", "Job suspended", now)) ? ("Suspended", "Job suspended") : null;
        if (!JobConditions.Set(status, JobConditions.New(JobConditions.Suspended, "JobResumed", "Job resumed", now, "False")))
            return null;
        // The deadline counts the time for which the Job is active without a break.
        status.StartTime = now.UtcDateTime;
        return ("Resumed", "Job resumed");
    }

    private static void Add(IList<string> uids, string uid)
    {
        if (!uids.Contains(uid))
            uids.Add(uid);
    }

    private static int? NullIfZero(int count) => count == 0 ? null : count;
}
