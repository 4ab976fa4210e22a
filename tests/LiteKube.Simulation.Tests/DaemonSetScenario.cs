using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.DaemonSets;

namespace LiteKube.Simulation.Tests;

/// <summary>A DaemonSet whose nodes gain and lose the label that it wants, and whose template changes, while pods fail and are deleted.</summary>
internal sealed class DaemonSetScenario : Scenario
{
    private const int Nodes = 4;
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "agent" };


    public override IEnumerable<IComponent> Controllers(Life life) =>
        [new DaemonSetController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        for (var i = 0; i < Nodes; i++) WriteNode(i, isWanted: i % 2 == 0);
        Write(new V1DaemonSet
        {
            Metadata = Named("agent", uid: "set"),
            Spec = new()
            {
                Selector = new() { MatchLabels = Labels },
                RevisionHistoryLimit = 2,
                UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxUnavailable = 1, MaxSurge = 0 } },
                Template = new() { Metadata = new() { Labels = Labels }, Spec = new() { NodeSelector = new Dictionary<string, string> { ["role"] = "worker" }, Containers = [new() { Name = "c", Image = "v1" }] } },
            },
            Status = new(),
        });
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        switch (Random.Next(30))
        {
            case 0 or 1:
                WriteNode(Random.Next(Nodes), isWanted: Random.Next(3) > 0);
                break;
            case 2:
                var version = Random.Next(1, 4);
                Change(Set(), s => s.Spec.Template.Spec.Containers[0].Image = $"v{version}");
                break;
            case 3 when pod is not null:
                World.Delete(pod);
                break;
            case 4 when pod is not null && pod.IsReady():
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
        foreach (var onNode in World.Pods.Where(p => p.IsLive()).GroupBy(NodeOf))
            Require(onNode.Count() <= 1 + Simulation.LostAnswers, $"{onNode.Key} has {onNode.Count()} pods");
    }

    public override void CheckSettled()
    {
        var wanted = Kube.All<V1Node>().Where(n => n.Metadata.Labels?["role"] == "worker").Select(n => n.Metadata.Name).Order(StringComparer.Ordinal).ToList();
        var set = Set();
        var image = set.Spec.Template.Spec.Containers[0].Image;
        var pods = World.Pods;
        Require(pods.Select(NodeOf).Order(StringComparer.Ordinal).SequenceEqual(wanted), $"pods are on {string.Join(' ', pods.Select(NodeOf))}, and wanted on {string.Join(' ', wanted)}");
        Require(pods.All(p => p.IsReady() && p.Spec.Containers[0].Image == image), $"not every pod is ready and of {image}");
        var status = set.Status;
        Require(status.ObservedGeneration == set.Metadata.Generation, "the status is of another generation");
        Require(status.DesiredNumberScheduled == wanted.Count && status.CurrentNumberScheduled == wanted.Count && status.NumberReady == wanted.Count && (status.UpdatedNumberScheduled ?? 0) == wanted.Count, "the status does not tell of all pods");
    }

    private static string NodeOf(V1Pod pod) =>
        pod.Spec.NodeName ?? pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values[0];

    private void WriteNode(int index, bool isWanted)
    {
        var name = $"node-{index}";
        var node = Kube.Find<V1Node>(null, name) ?? new V1Node { Metadata = new() { Name = name }, Spec = new(), Status = new() };
        node.Metadata.Labels = new Dictionary<string, string> { ["role"] = isWanted ? "worker" : "other" };
        Write(node);
    }

    private V1DaemonSet Set() => Kube.Find<V1DaemonSet>(Ns, "agent")!;
}
