using k8s.Models;
using LiteKube.Controllers.Jobs;

namespace LiteKube.Controllers.CronJobs;

/// <summary>A CronJob's earlier Jobs. Pure.</summary>
internal static class CronHistory
{
    /// <summary>Finished Jobs beyond the history limits, the oldest first.</summary>
    public static List<V1Job> Surplus(V1CronJob cronJob, IReadOnlyCollection<V1Job> jobs) =>
        [.. Oldest(jobs, JobConditions.Complete, cronJob.Spec.SuccessfulJobsHistoryLimit), .. Oldest(jobs, JobConditions.Failed, cronJob.Spec.FailedJobsHistoryLimit)];

    /// <summary>Follows the Jobs in the status: what ended leaves the list of the active.</summary>
    /// <param name="status">Changed.</param>
    /// <returns>What is worth an event: type, reason, message.</returns>
    public static List<(string Type, string Reason, string Message)> Follow(V1CronJobStatus status, IReadOnlyCollection<V1Job> jobs)
    {
        var events = new List<(string, string, string)>();
        foreach (var job in jobs.OrderBy(j => j.Metadata.Name, StringComparer.Ordinal))
        {
            var isActive = IsActive(status, job.Metadata.Uid);
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

    private static IEnumerable<V1Job> Oldest(IEnumerable<V1Job> jobs, string condition, int? limit)
    {
        if (limit is null)
            return [];
        var finished = jobs.Where(j => j.Has(condition)).OrderBy(j => j.Status.StartTime ?? DateTime.MaxValue).ThenBy(j => j.Metadata.Name, StringComparer.Ordinal).ToList();
        return finished.Take(Math.Max(0, finished.Count - limit.Value));
    }
}
