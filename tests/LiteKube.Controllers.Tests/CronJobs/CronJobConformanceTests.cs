using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Controllers.CronJobs;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Controllers.Tests.CronJobs;

/// <summary>What Kubernetes' conformance suite asks of CronJobs, each test named as its spec; the minutes pass as the test says.</summary>
public sealed class CronJobConformanceTests : ServerTest
{
    private const string CronJobs = "/apis/batch/v1/namespaces/default/cronjobs";
    private const string Jobs = "/apis/batch/v1/namespaces/default/jobs";
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow.AddSeconds(-1));

    [Fact]
    public async Task Should_schedule_multiple_jobs_concurrently()
    {
        await using var cronJobs = await StartedAsync("Allow");
        await AfterMinuteAsync(cronJobs, c => Active(c) == 1, "one active job");
        await AfterMinuteAsync(cronJobs, c => Active(c) == 2, "two active jobs");
        Assert.Equal(2, (await ListAsync(Jobs)).Count);
    }

    [Fact]
    public async Task Should_not_schedule_new_jobs_when_ForbidConcurrent()
    {
        await using var cronJobs = await StartedAsync("Forbid");
        await using var events = await Server.WatchAsync("/api/v1/namespaces/default/events?watch=true");
        await AfterMinuteAsync(cronJobs, c => Active(c) == 1, "one active job");
        await MinuteAsync();
        await UntilAsync(events, e => (string?)e["object"]!["reason"] == "JobAlreadyActive", "the refusal of a second job");
        Assert.Single(await ListAsync(Jobs));
    }

    [Fact]
    public async Task Should_replace_jobs_when_ReplaceConcurrent()
    {
        await using var cronJobs = await StartedAsync("Replace");
        await AfterMinuteAsync(cronJobs, c => Active(c) == 1, "one active job");
        var first = Name(Assert.Single(await ListAsync(Jobs)));
        await AfterMinuteAsync(cronJobs, c => Active(c) == 1 && (string?)c["object"]!["status"]!["active"]![0]!["name"] != first, "another active job");
        // A Job is deleted with its pods in the background: it is gone at once.
        Assert.NotEqual(first, Name(Assert.Single(await ListAsync(Jobs))));
    }

    [Fact]
    public async Task Should_not_schedule_jobs_when_suspended()
    {
        await using var cronJobs = await StartedAsync("Allow", suspend: true);
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        _time.Advance(TimeSpan.FromMinutes(5));
        var resumedAt = _time.GetUtcNow();
        await PatchAsync(CronJobs + "/cron", """{"spec":{"suspend":false}}""");
        // Of the minutes that were missed only the last is made up for.
        var job = await UntilAsync(jobs, c => (string?)c["type"] == "ADDED", "a job");
        await UntilAsync(cronJobs, c => Active(c) == 1, "one active job");
        Assert.Equal($"cron-{resumedAt.ToUnixTimeSeconds() / 60}", Name(job));
        Assert.Single(await ListAsync(Jobs));
    }

    [Fact]
    public async Task Should_support_CronJob_API_operations()
    {
        await using var cronJobs = await StartedAsync("Allow", suspend: true);
        await using var labelled = await Server.WatchAsync("/apis/batch/v1/cronjobs?watch=true&labelSelector=special%3Dyes");
        await PatchAsync(CronJobs + "/cron", """{"metadata":{"labels":{"special":"yes"},"annotations":{"patched":"true"}}}""");
        await UntilAsync(labelled, c => (string?)c["object"]!["metadata"]!["annotations"]?["patched"] == "true", "the patch");
        var status = await PatchAsync(CronJobs + "/cron/status", """{"metadata":{"annotations":{"patchedstatus":"true"}},"status":{"lastScheduleTime":"2026-01-01T00:00:00Z"}}""");
        Assert.Equal(("true", "2026-01-01T00:00:00Z"), ((string?)status["metadata"]!["annotations"]!["patchedstatus"], (string?)status["status"]!["lastScheduleTime"]));
        Assert.Equal(HttpStatusCode.OK, (await Server.GetAsync(CronJobs + "/cron/status")).StatusCode);
        await CreateAsync(CronJobs, CronJob("other", "Allow", suspend: true));
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(CronJobs + "/cron")).StatusCode);
        await Server.DeleteAsync(CronJobs);
        Assert.Empty(await ListAsync(CronJobs));
    }

    private async Task<LiteKube.Testing.TestWatch> StartedAsync(string policy, bool suspend = false)
    {
        await StartAsync(new CronJobController(Client("cronjob-controller"), Informers, Recorder("cronjob-controller"), _time).CreateRunner(NullLoggerFactory.Instance));
        var watch = await Server.WatchAsync(CronJobs + "?watch=true");
        await CreateAsync(CronJobs, CronJob("cron", policy, suspend));
        // The controller's clock goes on from the moment of the creation.
        _time.SetUtcNow(DateTimeOffset.UtcNow > _time.GetUtcNow() ? DateTimeOffset.UtcNow : _time.GetUtcNow());
        return watch;
    }

    private async Task AfterMinuteAsync(LiteKube.Testing.TestWatch cronJobs, Func<JsonObject, bool> wanted, string what)
    {
        await MinuteAsync();
        await UntilAsync(cronJobs, wanted, what);
    }

    /// <summary>A minute, and a reason to look afterwards: whether the controller had armed its timer before is not this test's to know.</summary>
    private async Task MinuteAsync()
    {
        _time.Advance(TimeSpan.FromSeconds(61));
        await PatchAsync(CronJobs + "/cron", $$$"""{"metadata":{"annotations":{"time":"{{{_time.GetUtcNow():O}}}"} } }""");
    }

    private static int Active(JsonObject change) => change["object"]!["status"]?["active"]?.AsArray().Count ?? 0;

    private static string CronJob(string name, string policy, bool suspend) => $$$$"""
        {"metadata":{"name":"{{{{name}}}}"},"spec":{"schedule":"*/1 * * * ?","concurrencyPolicy":"{{{{policy}}}}","suspend":{{{{(suspend ? "true" : "false")}}}},
         "jobTemplate":{"spec":{"parallelism":1,"completions":1,"template":{"spec":{"restartPolicy":"OnFailure","containers":[{"name":"c","image":"i"}]} } } } } }
        """;
}
