using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.NodeLifecycle;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.NodeLifecycle;

public sealed class NodeLifecycleControllerTests : ControllerTest
{
    private static readonly ObjectKey Node1 = new("", "node-1");
    private NodeLifecycleController? _controller;

    [Fact]
    public async Task A_node_that_says_it_is_ready_loses_the_taint_of_its_registration()
    {
        Kube.Seed(Build.Node("node-1", "True", Build.Taint("node.kubernetes.io/not-ready", "NoSchedule")));
        await StartAsync(new NodeLifecycleController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        await Kube.WaitForAsync<V1Node>(null, "node-1", n => n is { Spec.Taints: null }, "no taint");
    }

    [Fact]
    public async Task A_silent_node_becomes_unknown_after_its_grace_and_its_pods_are_not_ready()
    {
        Kube.Seed(Build.Node("node-2", "True"));
        Kube.Seed(Build.Pod("a"));
        Kube.Seed(Build.Pod("elsewhere", node: "node-2"));
        await SeedAndSeeAsync("True");
        Assert.Equal(TimeSpan.FromSeconds(40), await ReconcileAsync());
        Time.Advance(TimeSpan.FromSeconds(39));
        Assert.Equal(TimeSpan.FromSeconds(1), await ReconcileAsync());
        Assert.Equal("True", Ready().Status);
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await ReconcileAsync());

        Assert.Equal(("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."), (Ready().Status, Ready().Reason, Ready().Message));
        Assert.Equal(["MemoryPressure", "DiskPressure", "PIDPressure"], Kube.Find<V1Node>(null, "node-1")!.Status.Conditions.Where(c => c.Reason == "NodeStatusNeverUpdated").Select(c => c.Type));
        Assert.Equal(["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"], Taints());
        Assert.Equal("False", PodReady("a"));
        Assert.Equal("True", PodReady("elsewhere"));
        Assert.Contains("Normal NodeNotReady Node node-1 status is now: NodeNotReady", Events.All);

        // The kubelet is back.
        await SeenAsync<V1Node>("", "node-1", n => n?.Spec.Taints?.Count == 2);
        var node = Kube.Find<V1Node>(null, "node-1")!;
        node.Status.Conditions = [new V1NodeCondition { Type = "Ready", Status = "True", LastHeartbeatTime = Time.GetUtcNow().UtcDateTime }];
        await Kube.Client.UpdateStatusAsync(node, default);
        await SeenAsync<V1Node>("", "node-1", n => n?.Status.Conditions[0].Status == "True");
        Assert.Equal(TimeSpan.FromSeconds(40), await ReconcileAsync());
        Assert.Empty(Taints());
    }

    [Fact]
    public async Task A_renewed_lease_is_a_heartbeat()
    {
        await SeedAndSeeAsync("True");
        await ReconcileAsync();
        Time.Advance(TimeSpan.FromSeconds(30));
        Kube.Seed(new V1Lease { Metadata = new V1ObjectMeta { Name = "node-1", NamespaceProperty = "kube-node-lease" }, Spec = new V1LeaseSpec { RenewTime = Time.GetUtcNow().UtcDateTime } });
        await SeenAsync<V1Lease>("kube-node-lease", "node-1", l => l is not null);
        Assert.Equal(TimeSpan.FromSeconds(40), await ReconcileAsync());
        Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(10), await ReconcileAsync());
        Assert.Equal("True", Ready().Status);
    }

    [Fact]
    public async Task After_the_process_was_stopped_every_node_gets_its_whole_grace_again()
    {
        await SeedAndSeeAsync("True");
        await ReconcileAsync();
        Time.Advance(TimeSpan.FromHours(8));
        Assert.Equal(TimeSpan.FromSeconds(40), await ReconcileAsync());
        Assert.Equal("True", Ready().Status);
        Time.Advance(TimeSpan.FromSeconds(40));
        Assert.Null(await ReconcileAsync());
        Assert.Equal("Unknown", Ready().Status);
    }

    [Fact]
    public async Task Nobody_is_evicted_while_no_node_at_all_is_ready()
    {
        await SeedAndSeeAsync("False");
        await ReconcileAsync();
        Assert.Equal(["node.kubernetes.io/not-ready:NoSchedule"], Taints());
    }

    [Fact]
    public async Task A_node_that_never_posted_has_a_minute()
    {
        await SeedAndSeeAsync(null);
        Assert.Equal(TimeSpan.FromSeconds(60), await ReconcileAsync());
        Time.Advance(TimeSpan.FromSeconds(60));
        await ReconcileAsync();
        Assert.Equal(("Unknown", "NodeStatusNeverUpdated"), (Ready().Status, Ready().Reason));
    }

    private async Task SeedAndSeeAsync(string? ready)
    {
        Kube.Seed(Build.Node("node-1", ready));
        _controller = new NodeLifecycleController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1Node>("", "node-1", n => n is not null);
        await Informers.Get<V1Pod>().WaitForSyncAsync(default);
        await Informers.Get<V1Lease>().WaitForSyncAsync(default);
    }

    private async Task<TimeSpan?> ReconcileAsync() => (await _controller!.ReconcileAsync(Node1, default)).Requeue;

    private V1NodeCondition Ready() => Kube.Find<V1Node>(null, "node-1")!.Status.Conditions.Single(c => c.Type == "Ready");

    private IEnumerable<string> Taints() => (Kube.Find<V1Node>(null, "node-1")!.Spec.Taints ?? []).Select(t => $"{t.Key}:{t.Effect}");

    private string PodReady(string name) => Kube.Find<V1Pod>("default", name)!.Status.Conditions.Single(c => c.Type == "Ready").Status;
}
