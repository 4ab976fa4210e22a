using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Controllers.ReplicaSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.ReplicaSets;

/// <summary>ReplicationControllers run on the same controller as ReplicaSets.</summary>
public sealed class ReplicationControllerTests : ControllerTest
{
    [Fact]
    public async Task It_makes_its_pods_takes_in_a_matching_orphan_and_counts_them_in_its_status()
    {
        await Kube.Client.CreateAsync(Pod("orphan"), default);
        await StartAsync(new ReplicaController<V1ReplicationController>(new ReplicationControllerKind(), Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        await Kube.Client.CreateAsync(Controller(3), default);
        var pods = await Kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 3 && all.All(p => p.Metadata.OwnerReferences?.SingleOrDefault()?.Kind == "ReplicationController"), "three pods that it controls");
        Assert.Contains(pods, p => p.Metadata.Name == "orphan");
        Assert.All(pods, p => Assert.Equal(("v1", "web", true), (p.Metadata.OwnerReferences[0].ApiVersion, p.Metadata.OwnerReferences[0].Name, p.Metadata.OwnerReferences[0].Controller)));
        await Kube.WaitForAsync<V1ReplicationController>("default", "web", c => c?.Status is { Replicas: 3, FullyLabeledReplicas: 3 }, "a status of three");
    }

    [Fact]
    public async Task A_pod_that_is_relabelled_is_let_go_and_replaced()
    {
        await StartAsync(new ReplicaController<V1ReplicationController>(new ReplicationControllerKind(), Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        await Kube.Client.CreateAsync(Controller(1), default);
        var pod = Assert.Single(await Kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 1, "its pod"));
        pod.Metadata.Labels["app"] = "debug";
        await Kube.Client.UpdateAsync(pod, default);
        await Kube.WaitForAllAsync<V1Pod>("default", all => all.Count == 2 && all.Single(p => p.Metadata.Name == pod.Metadata.Name).Metadata.OwnerReferences is not { Count: > 0 }, "the pod let go and another in its place");
    }

    [Fact]
    public void A_status_that_was_written_reads_back_as_nothing_to_write()
    {
        var kind = new ReplicationControllerKind();
        var status = new V1ReplicaSetStatus { Replicas = 1, TerminatingReplicas = 2, ObservedGeneration = 3, Conditions = [new V1ReplicaSetCondition { Type = "ReplicaFailure", Status = "True", Reason = "FailedCreate", Message = "m", LastTransitionTime = Build.Epoch }] };
        var once = kind.WithStatus(Controller(1), status);
        Assert.True(KubeJson.AreEqual(kind.View(once).Status, kind.View(kind.WithStatus(once, status)).Status));
    }

    private static V1Pod Pod(string name) => new()
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Labels = new Dictionary<string, string> { ["app"] = "web" } },
        Spec = new V1PodSpec { Containers = [new V1Container { Name = "c", Image = "i" }] },
    };

    private static V1ReplicationController Controller(int replicas) => new()
    {
        ApiVersion = "v1",
        Kind = "ReplicationController",
        Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default" },
        Spec = new V1ReplicationControllerSpec
        {
            Replicas = replicas,
            Selector = new Dictionary<string, string> { ["app"] = "web" },
            Template = new V1PodTemplateSpec { Metadata = Pod("").Metadata, Spec = Pod("").Spec },
        },
    };
}
