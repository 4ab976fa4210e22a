using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Jobs;

/// <summary>What to do about a Job's pods now. Pure.</summary>
/// <param name="Finish">Why the Job is to end, as its interim condition (or, of one that failed before, the final one); null while it goes on.</param>
/// <param name="Managed">Whether the pods were held against the spec; not done while earlier creates and deletes are still to be seen.</param>
/// <param name="Delete">Pods to delete.</param>
/// <param name="Release">Take the tracking finalizer from the deleted pods first: they do not count as failed.</param>
/// <param name="Create">An element a pod to create: its completion index, or null in a Job without indexes.</param>
/// <param name="Requeue">When time alone will change something.</param>
internal sealed record JobPlan(V1JobCondition? Finish, bool Managed, IReadOnlyList<V1Pod> Delete, bool Release, IReadOnlyList<int?> Create, TimeSpan? Requeue)
{
    /// <summary>One reconciliation does at most so much; the rest follows when its results have been seen.</summary>
    public const int Burst = 500;

    /// <param name="startTime">When the Job began, or begins now; null while it is suspended from its start.</param>
    /// <param name="isCurrent">Earlier creates and deletes have all been seen.</param>
    public static JobPlan Compute(JobState state, DateTime? startTime, bool isCurrent, DateTimeOffset now)
    {
        var deadline = Deadline(state.Job, startTime, now);
        if (FindEnd(state, deadline, now) is { } finish)
            return new JobPlan(finish, false, state.Active, false, [], null);
        if (!isCurrent || state.Job.Metadata.DeletionTimestamp is not null)
            return new JobPlan(null, false, [], false, [], deadline);
        var plan = Manage(state, now);
        return plan with { Requeue = Earlier(plan.Requeue, deadline) };
    }

    /// <returns>How long until activeDeadlineSeconds are over; null when they do not run.</returns>
    private static TimeSpan? Deadline(V1Job job, DateTime? startTime, DateTimeOffset now)
    {
        if (job.Spec.ActiveDeadlineSeconds is not { } seconds || startTime is not { } start || job.IsSuspended())
            return null;
        var left = start.ToUniversalTime().AddSeconds(Math.Min(seconds, int.MaxValue)) - now.UtcDateTime;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static V1JobCondition? FindEnd(JobState state, TimeSpan? deadline, DateTimeOffset now)
    {
        var job = state.Job;
        if (job.Has(JobConditions.SuccessCriteriaMet))
            return job.Condition(JobConditions.SuccessCriteriaMet);
        if (job.Has(JobConditions.FailureTarget))
            return JobConditions.Final(job.Condition(JobConditions.FailureTarget)!, now);
        if (FailJobMessage(state) is { } message)
            return JobConditions.Fail("PodFailurePolicy", message, now);
        if (state.Failed > job.BackoffLimit() || RestartsExceedLimit(state))
            return JobConditions.Fail("BackoffLimitExceeded", "Job has reached the specified backoff limit", now);
        if (deadline == TimeSpan.Zero)
            return JobConditions.Fail("DeadlineExceeded", "Job was active longer than specified deadline", now);
        if (!job.IsIndexed())
            return null;
        if (state.FailedIndexes is { } failed)
        {
            if (failed.Count > job.Spec.MaxFailedIndexes)
                return JobConditions.Fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes", now);
            if (!failed.IsEmpty && failed.Count + state.SucceededIndexes.Count >= job.Spec.Completions)
                return JobConditions.Fail("FailedIndexes", "Job has failed indexes", now);
        }
        return SuccessRules.Match(job.Spec.SuccessPolicy, job.Spec.Completions ?? 0, state.SucceededIndexes) is { } rule
            ? JobConditions.New(JobConditions.SuccessCriteriaMet, "SuccessPolicy", rule, now)
            : null;
    }

    private static string? FailJobMessage(JobState state) => state.Job.Spec.PodFailurePolicy is { } policy
        ? state.Pods.Where(p => p.HasFailed(state.Job)).Select(p => PodFailureRules.Judge(policy, p).FailJobMessage).FirstOrDefault(m => m is not null)
        : null;

    /// <summary>Pods that restart in place never fail; their restarts are what the limit is held against.</summary>
    private static bool RestartsExceedLimit(JobState state)
    {
        if (state.Job.Spec.Template.Spec?.RestartPolicy != "OnFailure")
            return false;
        var restarts = state.Pods.Where(p => p.Status?.Phase is "Running" or "Pending")
            .Sum(p => (p.Status.InitContainerStatuses ?? []).Concat(p.Status.ContainerStatuses ?? []).Sum(s => s.RestartCount));
        var limit = state.Job.BackoffLimit();
        return limit == 0 ? restarts > 0 : restarts >= limit;
    }

    private static JobPlan Manage(JobState state, DateTimeOffset now)
    {
        var job = state.Job;
        var active = state.Active.Count;
        if (job.IsSuspended())
            return new JobPlan(null, true, state.Active, true, [], null);

        var wanted = job.Spec.Completions is { } completions
            ? Math.Clamp(completions - state.Succeeded, 0, job.Parallelism())
            // Without completions one success is the sign that the work is done: who still runs may end, nobody is added.
            : state.Succeeded > 0 ? active : job.Parallelism();
        var surplus = Surplus(state, Math.Max(0, active - wanted));
        if (surplus.Count > 0)
            return new JobPlan(null, true, [.. surplus.Take(Burst)], true, [], null);

        var missing = wanted - active - (job.ReplacesOnlyFailed() ? state.Terminating : 0);
        return missing > 0 ? Fill(state, Math.Min(missing, Burst), now) : new JobPlan(null, true, [], false, [], null);
    }

    private static JobPlan Fill(JobState state, int missing, DateTimeOffset now)
    {
        var job = state.Job;
        var wait = job.CountsFailuresPerIndex() ? TimeSpan.Zero : state.Backoff.Remaining(now);
        if (wait > TimeSpan.Zero)
            return new JobPlan(null, true, [], false, [], wait);
        if (!job.IsIndexed())
            return new JobPlan(null, true, [], false, [.. Enumerable.Repeat<int?>(null, missing)], null);

        var taken = state.SucceededIndexes.With(state.Active.Concat(job.ReplacesOnlyFailed() ? state.Pods.Where(p => p.IsTerminatingUnfinished()) : []).Select(p => p.CompletionIndex()).OfType<int>());
        var indexes = taken.With(state.FailedIndexes ?? IndexSet.Empty).FirstMissing(missing, job.Spec.Completions ?? 0);
        var delays = indexes.ToDictionary(i => i, i => job.CountsFailuresPerIndex() ? JobBackoff.RemainingOfIndex(state.AwaitingReplacement.GetValueOrDefault(i), now) : TimeSpan.Zero);
        var due = indexes.Where(i => delays[i] == TimeSpan.Zero).ToList();
        var later = delays.Values.Where(d => d > TimeSpan.Zero).ToList();
        return new JobPlan(null, true, [], false, [.. due.Select(i => (int?)i)], later.Count == 0 ? null : later.Min());
    }

    /// <summary>Pods that the Job has too many of, and in an Indexed Job all but one of each index and those without a valid one.</summary>
    private static List<V1Pod> Surplus(JobState state, int atLeast)
    {
        var surplus = new List<V1Pod>();
        var left = state.Active.ToList();
        if (state.Job.IsIndexed())
        {
            surplus.AddRange(left.Where(p => !p.HasValidIndex(state.Job)));
            foreach (var sameIndex in left.Where(p => p.HasValidIndex(state.Job)).GroupBy(p => p.CompletionIndex()))
                surplus.AddRange(sameIndex.Order(DeletionOrder.Instance).SkipLast(1));
            left.RemoveAll(surplus.Contains);
        }
        surplus.AddRange(left.Order(DeletionOrder.Instance).Take(Math.Max(0, atLeast - surplus.Count)));
        return surplus;
    }

    private static TimeSpan? Earlier(TimeSpan? left, TimeSpan? right) => left is null || right < left ? right : left;

    /// <summary>Which pod is missed least (kube-controller-manager's ActivePods): unassigned, pending, not ready, ready or created later, restarted more often.</summary>
    private sealed class DeletionOrder : IComparer<V1Pod>
    {
        public static readonly DeletionOrder Instance = new();

        public int Compare(V1Pod? x, V1Pod? y)
        {
            var (a, b) = (x!, y!);
            int Prefer(bool first, bool second) => second.CompareTo(first);
            var order = Prefer(string.IsNullOrEmpty(a.Spec?.NodeName), string.IsNullOrEmpty(b.Spec?.NodeName));
            if (order == 0)
                order = Phase(a).CompareTo(Phase(b));
            if (order == 0)
                order = Prefer(!a.IsReady(), !b.IsReady());
            if (order == 0 && a.IsReady() && b.IsReady())
                order = Nullable.Compare(b.ReadyCondition()!.LastTransitionTime, a.ReadyCondition()!.LastTransitionTime);
            if (order == 0)
                order = Restarts(b).CompareTo(Restarts(a));
            if (order == 0)
                order = Nullable.Compare(b.Metadata.CreationTimestamp, a.Metadata.CreationTimestamp);
            return order != 0 ? order : string.CompareOrdinal(a.Metadata.Uid, b.Metadata.Uid);
        }

        private static int Phase(V1Pod pod) => pod.Status?.Phase switch { "Pending" => 0, "Unknown" => 1, _ => 2 };

        private static int Restarts(V1Pod pod) => pod.Status?.ContainerStatuses?.Sum(c => c.RestartCount) ?? 0;
    }
}
