using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.ReplicaSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Simulation.Tests;

/// <summary>A ReplicaSet that is scaled while pods fail, are deleted, let go and taken in.</summary>
internal sealed class ReplicaSetScenario : Scenario
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    private PodWorld _world = null!;
    private RecentValues _replicas = null!;
    private RecentValues _orphans = null!;

    public override IEnumerable<ControllerRunner> CreateControllers(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider time) =>
        [new ReplicaController<V1ReplicaSet>(new ReplicaSetKind(), client, informers, events, time).CreateRunner(NullLoggerFactory.Instance)];

    protected override void SetUp()
    {
        (_world, _replicas, _orphans) = (new(Simulation), new(Simulation.Time), new(Simulation.Time));
        _replicas.Set(3);
        Write(new V1ReplicaSet
        {
            ApiVersion = "apps/v1",
            Kind = "ReplicaSet",
            Metadata = new() { Name = "web", NamespaceProperty = "default", Uid = "set" },
            Spec = new()
            {
                Replicas = 3,
                Selector = new() { MatchLabels = Labels },
                Template = new() { Metadata = new() { Labels = Labels }, Spec = new() { Containers = [new() { Name = "c", Image = "i" }] } },
            },
            Status = new() { Replicas = 0 },
        });
    }

    public override void Act()
    {
        var pod = Pick(_world.Pods);
        switch (Random.Next(20))
        {
            case 0:
                Scale(Random.Next(7));
                break;
            case 1 when pod is not null:
                _world.Delete(pod);
                break;
            case 2 when pod is { Status.Phase: "Running" } && pod.IsLive():
                _world.Finish(pod, "Failed");
                break;
            case 3 when pod is not null && pod.IsLive():
                _world.Change(pod, p => p.Metadata.Labels = new Dictionary<string, string> { ["app"] = "let-go" });
                break;
            case 4:
                // Taken in beside pods that are on their way: more than wanted until they are seen.
                _orphans.Set(_orphans.Current + 1);
                Write(new V1Pod
                {
                    ApiVersion = "v1",
                    Kind = "Pod",
                    Metadata = new() { Name = $"orphan-{Kube.Revision}", NamespaceProperty = "default", Labels = Labels },
                    Spec = new() { Containers = [new() { Name = "c", Image = "i" }] },
                });
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
        var owned = Owned().Count(p => p.IsLive() && p.Metadata.Labels["app"] == "web");
        var most = _replicas.Greatest + Simulation.LostAnswers + _orphans.Greatest;
        Require(owned <= most, $"the ReplicaSet has {owned} pods, which is more than {most}");
    }

    public override void CheckSettled()
    {
        var set = Set();
        var owned = Owned().Where(p => p.IsLive()).ToList();
        Require(owned.Count == _replicas.Current, $"the ReplicaSet has {owned.Count} pods and wants {_replicas.Current}");
        Require(set.Status.ObservedGeneration == set.Metadata.Generation, "the status is of another generation");
        Require(set.Status.Replicas == owned.Count && (set.Status.ReadyReplicas ?? 0) == owned.Count, $"the status tells of {set.Status.Replicas} pods, {set.Status.ReadyReplicas} of them ready; there are {owned.Count}");
        Require(_world.Pods.All(p => p.Metadata.Labels["app"] == "web" || p.OwnerUid() is null), "a pod that does not match any more is still owned");
        Require(_world.Pods.All(p => p.Metadata.Labels["app"] != "web" || p.OwnerUid() == "set" || !p.IsLive()), "a matching pod is owned by nobody");
    }

    private void Scale(int replicas)
    {
        _replicas.Set(replicas);
        var set = KubeJson.Clone(Set());
        set.Spec.Replicas = replicas;
        set.Metadata.Generation++;
        Write(set);
    }

    private V1ReplicaSet Set() => Kube.Find<V1ReplicaSet>("default", "web")!;

    private IEnumerable<V1Pod> Owned() => _world.Pods.Where(p => p.OwnerUid() == "set");
}
