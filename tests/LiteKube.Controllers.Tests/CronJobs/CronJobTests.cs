using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Client;
using LiteKube.Controllers.CronJobs;
using LiteKube.Controllers.Tests.Jobs;

namespace LiteKube.Controllers.Tests.CronJobs;

public sealed class CronJobTests : ControllerTest
{
    private static readonly ObjectKey Key = new("default", "cron");

    [Fact]
    public async Task Jobs_start_at_their_minute_and_are_followed_to_their_end()
    {
        var controller = await StartedAsync(Build());
        // 12:00:00 is the creation itself: the first time comes after it.
        Assert.Equal(TimeSpan.FromSeconds(60.1), (await controller.ReconcileAsync(Key, default)).Requeue);
        Time.Advance(TimeSpan.FromSeconds(60.1));
        Assert.Equal(TimeSpan.FromSeconds(60), (await controller.ReconcileAsync(Key, default)).Requeue);
        var job = Assert.Single(Kube.All<V1Job>("default"));
        Assert.Equal($"cron-{new DateTimeOffset(2026, 1, 1, 12, 1, 0, TimeSpan.Zero).ToUnixTimeSeconds() / 60}", job.Metadata.Name);
        Assert.Equal("2026-01-01T12:01:00Z", job.Metadata.Annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
        Assert.Equal(("CronJob", "cron", "batch/v1", true), (job.Metadata.OwnerReferences[0].Kind, job.Metadata.OwnerReferences[0].Name, job.Metadata.OwnerReferences[0].ApiVersion, job.Metadata.OwnerReferences[0].Controller));
        Assert.Equal("template", job.Metadata.Labels["from"]);
        var cronJob = Kube.Find<V1CronJob>("default", "cron")!;
        Assert.Equal(("Job", "batch/v1", job.Metadata.Name, job.Metadata.Uid), (cronJob.Status.Active[0].Kind, cronJob.Status.Active[0].ApiVersion, cronJob.Status.Active[0].Name, cronJob.Status.Active[0].Uid));
        Assert.Equal(new DateTime(2026, 1, 1, 12, 1, 0, DateTimeKind.Utc), cronJob.Status.LastScheduleTime?.ToUniversalTime());

        await FinishAsync(job, "Complete");
        await controller.ReconcileAsync(Key, default);
        cronJob = Kube.Find<V1CronJob>("default", "cron")!;
        Assert.Null(cronJob.Status.Active);
        Assert.Equal(Time.GetUtcNow().ToUnixTimeSeconds(), new DateTimeOffset(cronJob.Status.LastSuccessfulTime!.Value.ToUniversalTime()).ToUnixTimeSeconds());
        Assert.Equal([$"Normal SuccessfulCreate Created job {job.Metadata.Name}", $"Normal SawCompletedJob Saw completed job: {job.Metadata.Name}, condition: Complete"], Events.All);
    }

    [Theory]
    [InlineData("Allow", 2, 2, "SuccessfulCreate")]
    [InlineData("Forbid", 1, 1, "JobAlreadyActive")]
    [InlineData("Replace", 1, 1, "SuccessfulCreate")]
    public async Task The_concurrency_policy_says_what_becomes_of_a_job_that_still_runs(string policy, int active, int jobs, string lastEvent)
    {
        var controller = await StartedAsync(Build(s => s.ConcurrencyPolicy = policy));
        Time.Advance(TimeSpan.FromSeconds(60.1));
        await controller.ReconcileAsync(Key, default);
        var first = Assert.Single(Kube.All<V1Job>("default"));
        await SeenAsync<V1Job>("default", first.Metadata.Name, j => j is not null);
        await SeenAsync<V1CronJob>("default", "cron", c => c?.Status?.Active?.Count == 1);
        Time.Advance(TimeSpan.FromSeconds(60));
        await controller.ReconcileAsync(Key, default);
        Assert.Equal((active, jobs), (Kube.Find<V1CronJob>("default", "cron")!.Status.Active.Count, Kube.All<V1Job>("default").Count));
        Assert.Equal(policy == "Replace", Kube.Find<V1Job>("default", first.Metadata.Name) is null);
        Assert.Equal(lastEvent, Events.All.Last().Split(' ')[1]);
    }

    [Fact]
    public async Task A_suspended_cronjob_starts_nothing_and_asks_for_no_time()
    {
        var controller = await StartedAsync(Build(s => s.Suspend = true));
        Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Null((await controller.ReconcileAsync(Key, default)).Requeue);
        Assert.Empty(Kube.All<V1Job>("default"));
    }

    [Fact]
    public async Task A_job_that_was_started_before_the_process_ended_is_not_started_again()
    {
        var job = await StartUnrecordedAsync(Build());
        Time.Advance(TimeSpan.FromSeconds(5));
        await new CronJobController(Kube.Client, Informers, Events, Time).ReconcileAsync(Key, default);
        Assert.Single(Kube.All<V1Job>("default"));
        Assert.Equal(job.Metadata.Uid, Assert.Single(Kube.Find<V1CronJob>("default", "cron")!.Status.Active).Uid);
        Assert.Contains($"Warning UnexpectedJob Saw a job that the controller did not create or forgot: {job.Metadata.Name}", Events.All);
    }

    [Fact]
    public async Task A_job_whose_start_went_unrecorded_is_active_when_the_next_time_comes()
    {
        var job = await StartUnrecordedAsync(Build(s => s.ConcurrencyPolicy = "Forbid"));
        Time.Advance(TimeSpan.FromSeconds(60));
        await new CronJobController(Kube.Client, Informers, Events, Time).ReconcileAsync(Key, default);
        Assert.Equal(job.Metadata.Uid, Assert.Single(Kube.All<V1Job>("default")).Metadata.Uid);
        var status = Kube.Find<V1CronJob>("default", "cron")!.Status;
        Assert.Equal(job.Metadata.Uid, Assert.Single(status.Active).Uid);
        Assert.Equal(new DateTime(2026, 1, 1, 12, 1, 0, DateTimeKind.Utc), status.LastScheduleTime?.ToUniversalTime());
        Assert.Equal("JobAlreadyActive", Events.All.Last().Split(' ')[1]);
    }

    [Fact]
    public async Task A_job_whose_start_went_unrecorded_is_kept_until_it_is_recorded_or_its_time_would_run_again()
    {
        var job = await StartUnrecordedAsync(Build(s => s.SuccessfulJobsHistoryLimit = 0));
        await FinishAsync(job, "Complete");
        var controller = new CronJobController(Kube.Client, Informers, Events, Time);
        await controller.ReconcileAsync(Key, default);
        Assert.NotNull(Kube.Find<V1Job>("default", job.Metadata.Name));
        Assert.Equal(new DateTime(2026, 1, 1, 12, 1, 0, DateTimeKind.Utc), Kube.Find<V1CronJob>("default", "cron")!.Status.LastScheduleTime?.ToUniversalTime());

        await controller.ReconcileAsync(Key, default);
        await SeenAsync<V1Job>("default", job.Metadata.Name, j => j is null);
        await controller.ReconcileAsync(Key, default);
        Assert.Empty(Kube.All<V1Job>("default"));
    }

    [Fact]
    public async Task An_active_job_that_went_missing_leaves_the_list()
    {
        var controller = await StartedAsync(Build());
        Time.Advance(TimeSpan.FromSeconds(60.1));
        await controller.ReconcileAsync(Key, default);
        var job = Assert.Single(Kube.All<V1Job>("default"));
        await Kube.Client.DeleteAsync<V1Job>("default", job.Metadata.Name, new DeleteOptions(), default);
        await SeenAsync<V1Job>("default", job.Metadata.Name, j => j is null);
        await controller.ReconcileAsync(Key, default);
        Assert.Null(Kube.Find<V1CronJob>("default", "cron")!.Status.Active);
        Assert.Equal($"Normal MissingJob Active job went missing: {job.Metadata.Name}", Events.All.Last());
    }

    [Fact]
    public async Task Finished_jobs_beyond_the_limits_are_removed_the_oldest_first()
    {
        var cronJob = Build(s =>
        {
            s.Suspend = true;
            s.SuccessfulJobsHistoryLimit = 1;
            s.FailedJobsHistoryLimit = 0;
        });
        var controller = await StartedAsync(cronJob);
        foreach (var (name, condition, minutes) in (ReadOnlySpan<(string, string, int)>)[("old", "Complete", -9), ("new", "Complete", -2), ("bad", "Failed", -1), ("running", "Suspended", -20)])
            Kube.Seed(JobOf(cronJob, name, condition, Time.GetUtcNow().AddMinutes(minutes)));
        await SeenAsync<V1Job>("default", "running", j => j is not null);
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(["new", "running"], Kube.All<V1Job>("default").Select(j => j.Metadata.Name));
        Assert.Equal(["Normal SuccessfulDelete Deleted job old", "Normal SuccessfulDelete Deleted job bad"], Events.All.Where(e => e.Contains("Delete", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_time_past_its_deadline_is_missed()
    {
        var cronJob = Build(s =>
        {
            s.Schedule = "0 * * * *";
            s.StartingDeadlineSeconds = 100;
        });
        var hourly = CronSchedule.Parse("0 * * * *", TimeZoneInfo.Utc);
        var hour = JobBuild.Now.AddHours(5);
        Assert.Equal(hour, CronDecision.Compute(cronJob, hourly, hour.AddSeconds(99)).Start);
        var late = CronDecision.Compute(cronJob, hourly, hour.AddSeconds(101));
        Assert.Null(late.Start);
        Assert.Equal(("Warning", "MissSchedule", "Missed scheduled time to start a job: Thu, 01 Jan 2026 17:00:00 +0000"), Assert.Single(late.Events));
        cronJob.Status.LastScheduleTime = hour.UtcDateTime;
        Assert.Empty(CronDecision.Compute(cronJob, hourly, hour.AddSeconds(101)).Events);
    }

    [Theory]
    [InlineData(100, false)]
    [InlineData(101, true)]
    public void Many_missed_times_are_told_of_and_one_job_started_for_all(int missed, bool told)
    {
        var now = JobBuild.Now.AddMinutes(missed);
        var decision = CronDecision.Compute(Build(), CronSchedule.Parse("* * * * *", TimeZoneInfo.Utc), now);
        Assert.Equal(now, decision.Start);
        Assert.Equal(told, decision.Events.Any(e => e.Reason == "TooManyMissedTimes"));
    }

    [Fact]
    public async Task A_schedule_without_any_time_is_told_of()
    {
        var controller = await StartedAsync(Build(s => s.Schedule = "59 23 31 2 *"));
        Assert.Null((await controller.ReconcileAsync(Key, default)).Requeue);
        Assert.Equal(["Warning InvalidSchedule invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second"], Events.All);
    }

    [Theory]
    [InlineData("* * * *", null, "Warning UnparseableSchedule unparseable schedule: \"* * * *\" : expected exactly 5 fields, found 4: [* * * *]")]
    [InlineData("* * * * *", "Nowhere/City", "Warning UnknownTimeZone invalid timeZone: \"Nowhere/City\": unknown time zone Nowhere/City")]
    public async Task What_an_older_server_let_in_starts_nothing(string schedule, string? zone, string told)
    {
        var controller = await StartedAsync(Build(s => (s.Schedule, s.TimeZone) = (schedule, zone)));
        Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Null((await controller.ReconcileAsync(Key, default)).Requeue);
        Assert.Equal([told], Events.All);
    }

    [Fact]
    public async Task The_time_zone_says_when_a_day_begins()
    {
        var controller = await StartedAsync(Build(s => (s.Schedule, s.TimeZone) = ("@daily", "Asia/Tokyo")));
        Assert.Equal(TimeSpan.FromHours(3) + TimeSpan.FromMilliseconds(100), (await controller.ReconcileAsync(Key, default)).Requeue);
        Time.Advance(TimeSpan.FromHours(3.1));
        await controller.ReconcileAsync(Key, default);
        Assert.Equal("2026-01-02T00:00:00+09:00", Assert.Single(Kube.All<V1Job>("default")).Metadata.Annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
    }

    private async Task<CronJobController> StartedAsync(V1CronJob cronJob)
    {
        Kube.Seed(cronJob);
        var controller = new CronJobController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1CronJob>("default", "cron", c => c is not null);
        await Informers.Get<V1Job>().WaitForSyncAsync(default);
        return controller;
    }

    /// <summary>The process ends between the start of the Job and the write of the status.</summary>
    private async Task<V1Job> StartUnrecordedAsync(V1CronJob cronJob)
    {
        var controller = await StartedAsync(cronJob);
        Time.Advance(TimeSpan.FromSeconds(60.1));
        Kube.Intercept = request => request.Method == "PUT" ? throw new IOException("the process is gone") : null;
        await Assert.ThrowsAsync<IOException>(() => controller.ReconcileAsync(Key, default));
        Kube.Intercept = null;
        var job = Assert.Single(Kube.All<V1Job>("default"));
        await SeenAsync<V1Job>("default", job.Metadata.Name, j => j is not null);
        return job;
    }

    private async Task FinishAsync(V1Job job, string condition)
    {
        job.Status = new V1JobStatus { Conditions = [new V1JobCondition { Type = condition, Status = "True" }], CompletionTime = Time.GetUtcNow().UtcDateTime };
        await Kube.Client.UpdateStatusAsync(job, default);
        await SeenAsync<V1Job>("default", job.Metadata.Name, j => j?.Status?.Conditions?.Count == 1);
    }

    private static V1Job JobOf(V1CronJob cronJob, string name, string condition, DateTimeOffset start)
    {
        var job = JobBuild.Job();
        job.Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = "uid-" + name, OwnerReferences = [new V1OwnerReference { ApiVersion = "batch/v1", Kind = "CronJob", Name = "cron", Uid = cronJob.Metadata.Uid, Controller = true }] };
        job.Status = new V1JobStatus { StartTime = start.UtcDateTime, Conditions = [new V1JobCondition { Type = condition, Status = "True" }] };
        return job;
    }

    private static V1CronJob Build(Action<V1CronJobSpec>? change = null)
    {
        var cronJob = new V1CronJob
        {
            Metadata = new V1ObjectMeta { Name = "cron", NamespaceProperty = "default", Uid = "uid-cron", CreationTimestamp = JobBuild.Now.UtcDateTime },
            Spec = new V1CronJobSpec
            {
                Schedule = "* * * * *",
                ConcurrencyPolicy = "Allow",
                Suspend = false,
                JobTemplate = new V1JobTemplateSpec { Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["from"] = "template" } }, Spec = JobBuild.Job().Spec },
            },
            Status = new V1CronJobStatus(),
        };
        change?.Invoke(cronJob.Spec);
        return cronJob;
    }
}
