using System.Text.Json.Nodes;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.Jobs;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Jobs;

/// <summary>What Kubernetes' conformance suite asks of Jobs, each test named as its spec; their pods end as the test says.</summary>
public sealed class JobConformanceTests : ServerTest
{
    private const string Jobs = "/apis/batch/v1/namespaces/default/jobs";
    private const string Pods = "/api/v1/namespaces/default/pods";

    [Fact]
    public async Task Should_run_a_job_to_completion_when_tasks_sometimes_fail_and_are_locally_restarted()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":2,"completions":4,"backoffLimit":6}""", "OnFailure"));
        for (var i = 0; i < 4; i++)
        {
            var pod = await UntilAsync(pods, IsAdded, "a new pod");
            await PatchAsync($"{Pods}/{Name(pod)}/status", """{"status":{"phase":"Running","containerStatuses":[{"name":"c","image":"i","imageID":"","ready":false,"restartCount":1}]}}""");
            await EndAsync(pod, "Succeeded");
        }
        var job = await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Complete"), "completion");
        Assert.Equal(4, (int)job["status"]!["succeeded"]!);
        Assert.Equal(4, (await ListAsync(Pods)).Count(p => (string?)p["status"]!["phase"] == "Succeeded"));
    }

    [Fact]
    public async Task Should_create_pods_for_an_Indexed_job_with_completion_indexes_and_specified_hostname()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":2,"completions":4,"completionMode":"Indexed"}"""));
        for (var i = 0; i < 4; i++)
            await EndAsync(await UntilAsync(pods, IsAdded, "a new pod"), "Succeeded");
        var job = await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Complete"), "completion");
        Assert.Equal("0-3", (string?)job["status"]!["completedIndexes"]);
        var all = await ListAsync(Pods);
        Assert.Equal(["work-0", "work-1", "work-2", "work-3"], all.Select(p => (string)p["spec"]!["hostname"]!).Order());
        Assert.Equal(["0", "1", "2", "3"], all.Select(p => (string)p["metadata"]!["annotations"]!["batch.kubernetes.io/job-completion-index"]!).Order());
    }

    [Fact]
    public async Task Should_delete_a_job()
    {
        await StartAsync();
        await StartAsync(new GarbageCollector(Client("generic-garbage-collector"), Recorder("garbage-collector-controller"), NullLoggerFactory.Instance, TimeProvider.System));
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":2,"completions":4}"""));
        await UntilAsync(jobs, c => (int?)c["object"]!["status"]?["active"] == 2, "two active pods");
        await Server.DeleteAsync(Jobs + "/work", """{"propagationPolicy":"Foreground"}""");
        await UntilAsync(jobs, c => (string?)c["type"] == "DELETED", "the end of the job");
        Assert.Empty(await ListAsync(Pods));
    }

    [Fact]
    public async Task Should_adopt_matching_orphans_and_release_non_matching_pods()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":2,"completions":4,"backoffLimit":6}"""));
        var (orphan, stranger) = (Name(await UntilAsync(pods, IsAdded, "a pod")), Name(await UntilAsync(pods, IsAdded, "a second pod")));
        await PatchAsync($"{Pods}/{orphan}", """{"metadata":{"ownerReferences":null}}""");
        await UntilAsync(pods, c => Is(c, orphan) && c["object"]!["metadata"]!["ownerReferences"] is null, "the orphan");
        await UntilAsync(pods, c => Is(c, orphan) && (string?)c["object"]!["metadata"]!["ownerReferences"]?[0]?["name"] == "work" && Tracked(c["object"]!), "the adoption");
        await PatchAsync($"{Pods}/{stranger}", """{"metadata":{"labels":null}}""");
        await UntilAsync(pods, c => Is(c, stranger) && c["object"]!["metadata"]!["ownerReferences"] is null && !Tracked(c["object"]!), "the release");
        await UntilAsync(pods, IsAdded, "a pod in its place");
    }

    [Fact]
    public async Task Should_apply_changes_to_a_job_status()
    {
        await StartAsync();
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":2,"completions":4,"backoffLimit":6}"""));
        await UntilAsync(jobs, c => (int?)c["object"]!["status"]?["active"] == 2, "two active pods");
        // A running job keeps its start.
        var refused = await Server.PatchAsync(Jobs + "/work/status", """{"status":{"startTime":null}}""");
        Assert.Contains("startTime cannot be removed for unsuspended job", refused.Body, StringComparison.Ordinal);
        var annotated = await PatchAsync(Jobs + "/work/status", """{"metadata":{"annotations":{"patchedstatus":"true"}},"status":{"conditions":[{"type":"Custom","status":"True","reason":"E2E","message":"Set by a test"}]}}""");
        Assert.Equal("true", (string?)annotated["metadata"]!["annotations"]!["patchedstatus"]);
        await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Custom"), "the condition that was patched");
        // The next look of the controller keeps what is not its own.
        await PatchAsync(Jobs + "/work", """{"spec":{"parallelism":3}}""");
        var grown = await UntilAsync(jobs, c => (int?)c["object"]!["status"]?["active"] == 3, "three active pods");
        Assert.True(HasCondition(grown, "Custom"));
    }

    [Fact]
    public async Task Should_manage_the_lifecycle_of_a_job()
    {
        await StartAsync();
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"suspend":true,"parallelism":2,"completions":2,"backoffLimit":6}"""));
        await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Suspended"), "suspension");
        Assert.Empty(await ListAsync(Pods));
        await PatchAsync(Jobs + "/work", """{"metadata":{"labels":{"e2e-job-label":"patched"}}}""");
        await PatchAsync(Jobs + "/work", """{"spec":{"suspend":false},"metadata":{"annotations":{"updated":"true"}}}""");
        var resumed = await UntilAsync(jobs, c => (int?)c["object"]!["status"]?["active"] == 2, "two active pods");
        Assert.False(HasCondition(resumed, "Suspended"));
        foreach (var pod in await ListAsync(Pods))
            await EndAsync(pod, "Succeeded");
        await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Complete"), "completion");
        Assert.Single(await ListAsync("/apis/batch/v1/jobs?labelSelector=e2e-job-label%3Dpatched"));
        await Server.DeleteAsync(Jobs + "?labelSelector=e2e-job-label%3Dpatched", """{"propagationPolicy":"Background"}""");
        await UntilAsync(jobs, c => (string?)c["type"] == "DELETED", "the end of the job");
    }

    [Fact]
    public async Task Should_allow_to_use_the_pod_failure_policy_on_exit_code_to_fail_the_job_early()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":1,"completions":2,"backoffLimit":1,"podFailurePolicy":{"rules":[{"action":"FailJob","onExitCodes":{"containerName":"c","operator":"In","values":[1]}}]}}"""));
        await EndAsync(await UntilAsync(pods, IsAdded, "a new pod"), "Failed");
        var job = await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Failed"), "failure");
        Assert.Equal(["FailureTarget PodFailurePolicy", "Failed PodFailurePolicy"], job["status"]!["conditions"]!.AsArray().Select(c => $"{c!["type"]} {c["reason"]}"));
    }

    [Fact]
    public async Task Should_allow_to_delegate_reconciliation_to_external_controller()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":1,"completions":1,"managedBy":"example.com/custom"}""").Replace("\"work\"", "\"elsewhere\"", StringComparison.Ordinal));
        await CreateAsync(Jobs, Job("""{"parallelism":1,"completions":1}"""));
        // The later one's pod is the first of all.
        Assert.StartsWith("work-", Name(await UntilAsync(pods, IsAdded, "a new pod")), StringComparison.Ordinal);
        Assert.Null((await Server.GetAsync(Jobs + "/elsewhere")).Json["status"]?["uncountedTerminatedPods"]);
    }

    [Fact]
    public async Task Should_terminate_job_execution_when_the_number_of_failed_indexes_exceeds_maxFailedIndexes()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":5,"completions":10,"completionMode":"Indexed","backoffLimit":2147483647,"backoffLimitPerIndex":0,"maxFailedIndexes":4}"""));
        for (var i = 0; i < 5; i++)
            await EndAsync(await UntilAsync(pods, IsAdded, "a new pod"), "Failed");
        var job = await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Failed"), "failure");
        Assert.Equal("MaxFailedIndexesExceeded", (string?)job["status"]!["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "Failed")!["reason"]);
        Assert.Equal("0-4", (string?)job["status"]!["failedIndexes"]);
    }

    [Fact]
    public async Task With_successPolicy_succeededIndexes_rule_should_succeed_even_when_some_indexes_remain_pending()
    {
        await StartAsync();
        await using var pods = await Server.WatchAsync(Pods + "?watch=true");
        await using var jobs = await Server.WatchAsync(Jobs + "?watch=true");
        await CreateAsync(Jobs, Job("""{"parallelism":2,"completions":5,"completionMode":"Indexed","successPolicy":{"rules":[{"succeededIndexes":"1"}]}}"""));
        var (first, second) = (await UntilAsync(pods, IsAdded, "a new pod"), await UntilAsync(pods, IsAdded, "a second pod"));
        await EndAsync((string?)first["metadata"]!["labels"]!["batch.kubernetes.io/job-completion-index"] == "1" ? first : second, "Succeeded");
        var job = await UntilAsync(jobs, c => HasCondition(c["object"]!.AsObject(), "Complete"), "completion");
        Assert.Equal(("1", 1), ((string?)job["status"]!["completedIndexes"], (int)job["status"]!["succeeded"]!));
        Assert.Equal(["SuccessCriteriaMet SuccessPolicy Matched rules at index 0", "Complete SuccessPolicy Matched rules at index 0"], job["status"]!["conditions"]!.AsArray().Select(c => $"{c!["type"]} {c["reason"]} {c["message"]}"));
        Assert.Null(job["status"]!["failed"]);
    }

    private async Task StartAsync()
    {
        await StartAsync(new JobController(Client("job-controller"), Informers, Recorder("job-controller"), TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new JobOrphanController(Client("job-controller"), Informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
    }

    private async Task EndAsync(JsonObject pod, string phase)
    {
        var body = $$$"""{"status":{"phase":"{{{phase}}}","containerStatuses":[{"name":"c","image":"i","imageID":"","ready":false,"restartCount":0,"state":{"terminated":{"exitCode":{{{(phase == "Failed" ? 1 : 0)}}} } } }]} }""";
        await PatchAsync($"{Pods}/{Name(pod)}/status", body);
    }

    private static bool IsAdded(JsonObject change) => (string?)change["type"] == "ADDED";

    private static bool Is(JsonObject change, string name) => (string?)change["object"]!["metadata"]!["name"] == name;

    private static bool Tracked(JsonNode pod) => pod["metadata"]!["finalizers"]?.AsArray().Any(f => (string?)f == "batch.kubernetes.io/job-tracking") == true;

    private static string Job(string spec, string restartPolicy = "Never")
    {
        var job = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "work" }, ["spec"] = JsonNode.Parse(spec) };
        job["spec"]!["template"] = JsonNode.Parse($$$"""{"spec":{"restartPolicy":"{{{restartPolicy}}}","containers":[{"name":"c","image":"i"}]}}""");
        return job.ToJsonString();
    }
}
