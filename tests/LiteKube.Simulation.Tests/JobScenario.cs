using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Jobs;

namespace LiteKube.Simulation.Tests;

/// <summary>A Job whose pods succeed, fail and are deleted while it is suspended, resumed and made wider: each success counts once.</summary>
internal sealed class JobScenario : Scenario
{
    private const string Finalizer = "batch.kubernetes.io/job-tracking";
    private const int Completions = 5;
    private const int MaxFailures = 4;

    private RecentValues _parallelism = null!;
    private int _succeeded;
    private int _failed;

    public override IEnumerable<IComponent> Controllers(Life life) =>
        [new JobController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        _parallelism = Recent(2);
        var labels = new Dictionary<string, string> { ["batch.kubernetes.io/controller-uid"] = "job", ["batch.kubernetes.io/job-name"] = "work" };
        Write(new V1Job
        {
            Metadata = Named("work", uid: "job"),
            Spec = new()
            {
                Parallelism = 2,
                Completions = Completions,
                CompletionMode = Random.Next(2) == 0 ? "NonIndexed" : "Indexed",
                BackoffLimit = 100,
                Suspend = false,
                PodReplacementPolicy = "TerminatingOrFailed",
                Selector = new() { MatchLabels = new Dictionary<string, string> { ["batch.kubernetes.io/controller-uid"] = "job" } },
                Template = new() { Metadata = new() { Labels = labels }, Spec = new() { RestartPolicy = "Never", Containers = [new() { Name = "c", Image = "i" }] } },
            },
            Status = new(),
        });
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        switch (Random.Next(30))
        {
            case 0 when !IsFinished():
                _parallelism.Set(Random.Next(1, 4));
                Change(Job(), j => j.Spec.Parallelism = _parallelism.Current);
                break;
            case 1 when !IsFinished():
                Change(Job(), j => j.Spec.Suspend = j.Spec.Suspend != true);
                break;
            case 2 when pod is not null:
                World.Delete(pod);
                break;
            case 3 when pod is not null && pod.IsReady() && _failed < MaxFailures:
                _failed++;
                World.Finish(pod, "Failed");
                break;
            case < 10 when pod is not null && pod.IsReady():
                Succeed(pod);
                break;
            default:
                if (pod is not null)
                    World.Advance(pod);
                break;
        }
    }

    public override bool Serve()
    {
        if (Job().Spec.Suspend == true)
            Change(Job(), j => j.Spec.Suspend = false);
        if (World.AdvanceAll())
            return true;
        if (World.Pods.FirstOrDefault(p => p.IsReady()) is not { } ready)
            return false;
        Succeed(ready);
        return true;
    }

    public override void CheckAlways()
    {
        var live = World.Pods.Count(p => p.OwnerUid() == "job" && p.IsLive());
        var most = _parallelism.Greatest + Simulation.LostAnswers;
        Require(live <= most, $"the Job has {live} pods at work, which is more than {most}");
        var counted = Job().Status.Succeeded ?? 0;
        Require(counted <= _succeeded, $"{counted} successes are counted and {_succeeded} pods succeeded");
    }

    public override void CheckSettled()
    {
        var job = Job();
        var conditions = string.Join(", ", (job.Status.Conditions ?? []).Select(c => $"{c.Type}={c.Status} {c.Reason}"));
        Require(job.Status.Conditions?.Any(c => c is { Type: "Complete", Status: "True" }) == true, $"the Job is not complete: {conditions}, {job.Status.Succeeded} succeeded of {_succeeded}");
        Require(job.Status.Succeeded == Completions || (job.Spec.CompletionMode == "NonIndexed" && job.Status.Succeeded > Completions), $"{job.Status.Succeeded} successes are counted, {Completions} were wanted");
        Require((job.Status.Active ?? 0) == 0 && (job.Status.Terminating ?? 0) == 0, "pods are still counted as at work");
        Require(job.Status.CompletionTime is not null, "there is no time of completion");
        Require(World.Pods.All(p => p.Metadata.Finalizers?.Contains(Finalizer) != true), "a pod still has the finalizer of its Job");
        Require((job.Status.UncountedTerminatedPods?.Succeeded?.Count ?? 0) + (job.Status.UncountedTerminatedPods?.Failed?.Count ?? 0) == 0, "pods are left uncounted");
    }

    private void Succeed(V1Pod pod)
    {
        // A success of an index that has one already counts no more.
        _succeeded++;
        World.Finish(pod, "Succeeded");
    }

    private bool IsFinished() => Job().Status.Conditions?.Any(c => c is { Type: "Complete" or "Failed" or "SuccessCriteriaMet" or "FailureTarget", Status: "True" }) == true;


    private V1Job Job() => Kube.Find<V1Job>(Ns, "work")!;
}
