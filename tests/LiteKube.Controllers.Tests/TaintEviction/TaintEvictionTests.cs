using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.TaintEviction;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.TaintEviction;

public sealed class TaintEvictionTests : ControllerTest
{
    private static readonly ObjectKey PodA = new("default", "a");

    [Theory]
    [InlineData("", 0)]
    [InlineData("k Exists - -", null)]
    [InlineData("k Equal v -", null)]
    [InlineData("k Equal w -", 0)]
    [InlineData("- Exists - -", null)]
    [InlineData("k Exists - 300", 300)]
    [InlineData("k Exists - 300;k Equal v 20", 20)]
    [InlineData("k Exists - -5", 0)]
    [InlineData("other Exists - -", 0)]
    public void Tolerations_say_how_long_a_pod_may_stay(string tolerations, int? seconds)
    {
        var pod = Build.Pod("a");
        pod.Spec.Tolerations = [.. tolerations.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        var taint = new V1Taint { Key = "k", Value = "v", Effect = "NoExecute" };
        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : null, EvictionPlan.StayOf(pod, [taint]));
        Assert.Null(EvictionPlan.StayOf(pod, []));
    }

    [Fact]
    public void A_toleration_of_another_effect_does_not_count()
    {
        var pod = Build.Pod("a");
        pod.Spec.Tolerations = [new V1Toleration { Key = "k", OperatorProperty = "Exists", Effect = "NoSchedule" }];
        Assert.Equal(TimeSpan.Zero, EvictionPlan.StayOf(pod, [Build.Taint("k", "NoExecute")]));
    }

    [Fact]
    public async Task A_taint_evicts_the_pods_of_its_node_that_do_not_tolerate_it()
    {
        var tolerant = Build.Pod("tolerant");
        tolerant.Spec.Tolerations = [new V1Toleration { OperatorProperty = "Exists" }];
        Kube.Seed(tolerant);
        Kube.Seed(Build.Pod("a"));
        Kube.Seed(Build.Pod("elsewhere", node: "node-2"));
        Kube.Seed(Build.Node("node-1", "True"));
        Kube.Seed(Build.Node("node-2", "True"));
        await StartAsync(new TaintEvictionController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        await TaintAsync(Build.Taint("k", "NoExecute"));
        var evicted = await Kube.WaitForAsync<V1Pod>("default", "a", p => p?.Metadata.DeletionTimestamp is not null, "the eviction");
        Assert.Contains(evicted!.Status.Conditions, c => c is { Type: "DisruptionTarget", Status: "True", Reason: "DeletionByTaintManager" });
        Assert.Contains("Normal TaintManagerEviction Marking for deletion Pod default/a", Events.All);
        Assert.All(["tolerant", "elsewhere"], name => Assert.Null(Kube.Find<V1Pod>("default", name)!.Metadata.DeletionTimestamp));
    }

    [Fact]
    public async Task Toleration_seconds_run_from_the_taint_and_end_with_it()
    {
        var pod = Build.Pod("a");
        pod.Spec.Tolerations = [new V1Toleration { Key = "k", OperatorProperty = "Exists", TolerationSeconds = 60 }];
        Kube.Seed(pod);
        Kube.Seed(Build.Node("node-1", "True"));
        var controller = new TaintEvictionController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1Pod>("default", "a", p => p is not null);
        await TaintAsync(Build.Taint("k", "NoExecute"));
        await SeenAsync<V1Node>("", "node-1", n => n?.Spec.Taints?.Count == 1);
        Assert.Equal(TimeSpan.FromSeconds(60), (await controller.ReconcileAsync(PodA, default)).Requeue);
        Time.Advance(TimeSpan.FromSeconds(45));
        Assert.Equal(TimeSpan.FromSeconds(15), (await controller.ReconcileAsync(PodA, default)).Requeue);

        await TaintAsync();
        await SeenAsync<V1Node>("", "node-1", n => n is { Spec.Taints: null });
        Assert.Null((await controller.ReconcileAsync(PodA, default)).Requeue);
        Assert.Equal("Normal TaintManagerEviction Cancelling deletion of Pod default/a", Assert.Single(Events.All));

        await TaintAsync(Build.Taint("k", "NoExecute"));
        await SeenAsync<V1Node>("", "node-1", n => n?.Spec.Taints?.Count == 1);
        Assert.Equal(TimeSpan.FromSeconds(60), (await controller.ReconcileAsync(PodA, default)).Requeue);
        Time.Advance(TimeSpan.FromSeconds(60));
        Assert.Null((await controller.ReconcileAsync(PodA, default)).Requeue);
        Assert.NotNull(Kube.Find<V1Pod>("default", "a")!.Metadata.DeletionTimestamp);
    }

    private async Task TaintAsync(params V1Taint[] taints)
    {
        var node = Kube.Find<V1Node>(null, "node-1")!;
        node.Spec.Taints = taints.Length == 0 ? null : taints;
        await Kube.Client.UpdateAsync(node, default);
    }

    private static V1Toleration Parse(string text)
    {
        var parts = text.Split(' ');
        return new V1Toleration
        {
            Key = parts[0] == "-" ? null : parts[0],
            OperatorProperty = parts[1],
            Value = parts[2] == "-" ? null : parts[2],
            TolerationSeconds = parts[3] == "-" ? null : long.Parse(parts[3], System.Globalization.CultureInfo.InvariantCulture),
        };
    }
}
