using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.ReplicaSets;

namespace LiteKube.Controllers.Tests.ReplicaSets;

public sealed class ReplicaControllerTests : ControllerTest
{
    [Fact]
    public async Task What_is_awaited_and_never_shows_holds_a_set_up_until_the_expectations_lapse()
    {
        var labels = new Dictionary<string, string> { ["app"] = "web" };
        Kube.Seed(new V1ReplicaSet
        {
            Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default" },
            Spec = new V1ReplicaSetSpec
            {
                Replicas = 1,
                Selector = new V1LabelSelector { MatchLabels = labels },
                Template = new V1PodTemplateSpec { Metadata = new V1ObjectMeta { Labels = labels }, Spec = new V1PodSpec { Containers = [new V1Container { Name = "c", Image = "i" }] } },
            },
        });
        // Without a runner nobody tells it what has come.
        var controller = new ReplicaController<V1ReplicaSet>(new ReplicaSetKind(), Kube.Client, Informers, Events, Time);
        var key = new ObjectKey("default", "web");
        await SeenAsync<V1ReplicaSet>("default", "web", s => s is not null);
        await controller.ReconcileAsync(key, default);
        var pod = Assert.Single(Kube.All<V1Pod>("default"));
        Kube.Remove<V1Pod>("default", pod.Metadata.Name, 0);
        await SeenAsync<V1Pod>("default", pod.Metadata.Name, p => p is null);

        Assert.Equal(Expectations.Lapse, (await controller.ReconcileAsync(key, default)).Requeue);
        Assert.Empty(Kube.All<V1Pod>("default"));
        Time.Advance(Expectations.Lapse);
        await controller.ReconcileAsync(key, default);
        Assert.Single(Kube.All<V1Pod>("default"));
    }
}
