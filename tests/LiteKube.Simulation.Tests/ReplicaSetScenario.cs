using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.ReplicaSets;

namespace LiteKube.Simulation.Tests;

/// <summary>A ReplicaSet that is scaled while pods fail, are deleted, let go and taken in.</summary>
internal sealed class ReplicaSetScenario : Scenario
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    private RecentValues _replicas = null!;
    private RecentValues _orphans = null!;

    public override IEnumerable<IComponent> Controllers(Life life) =>
        [new ReplicaController<V1ReplicaSet>(new ReplicaSetKind(), life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        (_replicas, _orphans) = (Recent(3), Recent(0));
        Write(new V1ReplicaSet
        {
            Metadata = Named("web", uid: "set"),
            Spec = new()
            {
                Replicas = 3,
                Selector = new() { MatchLabels = Labels },
                Template = Template(Labels),
            },
            Status = new() { Replicas = 0 },
        });
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        switch (Random.Next(20))
        {
            case 0:
                Scale(Random.Next(7));
                break;
            case 1 when pod is not null:
                World.Delete(pod);
                break;
            case 2 when pod is { Status.Phase: "Running" } && pod.IsLive():
                World.Finish(pod, "Failed");
                break;
            case 3 when pod is not null && pod.IsLive():
                World.Change(pod, p => p.Metadata.Labels = new Dictionary<string, string> { ["app"] = "let-go" });
                break;
            case 4:
                // Taken in beside pods that are on their way: more than wanted until they are seen.
                _orphans.Set(_orphans.Current + 1);
                NewPod($"orphan-{Kube.Revision}", Labels);
                break;
            default:
                if (pod is not null)
                    World.Advance(pod);
                break;
        }
    }

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
        Require(World.Pods.All(p => p.Metadata.Labels["app"] == "web" || p.OwnerUid() is null), "a pod that does not match any more is still owned");
        Require(World.Pods.All(p => p.Metadata.Labels["app"] != "web" || p.OwnerUid() == "set" || !p.IsLive()), "a matching pod is owned by nobody");
    }

    private void Scale(int replicas)
    {
        _replicas.Set(replicas);
        Change(Set(), s => s.Spec.Replicas = replicas);
    }

    private V1ReplicaSet Set() => Kube.Find<V1ReplicaSet>(Ns, "web")!;

    private IEnumerable<V1Pod> Owned() => World.Pods.Where(p => p.OwnerUid() == "set");
}
