using System.Diagnostics;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit.Abstractions;

namespace LiteKube.Scheduler.Tests;

/// <summary>The whole scheduler against the in-memory server.</summary>
public sealed class SchedulerTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.Parse("2025-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly InMemoryKube _kube = new();
    private SharedInformers _informers = null!;
    private EventBroadcaster _events = null!;
    private Scheduler _scheduler = null!;

    public Task InitializeAsync()
    {
        _informers = new SharedInformers(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _scheduler = new Scheduler(new SchedulerOptions(), _kube.Client, _informers, _events, NullLoggerFactory.Instance, _time);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _scheduler.StopAsync(default);
        await _informers.DisposeAsync();
        await _events.DisposeAsync();
    }

    [Fact]
    public async Task A_pod_is_bound_to_a_node_that_fits_and_an_event_says_so()
    {
        _kube.Seed(Make.Node("small", cpu: "1"));
        _kube.Seed(Make.Node("large", cpu: "8"));
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("web", cpu: "2"), default);
        var pod = await BoundAsync("web");
        Assert.Equal("large", pod.Spec.NodeName);
        await EventAsync("Scheduled", "Successfully assigned default/web to large");
    }

    [Fact]
    public async Task A_pod_that_fits_nowhere_stays_pending_with_a_reason_for_every_node()
    {
        _kube.Seed(Make.Node("a", cpu: "1"));
        _kube.Seed(Make.Node("b", with: node => node.Spec.Taints = [new V1Taint { Key = "k", Value = "v", Effect = "NoSchedule" }]));
        _kube.Seed(Make.Node("c", with: node => node.Spec.Taints = [new V1Taint { Key = "k", Value = "v", Effect = "NoExecute" }]));
        _kube.Seed(Make.Pod("other", cpu: "500m", with: pod => pod.Spec.NodeName = "a"));
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("web", cpu: "1"), default);
        const string Message = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). "
            + "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.";
        await ConditionAsync("web", "Unschedulable", Message);
        await EventAsync("FailedScheduling", Message);
    }

    [Fact]
    public async Task A_pending_pod_is_bound_when_a_node_comes()
    {
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("web", cpu: "1"), default);
        await ConditionAsync("web", "Unschedulable", "no nodes available to schedule pods");
        // Its backoff is over when the node comes.
        _time.Advance(TimeSpan.FromSeconds(2));
        await _kube.Client.CreateAsync(Make.Node("a"), default);
        await BoundAsync("web");
    }

    [Fact]
    public async Task A_pending_pod_does_not_wait_out_its_backoff_when_nothing_else_is_to_be_done()
    {
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("web", cpu: "1"), default);
        await ConditionAsync("web", "Unschedulable", "no nodes available to schedule pods");
        // Time stands still: the pod's second of backoff never ends.
        await _kube.Client.CreateAsync(Make.Node("a"), default);
        await BoundAsync("web");
    }

    [Fact]
    public async Task A_pod_waits_for_room_until_another_goes()
    {
        _kube.Seed(Make.Node("a", cpu: "1"));
        _kube.Seed(Make.Pod("first", cpu: "1", with: pod => pod.Spec.NodeName = "a"));
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("second", cpu: "1"), default);
        await ConditionAsync("second", "Unschedulable", null);
        _time.Advance(TimeSpan.FromSeconds(2));
        await _kube.Client.DeleteAsync<V1Pod>("default", "first", new DeleteOptions(GracePeriodSeconds: 0), default);
        await BoundAsync("second");
    }

    [Fact]
    public async Task A_gated_pod_waits_until_its_gates_are_gone()
    {
        _kube.Seed(Make.Node("a"));
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("gated", with: pod => pod.Spec.SchedulingGates = [new V1PodSchedulingGate { Name = "example.com/wait" }]), default);
        await UntilAsync(() => _scheduler.Waiting.Gated == 1, "the gated pod is set aside");
        var gated = _kube.Find<V1Pod>("default", "gated")!;
        gated.Spec.SchedulingGates = null;
        await _kube.Client.UpdateAsync(gated, default);
        await BoundAsync("gated");
    }

    [Fact]
    public async Task A_bind_that_fails_gives_the_room_back_and_is_tried_again()
    {
        _kube.Seed(Make.Node("a", cpu: "1"));
        var failures = 1;
        _kube.Intercept = request => request.PathAndQuery.EndsWith("/binding", StringComparison.Ordinal) && Interlocked.Decrement(ref failures) >= 0
            ? InMemoryKube.Failure(500, "InternalError", "the store is full") : null;
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("web", cpu: "1"), default);
        await ConditionAsync("web", "SchedulerError", "running Bind plugin \"DefaultBinder\": the store is full");
        _time.Advance(TimeSpan.FromSeconds(2));
        await BoundAsync("web");
    }

    [Fact]
    public async Task Pods_of_another_scheduler_are_left_alone()
    {
        _kube.Seed(Make.Node("a"));
        await _scheduler.StartAsync(default);
        await _kube.Client.CreateAsync(Make.Pod("theirs", with: pod => pod.Spec.SchedulerName = "custom"), default);
        await _kube.Client.CreateAsync(Make.Pod("ours"), default);
        await BoundAsync("ours");
        Assert.True(string.IsNullOrEmpty(_kube.Find<V1Pod>("default", "theirs")!.Spec.NodeName));
    }

    [Fact]
    public async Task A_thousand_pods_fill_a_hundred_nodes_without_exceeding_any()
    {
        for (var i = 0; i < 100; i++)
            _kube.Seed(Make.Node($"node-{i}", cpu: "1", pods: "10"));
        for (var i = 0; i < 1000; i++)
            _kube.Seed(Make.Pod($"pod-{i}", cpu: "100m", memory: "64Mi"));
        var binds = 0;
        _kube.Intercept = request =>
        {
            if (request.PathAndQuery.EndsWith("/binding", StringComparison.Ordinal))
                Interlocked.Increment(ref binds);
            return null;
        };
        // The count is cheap to look at; the pods are only read when it is full.
        var bound = _kube.WaitForAllAsync<V1Node>(null, _ => Volatile.Read(ref binds) == 1000 && _kube.All<V1Pod>().All(pod => !string.IsNullOrEmpty(pod.Spec.NodeName)), "all pods are bound");
        var watch = Stopwatch.StartNew();
        await _scheduler.StartAsync(default);
        await bound;
        output.WriteLine($"1000 pods on 100 nodes in {watch.ElapsedMilliseconds} ms");
        var perNode = _kube.All<V1Pod>().GroupBy(pod => pod.Spec.NodeName, StringComparer.Ordinal).ToList();
        Assert.Equal(100, perNode.Count);
        Assert.All(perNode, pods => Assert.Equal(10, pods.Count()));
    }

    private async Task<V1Pod> BoundAsync(string name) =>
        (await _kube.WaitForAsync<V1Pod>("default", name, pod => !string.IsNullOrEmpty(pod?.Spec.NodeName), $"{name} is bound"))!;

    private Task ConditionAsync(string name, string reason, string? message) => _kube.WaitForAsync<V1Pod>("default", name,
        pod => pod?.Status?.Conditions?.Any(c => c.Type == "PodScheduled" && c.Status == "False" && c.Reason == reason && (message is null || c.Message == message)) == true,
        $"{name} has the condition {reason}: {message}; has {_kube.Find<V1Pod>("default", name)?.Status?.Conditions?.FirstOrDefault()?.Message}");

    private Task EventAsync(string reason, string message) => _kube.WaitForAllAsync<Corev1Event>(null,
        events => events.Any(e => e.Reason == reason && e.Message == message && e.Source.Component == "default-scheduler"), $"an event {reason}: {message}");

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
