using System.Diagnostics;
using k8s.Models;
using LiteKube.Testing;
using Xunit.Abstractions;

namespace LiteKube.Scheduler.Tests;

/// <summary>How a pod comes to its node, and what is told when it does not.</summary>
public sealed class SchedulerTests(ITestOutputHelper output) : SchedulerTest
{
    [Fact]
    public async Task A_pod_is_bound_to_a_node_that_fits_and_an_event_says_so()
    {
        Kube.Seed(Make.Node("small", cpu: "1"));
        Kube.Seed(Make.Node("large", cpu: "8"));
        await StartAsync();
        await CreateAsync(Make.Pod("web", cpu: "2"));
        var pod = await BoundAsync("web");
        Assert.Equal("large", pod.Spec.NodeName);
        await EventAsync("Scheduled", "Successfully assigned default/web to large");
    }

    [Fact]
    public async Task A_pod_that_fits_nowhere_stays_pending_with_a_reason_for_every_node()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Make.Node("b", with: node => node.Spec.Taints = [new V1Taint { Key = "k", Value = "v", Effect = "NoSchedule" }]));
        Kube.Seed(Make.Node("c", with: node => node.Spec.Taints = [new V1Taint { Key = "k", Value = "v", Effect = "NoExecute" }]));
        Kube.Seed(Make.Pod("other", cpu: "500m", with: pod => pod.Spec.NodeName = "a"));
        await StartAsync();
        await CreateAsync(Make.Pod("web", cpu: "1"));
        const string Message = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). "
            + "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.";
        await NotScheduledAsync("web", Message);
        await EventAsync("FailedScheduling", Message);
    }

    [Fact]
    public async Task A_pending_pod_is_bound_when_a_node_comes()
    {
        await StartAsync();
        await CreateAsync(Make.Pod("web", cpu: "1"));
        await NotScheduledAsync("web", "no nodes available to schedule pods");
        // Its backoff is over when the node comes.
        Time.Advance(TimeSpan.FromSeconds(2));
        await Kube.Client.CreateAsync(Make.Node("a"), default);
        await BoundAsync("web");
    }

    [Fact]
    public async Task A_pending_pod_does_not_wait_out_its_backoff_when_nothing_else_is_to_be_done()
    {
        await StartAsync();
        await CreateAsync(Make.Pod("web", cpu: "1"));
        await NotScheduledAsync("web", "no nodes available to schedule pods");
        // Time stands still: the pod's second of backoff never ends.
        await Kube.Client.CreateAsync(Make.Node("a"), default);
        await BoundAsync("web");
    }

    [Fact]
    public async Task A_pod_waits_for_room_until_another_goes()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Make.Pod("first", cpu: "1", with: pod => pod.Spec.NodeName = "a"));
        await StartAsync();
        await CreateAsync(Make.Pod("second", cpu: "1"));
        await NotScheduledAsync("second");
        Time.Advance(TimeSpan.FromSeconds(2));
        await DeleteAsync("first");
        await BoundAsync("second");
    }

    [Fact]
    public async Task A_gated_pod_waits_until_its_gates_are_gone()
    {
        Kube.Seed(Make.Node("a"));
        await StartAsync();
        await CreateAsync(Make.Pod("gated", with: pod => pod.Spec.SchedulingGates = [new V1PodSchedulingGate { Name = "example.com/wait" }]));
        await UntilAsync(() => Scheduler.Waiting.Gated == 1, "the gated pod is set aside");
        var gated = Kube.Find<V1Pod>("default", "gated")!;
        gated.Spec.SchedulingGates = null;
        await Kube.Client.UpdateAsync(gated, default);
        await BoundAsync("gated");
    }

    [Fact]
    public async Task A_pod_that_asks_for_devices_is_told_that_it_gets_none_instead_of_running_without_them()
    {
        Kube.Seed(Make.Node("a"));
        await StartAsync();
        await CreateAsync(Make.Pod("p", with: pod => pod.Spec.ResourceClaims = [new V1PodResourceClaim { Name = "gpu" }]));
        const string Message = "0/1 nodes are available: resource claims are not supported by this scheduler. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        await NotScheduledAsync("p", Message);
        await EventAsync("FailedScheduling", Message);
    }

    [Fact]
    public async Task A_bind_that_fails_gives_the_room_back_and_is_tried_again()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        var failures = 1;
        Kube.Intercept = request => request.PathAndQuery.EndsWith("/binding", StringComparison.Ordinal) && Interlocked.Decrement(ref failures) >= 0
            ? InMemoryKube.Failure(500, "InternalError", "the store is full") : null;
        await StartAsync();
        await CreateAsync(Make.Pod("web", cpu: "1"));
        await NotScheduledAsync("web", "running Bind plugin \"DefaultBinder\": the store is full", "SchedulerError");
        Time.Advance(TimeSpan.FromSeconds(2));
        await BoundAsync("web");
    }

    [Fact]
    public async Task Pods_of_anotherScheduler_are_left_alone()
    {
        Kube.Seed(Make.Node("a"));
        await StartAsync();
        await CreateAsync(Make.Pod("theirs", with: pod => pod.Spec.SchedulerName = "custom"));
        await CreateAsync(Make.Pod("ours"));
        await BoundAsync("ours");
        Assert.True(string.IsNullOrEmpty(Kube.Find<V1Pod>("default", "theirs")!.Spec.NodeName));
    }

    [Fact]
    public async Task A_thousand_pods_fill_a_hundred_nodes_without_exceeding_any()
    {
        for (var i = 0; i < 100; i++)
            Kube.Seed(Make.Node($"node-{i}", cpu: "1", pods: "10"));
        for (var i = 0; i < 1000; i++)
            Kube.Seed(Make.Pod($"pod-{i}", cpu: "100m", memory: "64Mi"));
        var binds = 0;
        Kube.Intercept = request =>
        {
            if (request.PathAndQuery.EndsWith("/binding", StringComparison.Ordinal))
                Interlocked.Increment(ref binds);
            return null;
        };
        // The count is cheap to look at; the pods are only read when it is full.
        var bound = Kube.WaitForAllAsync<V1Node>(null, _ => Volatile.Read(ref binds) == 1000 && Kube.All<V1Pod>().All(pod => !string.IsNullOrEmpty(pod.Spec.NodeName)), "all pods are bound");
        var watch = Stopwatch.StartNew();
        await StartAsync();
        await bound;
        output.WriteLine($"1000 pods on 100 nodes in {watch.ElapsedMilliseconds} ms");
        var perNode = Kube.All<V1Pod>().GroupBy(pod => pod.Spec.NodeName, StringComparer.Ordinal).ToList();
        Assert.Equal(100, perNode.Count);
        Assert.All(perNode, pods => Assert.Equal(10, pods.Count()));
    }

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            if (limit.IsCancellationRequested)
                throw new TimeoutException($"did not come: {what}");
            await Task.Yield();
        }
    }
}
