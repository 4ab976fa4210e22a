using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Controllers.CronJobs;

/// <summary>Which of a CronJob's times have come since it last ran, and which comes next. Pure.</summary>
internal static class CronTimes
{
    /// <summary>Beyond so many missed times a clock is likelier to be wrong than a cluster to have slept.</summary>
    public const int ManyMissed = 100;

    /// <summary>Woken a little late: a clock that is set back must not find the time not yet come.</summary>
    private static readonly TimeSpan Padding = TimeSpan.FromMilliseconds(100);

    /// <param name="Since">Where the search began: the last run, the creation, or the start of the deadline.</param>
    /// <param name="Latest">The most recent time that has come; null when none has.</param>
    /// <param name="Missed">Roughly how many times have come and gone before it.</param>
    public readonly record struct Due(DateTimeOffset Since, DateTimeOffset? Latest, long Missed);

    /// <param name="withDeadline">Leave out times that startingDeadlineSeconds have passed over.</param>
    /// <exception cref="FormatException">The schedule names no time at all, as 31 February does.</exception>
    public static Due Find(V1CronJob cronJob, CronSchedule schedule, DateTimeOffset now, bool withDeadline)
    {
        var since = Utc(cronJob.Status?.LastScheduleTime) ?? Utc(cronJob.Metadata.CreationTimestamp) ?? now;
        if (withDeadline && cronJob.Spec.StartingDeadlineSeconds is { } seconds && now.AddSeconds(-Math.Min(seconds, int.MaxValue)) is var earliest && earliest > since)
            since = earliest;
        var first = schedule.Next(since) ?? throw NoTime();
        if (now < first)
            return new Due(since, null, 0);
        var second = schedule.Next(first) ?? throw NoTime();
        if (now < second)
            return new Due(since, first, 0);
        var interval = (long)Math.Round((second - first).TotalSeconds);
        if (interval < 1)
            throw NoTime();
        var missed = ((long)(now - first).TotalSeconds / interval) + 1;
        // From shortly before now, so that a long pause costs no more than a short one.
        DateTimeOffset? latest = null;
        for (var time = schedule.Next(first.AddSeconds((missed - 2) * interval)); time <= now; time = schedule.Next(time.Value))
            latest = time;
        return new Due(since, latest, missed);
    }

    /// <summary>How long until the next time; null when there is none.</summary>
    public static TimeSpan? Wait(V1CronJob cronJob, CronSchedule schedule, DateTimeOffset now)
    {
        DateTimeOffset from;
        try
        {
            var due = Find(cronJob, schedule, now, withDeadline: false);
            from = due.Latest ?? (due.Missed == 0 ? due.Since : now);
        }
        catch (FormatException)
        {
            from = now;
        }
        return schedule.Next(from) + Padding - now;
    }

    public static DateTimeOffset? Utc(DateTime? time) => time is { } value ? new DateTimeOffset(value.ToUniversalTime()) : null;

    private static FormatException NoTime() => new("time difference between two schedules is less than 1 second");
}
