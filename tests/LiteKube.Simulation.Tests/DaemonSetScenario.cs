using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.DaemonSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Simulation.Tests;

/// <summary>A DaemonSet whose nodes gain and lose the label that it wants, and whose template changes, while pods fail and are deleted.</summary>
internal sealed class DaemonSetScenario : Scenario
{
    private const int Nodes = 4;
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "agent" };

    private PodWorld _world = null!;

    public override IEnumerable<ControllerRunner> CreateControllers(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider time) =>
        [new DaemonSetController(client, informers, events, time).CreateRunner(NullLoggerFactory.Instance)];

    protected override void SetUp()
    {
        _world = new(Simulation);
        for (var i = 0; i < Nodes; i++) WriteNode(i, isWanted: i % 2 == 0);
        Write(new V1DaemonSet
        {
            ApiVersion = "apps/v1",
            Kind = "DaemonSet",
            Metadata = new() { Name = "agent", NamespaceProperty = "default", Uid = "set" },
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
        var pod = Pick(_world.Pods);
        switch (Random.Next(30))
        {
            case 0 or 1:
                WriteNode(Random.Next(Nodes), isWanted: Random.Next(3) > 0);
                break;
            case 2:
                var version = Random.Next(1, 4);
                var changed = KubeJson.Clone(Set());
                changed.Spec.Template.Spec.Containers[0].Image = $"v{version}";
                changed.Metadata.Generation++;
                Write(changed);
                break;
            case 3 when pod is not null:
                _world.Delete(pod);
                break;
            case 4 when pod is not null && pod.IsReady():
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
        foreach (var onNode in _world.Pods.Where(p => p.IsLive()).GroupBy(NodeOf))
            Require(onNode.Count() <= 1 + Simulation.LostAnswers, $"{onNode.Key} has {onNode.Count()} pods");
    }

    public override void CheckSettled()
    {
        var wanted = Kube.All<V1Node>().Where(n => n.Metadata.Labels?["role"] == "worker").Select(n => n.Metadata.Name).Order(StringComparer.Ordinal).ToList();
        var set = Set();
        var image = set.Spec.Template.Spec.Containers[0].Image;
        var pods = _world.Pods;
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
        var node = Kube.Find<V1Node>(null, name) is { } known ? KubeJson.Clone(known) : new V1Node { ApiVersion = "v1", Kind = "Node", Metadata = new() { Name = name }, Spec = new(), Status = new() };
        node.Metadata.Labels = new Dictionary<string, string> { ["role"] = isWanted ? "worker" : "other" };
        Write(node);
    }

    private V1DaemonSet Set() => Kube.Find<V1DaemonSet>("default", "agent")!;
}
