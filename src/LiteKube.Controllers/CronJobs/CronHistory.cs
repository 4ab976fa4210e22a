using System.Globalization;
using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Controllers.Jobs;

namespace LiteKube.Controllers.CronJobs;

/// <summary>A CronJob's earlier Jobs. Pure.</summary>
internal static class CronHistory
{
    /// <summary>Finished Jobs beyond the history limits, the oldest first. One that the stored status does not know of yet stays: it alone says that its time has been run.</summary>
    public static List<V1Job> Surplus(V1CronJob cronJob, IReadOnlyCollection<V1Job> jobs)
    {
        List<V1Job> surplus = [.. Oldest(jobs, JobConditions.Complete, cronJob.Spec.SuccessfulJobsHistoryLimit), .. Oldest(jobs, JobConditions.Failed, cronJob.Spec.FailedJobsHistoryLimit)];
        surplus.RemoveAll(job => IsUnrecorded(cronJob, job, CronTimes.Utc(cronJob.Status.LastScheduleTime), out _));
        return surplus;
    }

    /// <summary>Follows the Jobs in the status: what ended leaves the list of the active, and what was started without a word about it in the status is taken in.</summary>
    /// <param name="cronJob">Its status is changed.</param>
    /// <returns>What is worth an event: type, reason, message.</returns>
    public static List<(string Type, string Reason, string Message)> Follow(V1CronJob cronJob, IReadOnlyCollection<V1Job> jobs)
    {
        var status = cronJob.Status;
        var recorded = CronTimes.Utc(status.LastScheduleTime);
        var events = new List<(string, string, string)>();
        foreach (var job in jobs.OrderBy(j => j.Metadata.Name, StringComparer.Ordinal))
        {
            var isActive = IsActive(status, job.Metadata.Uid);
            if (!isActive && IsUnrecorded(cronJob, job, recorded, out var time))
                Record(status, job, time);
            if (!isActive && !job.IsFinished())
            {
                events.Add(("Warning", "UnexpectedJob", $"Saw a job that the controller did not create or forgot: {job.Metadata.Name}"));
            }
            else if (isActive && job.IsFinished())
            {
                Remove(status, job.Metadata.Uid);
                events.Add(("Normal", "SawCompletedJob", $"Saw completed job: {job.Metadata.Name}, condition: {(job.Has(JobConditions.Complete) ? JobConditions.Complete : JobConditions.Failed)}"));
            }
            if (job.Has(JobConditions.Complete) && job.Status.CompletionTime is { } end && (status.LastSuccessfulTime is not { } last || end.ToUniversalTime() > last.ToUniversalTime()))
                status.LastSuccessfulTime = end;
        }
        return events;
    }

    public static bool IsActive(V1CronJobStatus? status, string uid) => status?.Active?.Any(a => a.Uid == uid) == true;

    public static void Remove(V1CronJobStatus status, string uid)
    {
        var left = (status.Active ?? []).Where(a => a.Uid != uid).ToList();
        status.Active = left.Count == 0 ? null : left;
    }

    /// <summary>As started for that time.</summary>
    public static void Record(V1CronJobStatus status, V1Job job, DateTimeOffset time)
    {
        if (!job.IsFinished())
            status.Active = [.. status.Active ?? [], IEventRecorder.Reference(job)];
        if (status.LastScheduleTime is not { } last || last.ToUniversalTime() < time.UtcDateTime)
            status.LastScheduleTime = time.UtcDateTime;
    }

    /// <summary>The Job was started by the schedule for a later time than the status knows of: the process ended, or its write was refused, in between.</summary>
    private static bool IsUnrecorded(V1CronJob cronJob, V1Job job, DateTimeOffset? recorded, out DateTimeOffset time)
    {
        time = default;
        return job.Metadata.Annotations?.TryGetValue(CronDecision.ScheduledTimestampAnnotation, out var text) == true
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out time)
            && job.Metadata.Name == CronDecision.JobName(cronJob, time) && job.Metadata.DeletionTimestamp is null && !(time <= recorded);
    }

    private static IEnumerable<V1Job> Oldest(IEnumerable<V1Job> jobs, string condition, int? limit)
    {
        if (limit is null)
            return [];
        var finished = jobs.Where(j => j.Has(condition)).OrderBy(j => j.Status.StartTime ?? DateTime.MaxValue).ThenBy(j => j.Metadata.Name, StringComparer.Ordinal).ToList();
        return finished.Take(Math.Max(0, finished.Count - limit.Value));
    }
}
