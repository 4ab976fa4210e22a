using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Queue;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Scheduler.Tests;

public sealed class QueueTests : IDisposable
{
    private static readonly HashSet<string> Fit = ["NodeResourcesFit"];
    private static readonly HashSet<string> Affinity = ["NodeAffinity"];
    private readonly FakeTimeProvider _time = new();
    private readonly SchedulingQueue _queue;

    public QueueTests()
    {
        var plugins = new PluginSet([new PrioritySort(), new SchedulingGates(), new NodeResourcesFit(), new NodeAffinity()]);
        _queue = new SchedulingQueue(plugins.Queue, _time);
    }

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void Pods_come_by_priority_and_then_by_age()
    {
        _queue.Add(Info("old"));
        _time.Advance(TimeSpan.FromSeconds(1));
        _queue.Add(Info("young"));
        _queue.Add(Info("important", priority: 1000));
        Assert.Equal(["important", "old", "young"], PopAll());
    }

    [Fact]
    public void A_rejected_pod_backs_off_longer_each_time_up_to_ten_seconds()
    {
        _queue.Add(Info("p"));
        foreach (var seconds in (int[])[1, 2, 4, 8, 10, 10])
        {
            var pod = _queue.TryPop();
            Assert.NotNull(pod);
            _queue.Reject(pod, new HashSet<string>());
            _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            Assert.Null(_queue.TryPop());
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.NotNull(_queue.TryPop());
    }

    [Fact]
    public void Only_an_event_that_a_rejecting_plugin_waits_for_brings_a_pod_back()
    {
        Reject("big", Fit);
        Reject("picky", Affinity);
        _time.Advance(TimeSpan.FromSeconds(10));
        _queue.Move(new ClusterChange(ClusterEvent.NodeCondition, null, null));
        Assert.Empty(PopAll());
        _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, Info("gone"), null));
        Assert.Equal(["big"], PopAll());
    }

    [Fact]
    public void A_node_that_could_never_take_the_pod_does_not_bring_it_back()
    {
        Reject("big", Fit, cpu: "8");
        _time.Advance(TimeSpan.FromSeconds(10));
        _queue.Move(new ClusterChange(ClusterEvent.NodeAdd, null, Make.Node("small", cpu: "4")));
        Assert.Empty(PopAll());
        _queue.Move(new ClusterChange(ClusterEvent.NodeAdd, null, Make.Node("large", cpu: "8")));
        Assert.Equal(["big"], PopAll());
    }

    [Fact]
    public void An_event_during_the_attempt_is_not_lost()
    {
        _queue.Add(Info("p"));
        var pod = _queue.TryPop()!;
        _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, Info("gone"), null));
        _queue.Reject(pod, Fit);
        Assert.Equal(new QueueCounts(0, 1, 0, 0), _queue.Counts);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["p"], PopAll());
    }

    [Fact]
    public void An_event_before_the_attempt_does_not_count_for_it()
    {
        _queue.Add(Info("other"));
        var other = _queue.TryPop()!;
        _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, Info("gone"), null));
        _queue.Add(Info("p"));
        _queue.Reject(_queue.TryPop()!, Fit);
        Assert.Equal(new QueueCounts(0, 0, 1, 0), _queue.Counts);
        _queue.Done(other.Pod.Uid);
    }

    [Fact]
    public void A_rejected_pod_is_tried_again_after_five_minutes_without_any_event()
    {
        Reject("p", Fit);
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.Empty(PopAll());
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["p"], PopAll());
    }

    [Fact]
    public void A_gated_pod_comes_when_its_gates_are_gone_and_not_before()
    {
        var gated = Make.Info(Make.Pod("p", with: pod => pod.Spec.SchedulingGates = [new k8s.Models.V1PodSchedulingGate { Name = "g" }]));
        _queue.Add(gated);
        _queue.Move(new ClusterChange(ClusterEvent.NodeAdd, null, Make.Node("n")));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Empty(PopAll());
        _queue.Update(gated, Info("p"), ClusterEvent.PodGatesEliminated);
        Assert.Equal(["p"], PopAll());
    }

    [Fact]
    public void A_change_of_the_pod_itself_brings_it_back_only_when_scheduling_looks_at_it()
    {
        Reject("p", Fit);
        _time.Advance(TimeSpan.FromSeconds(2));
        _queue.Update(Info("p"), Info("p"), ClusterEvent.PodOther);
        _queue.Update(Info("p"), Info("p"), ClusterEvent.PodToleration);
        Assert.Empty(PopAll());
        _queue.Update(Info("p"), Info("p"), ClusterEvent.PodScaleDown);
        Assert.Equal(["p"], PopAll());
    }

    [Fact]
    public void A_deleted_pod_does_not_come()
    {
        _queue.Add(Info("p"));
        _queue.Delete(Info("p").Uid);
        Assert.Null(_queue.TryPop());
    }

    private void Reject(string name, HashSet<string> plugins, string? cpu = null)
    {
        _queue.Add(Make.Info(Make.Pod(name, cpu)));
        _queue.Reject(_queue.TryPop()!, plugins);
    }

    private List<string> PopAll()
    {
        var names = new List<string>();
        while (_queue.TryPop() is { } pod)
            names.Add(pod.Pod.Key.Name);
        return names;
    }

    private static PodInfo Info(string name, int priority = 0) => Make.Info(Make.Pod(name, with: pod => pod.Spec.Priority = priority));
}
