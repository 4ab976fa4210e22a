using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Jobs;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Jobs;

public sealed class JobControllerTests : ControllerTest
{
    private static readonly ObjectKey Key = new("default", "work");

    [Fact]
    public async Task A_job_runs_pods_until_enough_have_succeeded()
    {
        Kube.Seed(JobBuild.Job(completions: 3, parallelism: 2));
        await StartAsync();
        var pods = await RunningAsync(2);
        Assert.All(pods, p => Assert.Equal([JobPods.TrackingFinalizer], p.Metadata.Finalizers));
        await StatusAsync(s => s is { Active: 2, Ready: 0, Terminating: 0, StartTime: not null }, "two active pods");
        foreach (var pod in pods)
            await Kube.EndAsync(pod, success: true, Time.GetUtcNow());
        await Kube.EndAsync((await RunningAsync(1)).Single(), success: true, Time.GetUtcNow());
        var job = await FinishedAsync();
        Assert.Equal((3, null, null), (job.Status.Succeeded, job.Status.Failed, job.Status.Active));
        Assert.Equal(["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"], job.Status.Conditions.Select(c => $"{c.Type} {c.Reason}"));
        Assert.Equal(Time.GetUtcNow().UtcDateTime, job.Status.CompletionTime?.ToUniversalTime());
        Assert.Equal(3, Kube.All<V1Pod>("default").Count);
        Assert.All(Kube.All<V1Pod>("default"), p => Assert.True(p.Metadata.Finalizers is not { Count: > 0 }));
        Assert.Equal(3, Events.All.Count(e => e.StartsWith("Normal SuccessfulCreate Created pod: work-", StringComparison.Ordinal)));
        Assert.Equal("Normal Completed Job completed", Events.All.Last());
    }

    [Fact]
    public async Task A_job_that_fails_too_often_is_ended_and_its_pods_with_it()
    {
        Kube.GracefulPods = false;
        Kube.Seed(JobBuild.Job(completions: 2, parallelism: 2, spec => spec.BackoffLimit = 0));
        await StartAsync();
        await Kube.EndAsync((await RunningAsync(2))[0], success: false, Time.GetUtcNow());
        var job = await FinishedAsync();
        Assert.Equal((null, 2), (job.Status.Succeeded, job.Status.Failed));
        Assert.Equal(["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"], job.Status.Conditions.Select(c => $"{c.Type} {c.Reason}"));
        Assert.Null(job.Status.CompletionTime);
        Assert.Equal("Failed", Assert.Single(Kube.All<V1Pod>("default")).Status.Phase);
        Assert.Contains("Warning BackoffLimitExceeded Job has reached the specified backoff limit", Events.All);
        Assert.Contains(Events.All, e => e.StartsWith("Normal SuccessfulDelete Deleted pod: work-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failed_job_waits_for_its_terminating_pods_before_it_says_so()
    {
        Kube.Seed(JobBuild.Job(completions: 2, parallelism: 2, spec => spec.BackoffLimit = 0));
        await StartAsync();
        var pods = await RunningAsync(2);
        foreach (var pod in pods)
            await BindAsync(pod);
        await Kube.EndAsync(pods[0], success: false, Time.GetUtcNow());
        var waiting = await StatusAsync(s => s.Terminating == 1 && s.Failed == 2, "a terminating pod");
        Assert.Equal(["FailureTarget"], waiting.Status.Conditions.Select(c => c.Type));
        await Kube.Client.DeleteAsync<V1Pod>("default", pods[1].Metadata.Name, new DeleteOptions(GracePeriodSeconds: 0), default);
        Assert.True((await FinishedAsync()).Has("Failed"));
    }

    [Fact]
    public async Task A_job_past_its_deadline_fails()
    {
        Kube.GracefulPods = false;
        Kube.Seed(JobBuild.Job(change: spec => spec.ActiveDeadlineSeconds = 60));
        await StartAsync();
        await RunningAsync(1);
        await StatusAsync(s => s.Active == 1, "an active pod");
        Time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal("DeadlineExceeded", (await FinishedAsync()).Condition("Failed")!.Reason);
        Assert.Empty(Kube.All<V1Pod>("default"));
    }

    [Fact]
    public async Task A_failed_pod_is_replaced_when_its_delay_is_over()
    {
        Kube.Seed(JobBuild.Job());
        await StartAsync();
        await Kube.EndAsync((await RunningAsync(1)).Single(), success: false, Time.GetUtcNow());
        await StatusAsync(s => s is { Failed: 1, Active: null }, "a counted failure");
        Assert.Single(Kube.All<V1Pod>("default"));
        Time.Advance(TimeSpan.FromSeconds(10));
        await RunningAsync(1);
        Assert.Equal(2, Kube.All<V1Pod>("default").Count);
    }

    [Fact]
    public async Task While_a_replacement_waits_the_other_pods_count_as_active()
    {
        Kube.Seed(JobBuild.Job(completions: 3, parallelism: 3));
        await StartAsync();
        await Kube.EndAsync((await RunningAsync(3))[0], success: false, Time.GetUtcNow());
        await StatusAsync(s => s is { Failed: 1, Active: 2 }, "two active pods and a failed one");
    }

    [Fact]
    public async Task A_suspended_job_gives_up_its_pods_and_begins_anew()
    {
        Kube.GracefulPods = false;
        // Shorter than the pause: the deadline runs from the resumption.
        Kube.Seed(JobBuild.Job(completions: 2, parallelism: 2, spec => spec.ActiveDeadlineSeconds = 30));
        await StartAsync();
        await RunningAsync(2);
        await StatusAsync(s => s.Active == 2, "two active pods");
        await UpdateAsync(job => job.Spec.Suspend = true);
        var suspended = await StatusAsync(s => s is { Active: null, Terminating: 0 } && s.Conditions?.Any(c => c.Type == "Suspended" && c.Status == "True") == true, "suspension");
        Assert.Equal(("JobSuspended", "Job suspended", (int?)null), (suspended.Condition("Suspended")!.Reason, suspended.Condition("Suspended")!.Message, suspended.Status.Failed));
        Assert.Empty(Kube.All<V1Pod>("default"));
        Time.Advance(TimeSpan.FromMinutes(1));
        await UpdateAsync(job => job.Spec.Suspend = false);
        var resumed = await StatusAsync(s => s.Active == 2 && s.Conditions.Any(c => c.Type == "Suspended" && c.Status == "False"), "two active pods again");
        Assert.Equal(Time.GetUtcNow().UtcDateTime, resumed.Status.StartTime?.ToUniversalTime());
        Assert.Equal(["Normal Suspended Job suspended", "Normal Resumed Job resumed"], Events.All.Where(e => e.Contains("Job ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_indexed_job_runs_each_index()
    {
        Kube.Seed(JobBuild.Indexed(4, 4));
        await StartAsync();
        var pods = await RunningAsync(4);
        Assert.Equal(["work-0", "work-1", "work-2", "work-3"], pods.Select(p => p.Spec.Hostname).Order());
        foreach (var pod in pods.Where(p => p.CompletionIndex() != 1))
            await Kube.EndAsync(pod, success: true, Time.GetUtcNow());
        await StatusAsync(s => s is { CompletedIndexes: "0,2,3", Succeeded: 3 }, "three completed indexes");
        await Kube.EndAsync(pods.Single(p => p.CompletionIndex() == 1), success: false, Time.GetUtcNow());
        await StatusAsync(s => s.Failed == 1, "a counted failure");
        Time.Advance(TimeSpan.FromSeconds(10));
        await Kube.EndAsync((await RunningAsync(1)).Single(), success: true, Time.GetUtcNow());
        var job = await FinishedAsync();
        Assert.Equal(("0-3", 4, 1), (job.Status.CompletedIndexes, job.Status.Succeeded, job.Status.Failed));
    }

    [Fact]
    public async Task Each_index_counts_its_own_failures()
    {
        Kube.Seed(JobBuild.Indexed(2, 2, s =>
        {
            s.BackoffLimit = int.MaxValue;
            s.BackoffLimitPerIndex = 1;
        }));
        await StartAsync();
        var pods = await RunningAsync(2);
        await Kube.EndAsync(pods.Single(p => p.CompletionIndex() == 1), success: true, Time.GetUtcNow());
        await Kube.EndAsync(pods.Single(p => p.CompletionIndex() == 0), success: false, Time.GetUtcNow());
        await StatusAsync(s => s is { CompletedIndexes: "1", Active: null }, "one completed index");
        Time.Advance(TimeSpan.FromSeconds(10));
        var second = (await RunningAsync(1)).Single();
        Assert.Equal(("0", "1"), (second.Metadata.Labels[JobPods.CompletionIndexKey], second.Metadata.Annotations[JobPods.FailureCountAnnotation]));
        await Kube.EndAsync(second, success: false, Time.GetUtcNow());
        var job = await FinishedAsync();
        Assert.Equal(("0", "1", 2, 1, "FailedIndexes"), (job.Status.FailedIndexes, job.Status.CompletedIndexes, job.Status.Failed, job.Status.Succeeded, job.Condition("Failed")!.Reason));
        Assert.All(Kube.All<V1Pod>("default"), p => Assert.False(p.IsTracked()));
    }

    [Fact]
    public async Task Matching_orphans_are_adopted_and_pods_that_match_no_longer_released()
    {
        Kube.Seed(JobBuild.Job(completions: 2, parallelism: 2));
        await StartAsync();
        await StartAsync(new JobOrphanController(Kube.Client, Informers, Time).CreateRunner(NullLoggerFactory.Instance));
        var pods = await RunningAsync(2);
        var orphan = Kube.Find<V1Pod>("default", pods[0].Metadata.Name)!;
        orphan.Metadata.OwnerReferences = null;
        await Kube.Client.UpdateAsync(orphan, default);
        await Kube.WaitForAsync<V1Pod>("default", orphan.Metadata.Name, p => p?.Metadata.OwnerReferences is [{ Kind: "Job", Name: "work", ApiVersion: "batch/v1", Controller: true }] && p.IsTracked(), "the adoption of the orphan");
        var stranger = Kube.Find<V1Pod>("default", pods[1].Metadata.Name)!;
        stranger.Metadata.Labels["job-name"] = "other";
        await Kube.Client.UpdateAsync(stranger, default);
        await Kube.WaitForAsync<V1Pod>("default", stranger.Metadata.Name, p => p?.Metadata.OwnerReferences is not { Count: > 0 } && !p!.IsTracked(), "the release of the other");
        await Kube.WaitForAllAsync<V1Pod>("default", all => all.Count(p => p.Metadata.OwnerReferences is { Count: 1 }) == 2, "a third pod in its place");
    }

    [Fact]
    public async Task Pods_of_a_job_that_is_gone_lose_the_finalizer()
    {
        Kube.Seed(JobBuild.Job(completions: 2, parallelism: 2));
        await StartAsync();
        await StartAsync(new JobOrphanController(Kube.Client, Informers, Time).CreateRunner(NullLoggerFactory.Instance));
        await RunningAsync(2);
        await StatusAsync(s => s.Active == 2, "two active pods");
        await Kube.Client.DeleteAsync<V1Job>("default", "work", new DeleteOptions(), default);
        await Kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 2 && all.All(p => !p.IsTracked()), "two pods without the finalizer");
    }

    [Fact]
    public async Task A_job_of_another_controller_is_left_alone()
    {
        Kube.Seed(JobBuild.Job(change: s => s.ManagedBy = "example.com/own"));
        var controller = new JobController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        var before = Kube.Revision;
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(before, Kube.Revision);
    }

    [Fact]
    public async Task Pods_that_are_refused_are_told_of_and_tried_again()
    {
        Kube.Seed(JobBuild.Job(completions: 8, parallelism: 8));
        Kube.Intercept = request => request.Method == "POST" ? InMemoryKube.Failure(403, "Forbidden", "exceeded quota: q") : null;
        var controller = new JobController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        await Assert.ThrowsAsync<KubeApiException>(() => controller.ReconcileAsync(Key, default));
        // The first refusal ends the attempt: eight would be told the same.
        Assert.Equal(["Warning FailedCreate Error creating: exceeded quota: q"], Events.All);
        Assert.Equal((null, 0), (Kube.Find<V1Job>("default", "work")!.Status.Active, Kube.Find<V1Job>("default", "work")!.Status.Ready));
        Kube.Intercept = null;
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(8, Kube.All<V1Pod>("default").Count);
    }

    /// <summary>Cut off before its n-th write, for every n, the controller begins anew from what is stored: no pod is counted twice, none is lost.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_pod_is_counted_once_whenever_the_process_ends(bool indexed)
    {
        for (var writes = 0; ; writes++)
        {
            var kube = new InMemoryKube(Time);
            kube.Seed(indexed ? JobBuild.Indexed(3, 3) : JobBuild.Job(3, 3));
            await using (var first = new RunningJobs(kube, Time))
            {
                var pods = await kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 3, "three pods");
                await kube.WaitForAsync<V1Job>("default", "work", j => j?.Status?.Active == 3, "a status of three");
                var left = writes;
                var cut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                kube.Intercept = request =>
                {
                    if (request.Method == "GET" || !IsOfController(request) || Interlocked.Decrement(ref left) >= 0)
                        return null;
                    cut.TrySetResult();
                    throw new IOException("the process is gone");
                };
                await kube.EndAsync(pods[0], success: true, Time.GetUtcNow());
                await kube.EndAsync(pods[1], success: false, Time.GetUtcNow());
                // Either all that there is to write is written, or the cut comes.
                var counted = kube.WaitForAsync<V1Job>("default", "work", j => j?.Status is { Succeeded: 1, Failed: 1, UncountedTerminatedPods: { Succeeded: null, Failed: null } }, "the counts");
                if (await Task.WhenAny(cut.Task, counted) == counted)
                {
                    await counted;
                    return;
                }
            }
            kube.Intercept = null;
            await using var second = new RunningJobs(kube, Time);
            await kube.WaitForAsync<V1Job>("default", "work", j => j?.Status is { Succeeded: 1, Failed: 1, Active: 1 or 2, UncountedTerminatedPods: { Succeeded: null, Failed: null } }, $"counts of one each when cut off before write {writes}");
            // The second process forgot of the failure what it had not to count itself; with or without delay one pod follows.
            Time.Advance(TimeSpan.FromSeconds(10));
            var running = await kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 4, "the replacement");
            foreach (var pod in running.Where(p => p.Status?.Phase is null or "Pending"))
                await kube.EndAsync(pod, success: true, Time.GetUtcNow());
            var job = await kube.WaitForAsync<V1Job>("default", "work", j => j!.IsFinished(), $"the end of the job cut off before write {writes}");
            Assert.Equal((3, 1), (job!.Status.Succeeded, job.Status.Failed));
            Assert.True(job.Has("Complete"));
            await kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 4 && all.All(p => !p.IsTracked()), "four pods without the finalizer");
        }
    }

    [Fact]
    public async Task A_pod_whose_finalizer_could_not_be_taken_away_is_taken_up_again()
    {
        var (controller, pod) = await SucceededAsync(completions: 1);
        Kube.Intercept = request => request.Method == "PATCH" ? throw new IOException("the connection was lost") : null;
        await Assert.ThrowsAsync<IOException>(() => controller.ReconcileAsync(Key, default));
        Kube.Intercept = null;
        await controller.ReconcileAsync(Key, default);
        Assert.False(Kube.Find<V1Pod>("default", pod.Metadata.Name)!.IsTracked());
        Assert.Equal(1, Kube.Find<V1Job>("default", "work")!.Status.Succeeded);
    }

    [Fact]
    public async Task A_success_whose_pod_is_gone_and_still_shown_counts_once()
    {
        var (controller, pod) = await SucceededAsync(completions: 5);
        // From here on the informers hear nothing.
        Kube.Intercept = request => request.Method == "GET" && !request.PathAndQuery.Contains("/pods/", StringComparison.Ordinal) ? InMemoryKube.Failure(500, "InternalError", "no watch any more") : null;
        Kube.DropWatches();
        var released = Kube.Find<V1Pod>("default", pod.Metadata.Name)!;
        released.Metadata.Finalizers = null;
        Kube.Seed(released);
        Kube.Remove<V1Pod>("default", pod.Metadata.Name, 0);

        await controller.ReconcileAsync(Key, default);
        Assert.Equal(1, Kube.Find<V1Job>("default", "work")!.Status.Succeeded);
        Assert.NotNull(Informers.Get<V1Pod>().Find("default", pod.Metadata.Name));
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(1, Kube.Find<V1Job>("default", "work")!.Status.Succeeded);
    }

    /// <summary>A Job whose first pod has succeeded, as the informers show and nobody has counted yet.</summary>
    private async Task<(JobController Controller, V1Pod Pod)> SucceededAsync(int completions)
    {
        Kube.Seed(JobBuild.Job(completions, parallelism: 1));
        var controller = new JobController(Kube.Client, Informers, Events, Time);
        // Not started: it hears what comes, and works when it is told to.
        controller.CreateRunner(NullLoggerFactory.Instance);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        await controller.ReconcileAsync(Key, default);
        var pod = Assert.Single(Kube.All<V1Pod>("default"));
        await Kube.EndAsync(pod, success: true, Time.GetUtcNow());
        await SeenAsync<V1Pod>("default", pod.Metadata.Name, p => p?.Status?.Phase == "Succeeded");
        return (controller, pod);
    }

    private static bool IsOfController(KubeRequest request) => !(request.Method == "PATCH" && request.PathAndQuery.EndsWith("/status", StringComparison.Ordinal));

    private Task StartAsync() => StartAsync(new JobController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));

    /// <summary>Pods that have neither ended nor are terminating.</summary>
    private async Task<List<V1Pod>> RunningAsync(int count) =>
        [.. (await Kube.WaitForAllAsync<V1Pod>("default", all => all.Count(IsRunning) == count, $"{count} running pods")).Where(IsRunning)];

    private static bool IsRunning(V1Pod pod) => pod.Metadata.DeletionTimestamp is null && pod.Status?.Phase is not ("Succeeded" or "Failed");

    private async Task<V1Job> StatusAsync(Func<V1JobStatus, bool> wanted, string what) => (await Kube.WaitForAsync<V1Job>("default", "work", j => j?.Status is { } status && wanted(status), what))!;

    private async Task<V1Job> FinishedAsync() => (await Kube.WaitForAsync<V1Job>("default", "work", j => j!.IsFinished(), "the end of the job"))!;

    private async Task UpdateAsync(Action<V1Job> change)
    {
        // The controller writes the status meanwhile.
        while (true)
        {
            var job = Kube.Find<V1Job>("default", "work")!;
            change(job);
            try
            {
                await Kube.Client.UpdateAsync(job, default);
                return;
            }
            catch (KubeApiException e) when (e.IsConflict)
            {
                continue;
            }
        }
    }

    private Task BindAsync(V1Pod pod) => Kube.Client.CreateSubresourceAsync<V1Pod>("default", pod.Metadata.Name, "binding", """{"target":{"name":"node-1"}}"""u8.ToArray(), default);

    private sealed class RunningJobs : IAsyncDisposable
    {
        private readonly SharedInformers _informers;
        private readonly LiteKube.Client.Queues.ControllerRunner _runner;

        public RunningJobs(InMemoryKube kube, TimeProvider time)
        {
            _informers = new SharedInformers(kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
            _runner = new JobController(kube.Client, _informers, new RecordedEvents(), time).CreateRunner(NullLoggerFactory.Instance);
            _ = _runner.StartAsync(default);
        }

        public async ValueTask DisposeAsync()
        {
            await _runner.StopAsync(default);
            await _informers.DisposeAsync();
        }
    }
}
