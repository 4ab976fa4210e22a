using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.CronJobs;
using LiteKube.Controllers.Jobs;

namespace LiteKube.Controllers.Tests.Plans;

internal static class JobPlans
{
    /// <summary>Two statuses where finalizers are taken in between: before, and when all of them are gone.</summary>
    public static string Job(PlanCase given)
    {
        var job = given.One<V1Job>("Job");
        var state = JobState.Observe(job, given.PodsOf(job), new HashSet<string>(), JobBackoff.None);
        var start = job.IsSuspended() ? job.Status?.StartTime : job.Has(JobConditions.Suspended) ? PlanCase.Now.UtcDateTime : job.Status?.StartTime ?? PlanCase.Now.UtcDateTime;
        var plan = JobPlan.Compute(state, start, isCurrent: true, PlanCase.Now);
        var text = new PlanText();
        if (plan.Finish is { } finish)
            text.Line($"finish {finish.Type} {finish.Reason}: {finish.Message}");
        text.Each(plan.Release ? "release and delete" : "delete", plan.Delete);
        foreach (var group in plan.Create.GroupBy(i => i))
            text.Line(group.Key is { } index ? $"create a pod of index {index}" : (FormattableString)$"create {group.Count()} pods");
        var outcome = new JobOutcome(plan.Create.Count, plan.Delete.Count, plan.Delete.Count(p => p.IsReady()));
        var status = JobStatusPlan.Compute(state, plan, outcome, start, isCurrent: true, PlanCase.Now);
        if (status.Release.Count > 0)
        {
            text.Status(status.Status);
            text.Each("count", status.Release);
            status.Release.ForEach(status.Released);
            status.Settle();
        }
        status.TryFinish();
        text.Status(status.Status);
        if (status.Event is { } told)
            text.Line($"event {told.Reason}: {told.Message}");
        text.Recheck(plan.Requeue);
        return text.ToString();
    }

    public static string CronJob(PlanCase given)
    {
        var cronJob = given.One<V1CronJob>("CronJob");
        var zone = cronJob.Spec.TimeZone is { } name ? TimeZoneInfo.FindSystemTimeZoneById(name) : TimeZoneInfo.Utc;
        var schedule = CronSchedule.Parse(cronJob.Spec.Schedule, zone);
        var decision = CronDecision.Compute(cronJob, schedule, PlanCase.Now);
        var text = new PlanText();
        foreach (var (type, reason, message) in decision.Events)
            text.Line($"event {type} {reason}: {message}");
        if (decision.Replace)
        {
            foreach (var active in cronJob.Status?.Active ?? [])
                text.Line($"delete {active.Name}");
        }
        if (decision.Start is { } time)
        {
            var job = CronDecision.Job(cronJob, time, zone);
            text.Line($"start {job.Metadata.Name} for {job.Metadata.Annotations[CronDecision.ScheduledTimestampAnnotation]}");
        }
        // The wait is a little longer than up to the next time, for clocks that are set back.
        if (CronTimes.Wait(cronJob, schedule, PlanCase.Now) is { } wait)
            text.Line($"next at {(PlanCase.Now + wait).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}");
        return text.ToString();
    }
}
