using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.StatefulSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Simulation.Tests;

/// <summary>A StatefulSet that is scaled and gets new templates while pods fail and are deleted.</summary>
internal sealed class StatefulSetScenario : Scenario
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "db" };

    private PodWorld _world = null!;
    private RecentValues _replicas = null!;
    private int _everWanted;

    public override IEnumerable<ControllerRunner> CreateControllers(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider time) =>
        [new StatefulSetController(client, informers, events, time).CreateRunner(NullLoggerFactory.Instance)];

    protected override void SetUp()
    {
        (_world, _replicas) = (new(Simulation), new(Simulation.Time));
        _replicas.Set(3);
        Write(new V1StatefulSet
        {
            ApiVersion = "apps/v1",
            Kind = "StatefulSet",
            Metadata = new() { Name = "db", NamespaceProperty = "default", Uid = "set" },
            Spec = new()
            {
                Replicas = 3,
                ServiceName = "db",
                PodManagementPolicy = Random.Next(2) == 0 ? "OrderedReady" : "Parallel",
                RevisionHistoryLimit = 2,
                UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { Partition = 0 } },
                Selector = new() { MatchLabels = Labels },
                Template = new() { Metadata = new() { Labels = Labels }, Spec = new() { Containers = [new() { Name = "c", Image = "v1" }] } },
                VolumeClaimTemplates = [new() { Metadata = new() { Name = "data" }, Spec = new() { AccessModes = ["ReadWriteOnce"] } }],
            },
            Status = new() { Replicas = 0 },
        });
    }

    public override void Act()
    {
        var pod = Pick(_world.Pods);
        switch (Random.Next(30))
        {
            case 0:
                var replicas = Random.Next(5);
                _replicas.Set(replicas);
                Change(s => s.Spec.Replicas = replicas);
                break;
            case 1:
                var version = Random.Next(1, 4);
                Change(s => s.Spec.Template.Spec.Containers[0].Image = $"v{version}");
                break;
            case 2 when pod is not null:
                _world.Delete(pod);
                break;
            case 3 when pod is not null && pod.IsReady():
                _world.Finish(pod, "Failed");
                break;
            default:
                if (pod is not null)
                    _world.Advance(pod);
                break;
        }
    }

    public override bool Serve() => _world.AdvanceAll();

    public override void CheckAlways()
    {
        foreach (var pod in _world.Pods.Where(p => p.IsLive()))
        {
            var ordinal = int.Parse(pod.Metadata.Name.AsSpan("db-".Length), System.Globalization.CultureInfo.InvariantCulture);
            Require(ordinal < _replicas.Greatest || ordinal < _everWanted, $"{pod.Metadata.Name} was never wanted");
        }
        _everWanted = Math.Max(_everWanted, _replicas.Greatest);
    }



    public override void CheckSettled()
    {
        var set = Kube.Find<V1StatefulSet>("default", "db")!;
        var pods = _world.Pods;
        var image = set.Spec.Template.Spec.Containers[0].Image;
        Require(pods.Select(p => p.Metadata.Name).Order(StringComparer.Ordinal).SequenceEqual(Enumerable.Range(0, _replicas.Current).Select(i => $"db-{i}")), $"there are {string.Join(' ', pods.Select(p => p.Metadata.Name))} and {_replicas.Current} are wanted");
        Require(pods.All(p => p.IsReady() && p.Spec.Containers[0].Image == image), $"not every pod is ready and of {image}");
        var status = set.Status;
        Require(status.ObservedGeneration == set.Metadata.Generation, "the status is of another generation");
        Require(status.Replicas == pods.Count && (status.ReadyReplicas ?? 0) == pods.Count && (status.AvailableReplicas ?? 0) == pods.Count, "the status does not tell of all pods");
        Require(status.CurrentRevision == status.UpdateRevision, "the update has not come to its end");
        Require(Kube.All<V1ControllerRevision>("default").Count <= 3 + Simulation.LostAnswers, $"{Kube.All<V1ControllerRevision>("default").Count} revisions are kept, with a history of 2");
        Require(pods.All(p => Kube.Find<V1PersistentVolumeClaim>("default", "data-" + p.Metadata.Name) is not null), "a pod has no claim");
    }

    private void Change(Action<V1StatefulSet> change)
    {
        var changed = KubeJson.Clone(Kube.Find<V1StatefulSet>("default", "db")!);
        change(changed);
        changed.Metadata.Generation++;
        Write(changed);
    }
}
