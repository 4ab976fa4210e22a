using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Tests;

/// <summary>Pods that a plugin holds back between the choice of their node and their binding.</summary>
public sealed class PermitTests : SchedulerTest
{
    private readonly Gate _gate;

    public PermitTests() : this(new Gate()) { }

    private PermitTests(Gate gate) : base(new SchedulerOptions { Profiles = [new SchedulerProfile { AddedPlugins = [gate] }] }) => _gate = gate;

    public override Task InitializeAsync()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        return StartAsync();
    }

    [Fact]
    public async Task A_pod_that_waits_keeps_its_room_and_tells_where_it_is_about_to_go()
    {
        await CreateAsync(Make.Pod("held", cpu: "1"));
        await NominatedAsync("held");
        await CreateAsync(Make.Pod("other", cpu: "1"));
        await NotScheduledAsync("other", "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.");
        Assert.True(string.IsNullOrEmpty(Kube.Find<V1Pod>("default", "held")!.Spec.NodeName));
        Scheduler.FindWaitingPod("uid-held")!.Allow("Gate");
        Assert.Equal("a", (await BoundAsync("held")).Spec.NodeName);
    }

    [Fact]
    public async Task A_pod_that_nobody_allows_in_time_is_turned_away_and_gives_its_room_back()
    {
        await CreateAsync(Make.Pod("held", cpu: "1"));
        await NominatedAsync("held");
        _gate.IsOpen = true;
        await CreateAsync(Make.Pod("other", cpu: "1"));
        await NotScheduledAsync("other");
        Time.Advance(TimeSpan.FromSeconds(90));
        await EventAsync("FailedScheduling", "0/1 nodes are available: 1 rejected due to timeout after waiting 1m30s at plugin Gate.");
        await BoundAsync("other");
    }

    [Fact]
    public async Task A_pod_that_is_rejected_while_it_waits_is_told_why()
    {
        await CreateAsync(Make.Pod("held"));
        await NominatedAsync("held");
        var waiting = Scheduler.FindWaitingPod("uid-held")!;
        Assert.Equal(["Gate"], waiting.PendingPlugins);
        waiting.Reject("Gate", "its group is not complete");
        await EventAsync("FailedScheduling", "0/1 nodes are available: 1 its group is not complete.");
    }

    [Fact]
    public async Task A_pod_that_is_refused_at_once_is_not_bound()
    {
        _gate.Refusal = PluginStatus.Unschedulable("the gate is shut");
        await CreateAsync(Make.Pod("held"));
        await NotScheduledAsync("held", "0/1 nodes are available: 1 the gate is shut.");
        await EventAsync("FailedScheduling", "0/1 nodes are available: 1 the gate is shut.");
    }

    [Fact]
    public async Task A_pod_that_is_deleted_while_it_waits_gives_its_room_back()
    {
        await CreateAsync(Make.Pod("held", cpu: "1"));
        await NominatedAsync("held");
        await CreateAsync(Make.Pod("other", cpu: "1"));
        await NotScheduledAsync("other");
        _gate.IsOpen = true;
        await DeleteAsync("held");
        await BoundAsync("other");
    }

    [Fact]
    public async Task A_more_important_pod_takes_the_place_of_one_that_waits_without_deleting_it()
    {
        await CreateAsync(Make.Pod("held", cpu: "1"));
        await NominatedAsync("held");
        _gate.IsOpen = true;
        await CreateAsync(Make.Pod("high", cpu: "1", with: pod => pod.Spec.Priority = 10));
        await BoundAsync("high");
        Assert.Null(Kube.Find<V1Pod>("default", "held")!.Metadata.DeletionTimestamp);
        await NotScheduledAsync("held");
    }

    private Task NominatedAsync(string name) => Kube.WaitForAsync<V1Pod>("default", name, pod => pod?.Status?.NominatedNodeName == "a", $"{name} waits for its permission");

    /// <summary>Holds every pod back, unless it is open or refuses all.</summary>
    private sealed class Gate : IPermitPlugin
    {
        public string Name => "Gate";
        public bool IsOpen { get; set; }
        public PluginStatus? Refusal { get; set; }

        public TimeSpan? Permit(CycleState state, PodInfo pod, string nodeName, out PluginStatus? refusal)
        {
            refusal = Refusal;
            return IsOpen || refusal is not null ? null : TimeSpan.FromSeconds(90);
        }
    }
}
