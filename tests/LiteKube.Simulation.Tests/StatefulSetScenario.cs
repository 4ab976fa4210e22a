using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.StatefulSets;

namespace LiteKube.Simulation.Tests;

/// <summary>A StatefulSet that is scaled and gets new templates while pods fail and are deleted.</summary>
internal sealed class StatefulSetScenario : Scenario
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "db" };

    private RecentValues _replicas = null!;
    private int _everWanted;

    public override IEnumerable<IComponent> Controllers(Life life) =>
        [new StatefulSetController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        _replicas = Recent(3);
        Write(new V1StatefulSet
        {
            Metadata = Named("db", uid: "set"),
            Spec = new()
            {
                Replicas = 3,
                ServiceName = "db",
                PodManagementPolicy = Random.Next(2) == 0 ? "OrderedReady" : "Parallel",
                RevisionHistoryLimit = 2,
                UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { Partition = 0 } },
                Selector = new() { MatchLabels = Labels },
                Template = Template(Labels),
                VolumeClaimTemplates = [new() { Metadata = new() { Name = "data" }, Spec = new() { AccessModes = ["ReadWriteOnce"] } }],
            },
            Status = new() { Replicas = 0 },
        });
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        switch (Random.Next(30))
        {
            case 0:
                var replicas = Random.Next(5);
                _replicas.Set(replicas);
                Change(Set(), s => s.Spec.Replicas = replicas);
                break;
            case 1:
                var version = Random.Next(1, 4);
                Change(Set(), s => s.Spec.Template.Spec.Containers[0].Image = $"v{version}");
                break;
            case 2 when pod is not null:
                World.Delete(pod);
                break;
            case 3 when pod is not null && pod.IsReady():
                World.Finish(pod, "Failed");
                break;
            default:
                if (pod is not null)
                    World.Advance(pod);
                break;
        }
    }

    public override void CheckAlways()
    {
        foreach (var pod in World.Pods.Where(p => p.IsLive()))
        {
            var ordinal = int.Parse(pod.Metadata.Name.AsSpan("db-".Length), System.Globalization.CultureInfo.InvariantCulture);
            Require(ordinal < _replicas.Greatest || ordinal < _everWanted, $"{pod.Metadata.Name} was never wanted");
        }
        _everWanted = Math.Max(_everWanted, _replicas.Greatest);
    }

    public override void CheckSettled()
    {
        var set = Set();
        var pods = World.Pods;
        var image = set.Spec.Template.Spec.Containers[0].Image;
        Require(pods.Select(p => p.Metadata.Name).Order(StringComparer.Ordinal).SequenceEqual(Enumerable.Range(0, _replicas.Current).Select(i => $"db-{i}")), $"there are {string.Join(' ', pods.Select(p => p.Metadata.Name))} and {_replicas.Current} are wanted");
        Require(pods.All(p => p.IsReady() && p.Spec.Containers[0].Image == image), $"not every pod is ready and of {image}");
        var status = set.Status;
        Require(status.ObservedGeneration == set.Metadata.Generation, "the status is of another generation");
        Require(status.Replicas == pods.Count && (status.ReadyReplicas ?? 0) == pods.Count && (status.AvailableReplicas ?? 0) == pods.Count, "the status does not tell of all pods");
        Require(status.CurrentRevision == status.UpdateRevision, "the update has not come to its end");
        Require(Kube.All<V1ControllerRevision>(Ns).Count <= 3 + Simulation.LostAnswers, $"{Kube.All<V1ControllerRevision>(Ns).Count} revisions are kept, with a history of 2");
        Require(pods.All(p => Kube.Find<V1PersistentVolumeClaim>(Ns, "data-" + p.Metadata.Name) is not null), "a pod has no claim");
    }

    private V1StatefulSet Set() => Kube.Find<V1StatefulSet>(Ns, "db")!;
}
