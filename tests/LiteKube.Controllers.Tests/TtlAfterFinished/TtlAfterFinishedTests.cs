using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Tests.Jobs;
using LiteKube.Controllers.TtlAfterFinished;

namespace LiteKube.Controllers.Tests.TtlAfterFinished;

public sealed class TtlAfterFinishedTests : ControllerTest
{
    private static readonly ObjectKey Key = new("default", "work");

    [Theory]
    [InlineData("Complete")]
    [InlineData("Failed")]
    public async Task A_finished_job_goes_when_its_time_is_over(string condition)
    {
        Seed(condition, 60);
        var controller = new TtlAfterFinishedController(Kube.Client, Informers, Time);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(TimeSpan.FromSeconds(40), (await controller.ReconcileAsync(Key, default)).Requeue);
        Time.Advance(TimeSpan.FromSeconds(40));
        await controller.ReconcileAsync(Key, default);
        // Its pods go first: the garbage collector takes the finalizer away after them.
        Assert.Equal(["foregroundDeletion"], Kube.Find<V1Job>("default", "work")!.Metadata.Finalizers);
    }

    [Theory]
    [InlineData("Suspended", 0)]
    [InlineData("Complete", null)]
    public async Task A_job_that_runs_or_has_no_time_to_live_stays(string condition, int? seconds)
    {
        Seed(condition, seconds);
        var controller = new TtlAfterFinishedController(Kube.Client, Informers, Time);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        Time.Advance(TimeSpan.FromDays(1));
        Assert.Null((await controller.ReconcileAsync(Key, default)).Requeue);
        Assert.Null(Kube.Find<V1Job>("default", "work")!.Metadata.DeletionTimestamp);
    }

    [Fact]
    public async Task A_time_to_live_that_was_raised_unseen_holds()
    {
        Seed("Complete", 60);
        var controller = new TtlAfterFinishedController(Kube.Client, Informers, Time);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        Time.Advance(TimeSpan.FromSeconds(60));
        var raised = Kube.Find<V1Job>("default", "work")!;
        raised.Spec.TtlSecondsAfterFinished = 100;
        Kube.Intercept = request => request.Method == "GET" && request.PathAndQuery.EndsWith("/jobs/work", StringComparison.Ordinal) ? new KubeResponse(200, LiteKube.Client.Json.KubeJson.Serialize(raised)) : null;
        Assert.Equal(TimeSpan.FromSeconds(40), (await controller.ReconcileAsync(Key, default)).Requeue);
    }

    private void Seed(string condition, int? seconds)
    {
        var job = JobBuild.Job(change: s => s.TtlSecondsAfterFinished = seconds);
        job.Status.Conditions = [new V1JobCondition { Type = condition, Status = "True", LastTransitionTime = Time.GetUtcNow().UtcDateTime }];
        Kube.Seed(job);
    }
}
