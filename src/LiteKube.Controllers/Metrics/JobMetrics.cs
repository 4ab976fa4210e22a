using k8s.Models;
using LiteKube.Client.Metrics;
using LiteKube.Controllers.Jobs;

namespace LiteKube.Controllers.Metrics;

/// <summary>job_controller_*: what dashboards of Jobs show.</summary>
internal sealed class JobMetrics(ControllerMetrics metrics)
{
    private readonly HistogramFamily _syncSeconds = metrics.Histogram("job_controller_job_sync_duration_seconds", "The time it took to sync a job", HistogramFamily.Exponential(0.004, 2, 15), "completion_mode", "result", "action");
    private readonly CounterFamily _syncs = metrics.Counter("job_controller_job_syncs_total", "The number of job syncs", "completion_mode", "result", "action");
    private readonly CounterFamily _finished = metrics.Counter("job_controller_jobs_finished_total", "The number of finished jobs", "completion_mode", "result", "reason");
    private readonly CounterFamily _managedElsewhere = metrics.Counter("job_controller_jobs_by_external_controller_total", "The number of Jobs managed by an external controller", "controller_name");
    private readonly CounterFamily _podsFinished = metrics.Counter("job_controller_job_pods_finished_total", "The number of finished Pods that are fully tracked", "completion_mode", "result");
    private readonly CounterFamily _podFailures = metrics.Counter("job_controller_pod_failures_handled_by_failure_policy_total",
        "The number of failed Pods handled by failure policy with respect to the failure policy action applied based on the matched rule. Possible values of the action label correspond to the possible values for the failure policy rule action, which are: \"FailJob\", \"Ignore\" and \"Count\".", "action");
    private readonly CounterFamily _tracked = metrics.Counter("job_controller_terminated_pods_tracking_finalizer_total",
        "The number of terminated pods (phase=Failed|Succeeded) that have the finalizer batch.kubernetes.io/job-tracking. The event label can be \"add\" or \"delete\".", "event");
    private readonly CounterFamily _indexesFinished = metrics.Counter("job_controller_job_finished_indexes_total",
        "The number of finished indexes. Possible values for the status label are: \"succeeded\", \"failed\". Possible values for the backoffLimit label are: \"perIndex\" and \"global\"", "status", "backoffLimit");
    private readonly CounterFamily _podsCreated = metrics.Counter("job_controller_job_pods_creation_total",
        "The number of Pods created by the Job controller labelled with a reason for the Pod creation. This metric also distinguishes between Pods created using different PodReplacementPolicy settings. Possible values of the \"reason\" label are: \"new\", \"recreate_terminating_or_failed\", \"recreate_failed\". Possible values of the \"status\" label are: \"succeeded\", \"failed\".", "reason", "status");

    /// <param name="plan">What was done; null when it did not come so far.</param>
    /// <param name="isCurrent">No creations or deletions were still awaited.</param>
    public void Synced(V1Job job, JobPlan? plan, bool isCurrent, bool hasFailed, TimeSpan elapsed)
    {
        var action = plan is { Create.Count: > 0 } ? "pods_created" : plan is { Delete.Count: > 0 } ? "pods_deleted" : isCurrent && plan is not null ? "tracking" : "reconciling";
        string[] labels = [Mode(job), hasFailed ? "error" : "success", action];
        _syncs.With(labels).Add();
        _syncSeconds.With(labels).Observe(elapsed.TotalSeconds);
    }

    public void Finished(V1Job job, V1JobCondition final) =>
        _finished.With(Mode(job), final.Type == JobConditions.Complete ? "succeeded" : "failed", final.Reason ?? "").Add();

    /// <summary>A status that counts more pods or indexes than the one before.</summary>
    public void Counted(V1Job job, V1JobStatus? before, V1JobStatus now)
    {
        Add(_podsFinished, (now.Succeeded ?? 0) - (before?.Succeeded ?? 0), Mode(job), "succeeded");
        Add(_podsFinished, (now.Failed ?? 0) - (before?.Failed ?? 0), Mode(job), "failed");
        if (!job.IsIndexed())
            return;
        var limit = job.CountsFailuresPerIndex() ? "perIndex" : "global";
        Add(_indexesFinished, Count(now.CompletedIndexes) - Count(before?.CompletedIndexes), "succeeded", limit);
        Add(_indexesFinished, Count(now.FailedIndexes) - Count(before?.FailedIndexes), "failed", limit);

        int Count(string? indexes) => IndexSet.Parse(indexes, job.Spec.Completions ?? 0).Count;
    }

    /// <summary>Failed pods that were counted, and are not looked at again.</summary>
    public void Judged(V1Job job, IEnumerable<V1Pod> pods)
    {
        if (job.Spec.PodFailurePolicy is not { } policy)
            return;
        foreach (var pod in pods)
        {
            if (pod.HasFailed(job) && PodFailureRules.Judge(policy, pod).Action is { } action)
                _podFailures.With(action).Add();
        }
    }

    public void Created(JobState state, int succeeded, int failed)
    {
        var reason = state.Failed == 0 && state.Terminating == 0 ? "new"
            : state.Failed > 0 && state.Job.Spec.PodReplacementPolicy == "Failed" ? "recreate_failed" : "recreate_terminating_or_failed";
        Add(_podsCreated, succeeded, reason, "succeeded");
        Add(_podsCreated, failed, reason, "failed");
    }

    /// <summary>A Job was seen for the first time.</summary>
    public void Seen(V1Job job)
    {
        if (job.IsManagedElsewhere())
            _managedElsewhere.With(job.Spec.ManagedBy).Add();
    }

    /// <param name="old">Null for a pod that is new, <paramref name="pod"/> for one that is gone.</param>
    public void PodChanged(V1Pod? old, V1Pod? pod)
    {
        var (was, isNow) = (IsEndedAndTracked(old), IsEndedAndTracked(pod));
        if (was != isNow)
            _tracked.With(isNow ? "add" : "delete").Add();
    }

    private static bool IsEndedAndTracked(V1Pod? pod) => pod?.Status?.Phase is "Succeeded" or "Failed" && pod.IsTracked();

    private static string Mode(V1Job job) => job.IsIndexed() ? "Indexed" : "NonIndexed";

    private static void Add(CounterFamily family, int by, params ReadOnlySpan<string> labels)
    {
        if (by > 0)
            family.With(labels).Add(by);
    }
}
