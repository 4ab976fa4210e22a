using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Queue;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Scheduler.Tests;

/// <summary>How pods go from one queue to another, beyond the plain cases of QueueTests.</summary>
public sealed class RequeueTests : IDisposable
{
    private static readonly HashSet<string> Fit = ["NodeResourcesFit"];
    private static readonly HashSet<string> Error = [];
    private readonly FakeTimeProvider _time = new();
    private readonly Gate _gate = new();
    private readonly SchedulingQueue _queue;

    public RequeueTests() =>
        _queue = new SchedulingQueue(new PluginSet([new PrioritySort(), new SchedulingGates(), _gate, new NodeResourcesFit()]).Queue, _time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void A_rejected_pod_that_backs_off_is_taken_early_when_no_other_waits()
    {
        Reject("p", Fit);
        RoomComes();
        Assert.Equal(new QueueCounts(0, 1, 0, 0), _queue.Counts);
        _queue.Add(Info("other"));
        Assert.Equal(["other", "p"], [Pop(), Pop()]);
    }

    [Fact]
    public void A_pod_whose_attempt_failed_waits_its_time_out()
    {
        Reject("p", Error);
        Assert.Null(_queue.TryPop());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("p", Pop());
    }

    [Fact]
    public void Errors_in_a_row_count_anew_after_a_rejection()
    {
        _queue.Add(Info("p"));
        Again(Error, TimeSpan.FromSeconds(1));
        Again(Error, TimeSpan.FromSeconds(2));
        // Rejected, and tried at once, since nothing else waits: the next error is the first of its row.
        _queue.Reject(_queue.TryPop()!, Fit);
        RoomComes();
        Again(Error, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Of_pods_whose_time_ends_in_the_same_second_the_more_important_comes_first()
    {
        Reject("low", Error, priority: 1);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Reject("high", Error, priority: 9);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["high", "low"], [Pop(), Pop()]);
    }

    [Fact]
    public void What_a_plugin_began_and_finished_brings_its_pod_back_without_backoff()
    {
        _queue.Add(Info("p"));
        _queue.Reject(_queue.TryPop()!, Fit, pendingBy: Fit);
        RoomComes();
        Assert.Equal(new QueueCounts(1, 0, 0, 0), _queue.Counts);
    }

    [Fact]
    public void A_pod_that_a_plugin_holds_back_comes_with_the_next_event_that_both_wait_for()
    {
        Reject("p", Fit);
        _gate.IsClosed = true;
        RoomComes();
        Assert.Equal(new QueueCounts(0, 0, 0, 1), _queue.Counts);
        // The gate does not wait for nodes, so it is not even asked.
        _gate.IsClosed = false;
        _queue.Move(new ClusterChange(ClusterEvent.NodeAdd, null, Make.Node("n")));
        Assert.Equal(new QueueCounts(0, 0, 0, 1), _queue.Counts);
        RoomComes();
        Assert.Equal("p", Pop());
    }

    [Fact]
    public void A_pod_can_be_activated_wherever_it_waits_and_while_it_is_tried()
    {
        Reject("p", Fit);
        _queue.Activate(Info("p").Uid);
        var tried = _queue.TryPop()!;
        _queue.Activate(Info("p").Uid);
        _queue.Reject(tried, Fit);
        Assert.Equal(new QueueCounts(1, 0, 0, 0), _queue.Counts);
        _queue.Activate("nobody");
    }

    [Fact]
    public void An_event_may_be_for_some_pods_only()
    {
        Reject("low", Fit, priority: 1);
        Reject("high", Fit, priority: 9);
        _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, OnNode("gone"), null), pod => pod.Priority <= 5);
        Assert.Equal("low", Pop());
        Assert.Null(_queue.TryPop());
    }

    [Fact]
    public void A_nomination_that_only_this_process_knows_outlives_an_older_view_of_the_pod()
    {
        var (nominator, pod) = (new Nominator(), Info("p"));
        nominator.Set(pod, "a");
        nominator.Update(pod, Info("p"));
        Assert.Equal("p", Assert.Single(nominator.PodsFor("a")).Key.Name);
        // Once the API has had it, its loss there is the truth.
        var written = Make.Info(Make.Pod("p", with: p => p.Status.NominatedNodeName = "b"));
        nominator.Update(pod, written);
        Assert.Empty(nominator.PodsFor("a"));
        Assert.Single(nominator.PodsFor("b"));
        nominator.Update(written, pod);
        Assert.True(nominator.IsEmpty);
    }

    private void RoomComes() => _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, OnNode("gone"), null));

    private string Pop() => _queue.TryPop()?.Pod.Key.Name ?? "none";

    private void Reject(string name, HashSet<string> plugins, int priority = 0)
    {
        _queue.Add(Info(name, priority));
        _queue.Reject(_queue.TryPop()!, plugins);
    }

    /// <summary>Fails an attempt, and sees that the next comes after exactly so long.</summary>
    private void Again(HashSet<string> plugins, TimeSpan backoff)
    {
        _queue.Reject(_queue.TryPop()!, plugins);
        _time.Advance(backoff - TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, _queue.Counts.Backoff);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, _queue.Counts.Active);
    }

    private static PodInfo Info(string name, int priority = 0) => Make.Info(Make.Pod(name, with: pod => pod.Spec.Priority = priority));

    private static PodInfo OnNode(string name) => Make.Info(Make.Pod(name, cpu: "1", with: pod => pod.Spec.NodeName = "a"));

    private sealed class Gate : IPreEnqueuePlugin, IEnqueueExtensions
    {
        public string Name => "Gate";
        public bool IsClosed { get; set; }
        public ClusterEvent Events => ClusterEvent.AssignedPodDelete;
        public bool MayHelp(PodInfo pod, in ClusterChange change) => false;
        public PluginStatus? PreEnqueue(PodInfo pod) => IsClosed ? PluginStatus.Unresolvable("the gate is closed") : null;
    }
}
