using System.Text.Json.Nodes;

namespace LiteKube.Scheduler.Tests.Conformance;

/// <summary>[sig-scheduling] SchedulerPredicates [Serial], what its four conformance specs ask for.</summary>
public sealed class SchedulerPredicatesTests : IAsyncLifetime
{
    private SchedulingCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await SchedulingCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Validates_resource_limits_of_pods_that_are_allowed_to_run()
    {
        // Seven tenths of each node are taken; what wants half of one fits nowhere.
        for (var i = 0; i < 2; i++)
        {
            await _cluster.PodAsync($"filler-{i}", $$"""{{OnNode(i)}},{{Cpu("7")}}""");
            await _cluster.RunningAsync($"filler-{i}");
        }
        await _cluster.PodAsync("additional-pod", Cpu("5"));
        await NotScheduledAsync("additional-pod", "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.");
    }

    [Fact]
    public async Task Validates_that_NodeSelector_is_respected_if_not_matching()
    {
        await _cluster.PodAsync("restricted-pod", "\"nodeSelector\":{\"label\":\"nonempty\"}," + Cpu("100m"));
        await NotScheduledAsync("restricted-pod", "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
    }

    [Fact]
    public async Task Validates_that_NodeSelector_is_respected_if_matching()
    {
        var labelled = await _cluster.Api.PatchAsync($"/api/v1/nodes/{_cluster.Nodes.NameOf(1)}", """{"metadata":{"labels":{"kubernetes.io/e2e-1234":"42"}}}""");
        Assert.Equal(System.Net.HttpStatusCode.OK, labelled.StatusCode);
        await _cluster.PodAsync("with-labels", "\"nodeSelector\":{\"kubernetes.io/e2e-1234\":\"42\"}," + Cpu("100m"));
        Assert.Equal(_cluster.Nodes.NameOf(1), (string?)(await _cluster.RunningAsync("with-labels"))["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task Validates_that_there_exists_conflict_between_pods_with_same_hostPort_and_protocol_but_one_using_0_0_0_0_hostIP()
    {
        await _cluster.PodAsync("pod4", $"{OnNode(0)},{Port("0.0.0.0")}");
        await _cluster.RunningAsync("pod4");
        await _cluster.PodAsync("pod5", $"{OnNode(0)},{Port("127.0.0.1")}");
        await NotScheduledAsync("pod5", "0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) didn't match Pod's node affinity/selector. "
            + "preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.");
        // On the other node the same port is free.
        await _cluster.PodAsync("pod6", $"{OnNode(1)},{Port("127.0.0.1")}");
        await _cluster.RunningAsync("pod6");
    }

    /// <summary>Says so in the pod's condition and, in the same words, in an event.</summary>
    private async Task NotScheduledAsync(string name, string message)
    {
        var pod = await _cluster.UntilAsync($"/api/v1/namespaces/{SchedulingCluster.Namespace}/pods", pod => (string?)pod["metadata"]!["name"] == name && Scheduled(pod) is not null);
        Assert.Equal(("False", "Unschedulable", message), ((string?)Scheduled(pod)!["status"], (string?)Scheduled(pod)!["reason"], (string?)Scheduled(pod)!["message"]));
        Assert.Null(pod["spec"]!["nodeName"]);
        var told = await _cluster.UntilAsync($"/api/v1/namespaces/{SchedulingCluster.Namespace}/events", e => (string?)e["reason"] == "FailedScheduling" && (string?)e["involvedObject"]!["name"] == name);
        Assert.Equal(("Warning", message, "default-scheduler"), ((string?)told["type"], (string?)told["message"], (string?)told["source"]?["component"]));
    }

    private static JsonNode? Scheduled(JsonObject pod) => pod["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string?)condition!["type"] == "PodScheduled");

    private string OnNode(int index) => $$"""
        "nodeSelector":{"kubernetes.io/hostname":"{{_cluster.Nodes.NameOf(index)}}"}
        """;

    private static string Cpu(string amount) => $$$$"""
        "containers":[{"name":"pause","image":"pause","resources":{"requests":{"cpu":"{{{{amount}}}}"},"limits":{"cpu":"{{{{amount}}}}"}}}]
        """;

    private static string Port(string address) => $$"""
        "containers":[{"name":"agnhost","image":"agnhost","ports":[{"containerPort":8080,"hostPort":54322,"hostIP":"{{address}}","protocol":"TCP"}]}]
        """;
}
