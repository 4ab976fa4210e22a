using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.CronJobs;

/// <summary>Whether a CronJob is to start a Job now. Pure.</summary>
/// <param name="Start">The time for which to start one; null for not at all.</param>
/// <param name="Replace">Delete the active Jobs before.</param>
/// <param name="Events">Type, reason, message.</param>
internal sealed record CronDecision(DateTimeOffset? Start, bool Replace, IReadOnlyList<(string Type, string Reason, string Message)> Events)
{
    public const string ScheduledTimestampAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

    /// <exception cref="FormatException">See <see cref="CronTimes.Find"/>.</exception>
    public static CronDecision Compute(V1CronJob cronJob, CronSchedule schedule, DateTimeOffset now)
    {
        var due = CronTimes.Find(cronJob, schedule, now, withDeadline: true);
        if (due.Latest is not { } time)
            return new CronDecision(null, false, Missed(cronJob, schedule, now) is { } missed ? [("Warning", "MissSchedule", $"Missed scheduled time to start a job: {missed}")] : []);
        var events = new List<(string, string, string)>();
        if (due.Missed > CronTimes.ManyMissed)
            events.Add(("Warning", "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"));
        var active = cronJob.Status?.Active ?? [];
        if (active.Any(a => a.Name == JobName(cronJob, time)) || CronTimes.Utc(cronJob.Status?.LastScheduleTime) == time)
            return new CronDecision(null, false, events);
        if (cronJob.Spec.ConcurrencyPolicy == "Forbid" && active.Count > 0)
        {
            events.Add(("Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid"));
            return new CronDecision(null, false, events);
        }
        return new CronDecision(time, cronJob.Spec.ConcurrencyPolicy == "Replace", events);
    }

    /// <summary>The time that came and whose deadline has passed.</summary>
    private static string? Missed(V1CronJob cronJob, CronSchedule schedule, DateTimeOffset now) =>
        cronJob.Spec.StartingDeadlineSeconds is not null && CronTimes.Find(cronJob, schedule, now, withDeadline: false).Latest is { } time
            ? time.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture) + " +0000"
            : null;

    /// <summary>One name a time: a Job that was started before this process ended cannot be started again.</summary>
    public static string JobName(V1CronJob cronJob, DateTimeOffset time) => string.Create(CultureInfo.InvariantCulture, $"{cronJob.Metadata.Name}-{time.ToUnixTimeSeconds() / 60}");

    /// <param name="zone">Of the CronJob, else UTC: how its annotation writes the time.</param>
    public static V1Job Job(V1CronJob cronJob, DateTimeOffset time, TimeZoneInfo zone)
    {
        var template = KubeJson.Clone(cronJob.Spec.JobTemplate);
        var annotations = template.Metadata?.Annotations ?? new Dictionary<string, string>(StringComparer.Ordinal);
        var local = TimeZoneInfo.ConvertTime(time, zone);
        annotations[ScheduledTimestampAnnotation] = local.Offset == TimeSpan.Zero ? KubernetesTime.Format(local) : local.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
        return new V1Job
        {
            ApiVersion = "batch/v1",
            Kind = "Job",
            Metadata = new V1ObjectMeta
            {
                Name = JobName(cronJob, time),
                NamespaceProperty = cronJob.Metadata.NamespaceProperty,
                Labels = template.Metadata?.Labels,
                Annotations = annotations,
                OwnerReferences = [Owners.ReferenceTo(cronJob, "batch/v1", "CronJob")],
            },
            Spec = template.Spec,
        };
    }
}
