using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Deployments;
using LiteKube.Controllers.ReplicaSets;

namespace LiteKube.Simulation.Tests;

/// <summary>A Deployment that gets new templates, is scaled, paused and rolled back while pods come up when they like.</summary>
internal sealed class DeploymentScenario : Scenario
{
    private const int MaxSurge = 2;
    private const int MaxUnavailable = 1;
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    private RecentValues _replicas = null!;
    private bool _hasBeenUp;
    private int _asked;

    public override IEnumerable<IComponent> Controllers(Life life) =>
    [
        new DeploymentController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers),
        new ReplicaController<V1ReplicaSet>(new ReplicaSetKind(), life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers),
    ];

    protected override void SetUp()
    {
        _replicas = Recent(4);
        Write(new V1Deployment
        {
            Metadata = Named("web", uid: "deployment"),
            Spec = new()
            {
                Replicas = 4,
                Selector = new() { MatchLabels = Labels },
                RevisionHistoryLimit = 2,
                ProgressDeadlineSeconds = 600,
                Strategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxSurge = MaxSurge, MaxUnavailable = MaxUnavailable } },
                Template = Template(Labels),
            },
            Status = new(),
        });
    }

    public override void Act()
    {
        switch (Random.Next(40))
        {
            case 0:
                var replicas = Random.Next(7);
                _replicas.Set(replicas);
                Change(Deployment(), d => d.Spec.Replicas = replicas);
                break;
            case 1 or 2:
                var version = Random.Next(1, 5);
                Change(Deployment(), d => d.Spec.Template.Spec.Containers[0].Image = $"v{version}");
                break;
            case 3:
                Change(Deployment(), d => d.Spec.Paused = d.Spec.Paused != true);
                break;
            default:
                if (Pick(World.Pods) is { } pod)
                    World.Advance(pod);
                break;
        }
    }

    public override bool Serve()
    {
        if (Deployment().Spec.Paused == true)
            Change(Deployment(), d => d.Spec.Paused = null);
        return base.Serve();
    }

    public override void CheckAlways()
    {
        var pods = World.Pods;
        // What it asks of its sets: a set may be slower in ending pods than another one in making them.
        var asked = Kube.All<V1ReplicaSet>(Ns).Sum(s => s.Spec.Replicas ?? 0);
        var most = _replicas.Greatest + MaxSurge;
        // A controller that is long behind may leave them larger than is wanted by now, and must not make them so.
        var hasGrown = asked > _asked;
        _asked = asked;
        // What was written without its writer's knowledge cannot be reckoned with.
        if (Simulation.LostAnswers > 0)
            return;
        Require(asked <= most || !hasGrown, $"the ReplicaSets want {asked} pods together, which is more than {most}");
        // Pods here end only when the controllers end them.
        var ready = pods.Count(p => p.IsReady());
        var least = _replicas.Least - MaxUnavailable;
        _hasBeenUp |= ready >= _replicas.Greatest;
        if (ready >= least)
            return;
        // More was asked for than has ever been there: it is on its way up.
        if (_replicas.Greatest > _replicas.Least)
            _hasBeenUp = false;
        Require(!_hasBeenUp, $"{ready} pods are ready, which is less than {least}");
    }

    public override void CheckSettled()
    {
        var deployment = Deployment();
        var sets = Kube.All<V1ReplicaSet>(Ns);
        var live = World.Pods.Where(p => p.IsLive()).ToList();
        var image = deployment.Spec.Template.Spec.Containers[0].Image;
        Require(live.Count == _replicas.Current, $"there are {live.Count} pods and {_replicas.Current} are wanted");
        Require(live.All(p => p.Spec.Containers[0].Image == image), $"not every pod is of {image}");
        Require(sets.Count(s => s.Spec.Replicas > 0) <= 1, "more than one ReplicaSet is scaled up");
        Require(sets.Count(s => s.Spec.Template.Spec.Containers[0].Image == image) == 1, $"{sets.Count(s => s.Spec.Template.Spec.Containers[0].Image == image)} ReplicaSets are of {image}");
        Require(sets.Count <= 3, $"{sets.Count} ReplicaSets are kept, with a history of 2");
        Require(deployment.Status.ObservedGeneration == deployment.Metadata.Generation, "the status is of another generation");
        Require((deployment.Status.UpdatedReplicas ?? 0) == live.Count && (deployment.Status.AvailableReplicas ?? 0) == live.Count, "the status does not tell of all pods");
        Require(deployment.Status.Conditions.Any(c => c is { Type: "Available", Status: "True" }), "it does not say that it is available");
    }


    private V1Deployment Deployment() => Kube.Find<V1Deployment>(Ns, "web")!;
}
