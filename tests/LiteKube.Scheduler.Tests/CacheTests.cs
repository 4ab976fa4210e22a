using LiteKube.Scheduler.Cache;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Scheduler.Tests;

public sealed class CacheTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SchedulerCache _cache;
    private readonly Snapshot _snapshot = new();

    public CacheTests() => _cache = new SchedulerCache(_time);

    [Fact]
    public void An_assumed_pod_takes_its_room_until_it_is_forgotten()
    {
        _cache.SetNode(Make.Node("a"));
        var pod = Make.Info(Make.Pod("p", cpu: "1"));
        _cache.Assume(pod, "a");
        Assert.Equal(1000, Requested("a"));
        _cache.Forget(pod.Uid);
        Assert.Equal(0, Requested("a"));
    }

    [Fact]
    public void A_pod_that_was_seen_bound_is_not_forgotten_with_a_late_failure()
    {
        _cache.SetNode(Make.Node("a"));
        var pod = Make.Pod("p", cpu: "1");
        _cache.Assume(Make.Info(pod), "a");
        pod.Spec.NodeName = "a";
        _cache.SetPod(Make.Info(pod));
        _cache.Forget(Make.Info(pod).Uid);
        Assert.Equal(1000, Requested("a"));
    }

    [Fact]
    public void A_pod_that_was_bound_and_never_seen_expires()
    {
        _cache.SetNode(Make.Node("a"));
        var pod = Make.Info(Make.Pod("p", cpu: "1"));
        _cache.Assume(pod, "a");
        _time.Advance(TimeSpan.FromHours(1));
        // Still being bound: however long that takes, it holds its room.
        Assert.Empty(_cache.ExpireAssumed());
        _cache.FinishBinding(pod.Uid);
        _time.Advance(TimeSpan.FromMinutes(16));
        Assert.Equal([pod.Key], _cache.ExpireAssumed());
        Assert.Equal(0, Requested("a"));
    }

    [Fact]
    public void A_snapshot_copies_only_the_nodes_that_changed()
    {
        _cache.SetNode(Make.Node("a"));
        _cache.SetNode(Make.Node("b"));
        _cache.Update(_snapshot);
        var (a, b) = (_snapshot.Find("a"), _snapshot.Find("b"));
        _cache.Assume(Make.Info(Make.Pod("p")), "b");
        // What the attempt works on does not move under it.
        Assert.Empty(b!.Pods);
        _cache.Update(_snapshot);
        Assert.Same(a, _snapshot.Find("a"));
        Assert.NotSame(b, _snapshot.Find("b"));
        Assert.Single(_snapshot.Find("b")!.Pods);
    }

    [Fact]
    public void A_pod_may_be_seen_before_its_node_and_outlive_it()
    {
        var pod = Make.Pod("p", cpu: "1", with: pod => pod.Spec.NodeName = "a");
        _cache.SetPod(Make.Info(pod));
        _cache.Update(_snapshot);
        Assert.Empty(_snapshot.Nodes);
        _cache.SetNode(Make.Node("a"));
        Assert.Equal(1000, Requested("a"));
        _cache.RemoveNode("a");
        _cache.Update(_snapshot);
        Assert.Empty(_snapshot.Nodes);
        _cache.RemovePod(Make.Info(pod).Uid);
        _cache.SetNode(Make.Node("a"));
        Assert.Equal(0, Requested("a"));
    }

    /// <summary>Whatever happens in whatever order, the incremental snapshot equals one made anew.</summary>
    [Fact]
    public void The_incremental_snapshot_never_differs_from_a_full_one()
    {
        var random = new Random(7);
        var pods = new Dictionary<string, (k8s.Models.V1Pod Pod, string Node)>(StringComparer.Ordinal);
        var nodes = new HashSet<string>(StringComparer.Ordinal);
        for (var step = 0; step < 3000; step++)
        {
            var node = $"n{random.Next(8)}";
            var name = $"p{random.Next(30)}";
            switch (random.Next(5))
            {
                case 0:
                    _cache.SetNode(Make.Node(node));
                    nodes.Add(node);
                    break;
                case 1:
                    _cache.RemoveNode(node);
                    nodes.Remove(node);
                    break;
                case 2 or 3:
                    var pod = Make.Pod(name, cpu: $"{random.Next(1, 500)}m", with: p => p.Spec.NodeName = node);
                    _cache.SetPod(Make.Info(pod));
                    pods[name] = (pod, node);
                    break;
                default:
                    _cache.RemovePod($"uid-{name}");
                    pods.Remove(name);
                    break;
            }
            if (random.Next(3) != 0)
                continue;
            _cache.Update(_snapshot);
            Assert.Equal(nodes.Order(StringComparer.Ordinal), _snapshot.Nodes.Select(info => info.Name).Order(StringComparer.Ordinal));
            foreach (var info in _snapshot.Nodes)
            {
                var expected = pods.Values.Where(entry => entry.Node == info.Name).ToList();
                Assert.Equal(expected.Count, info.Pods.Count);
                Assert.Equal(expected.Sum(entry => Make.Info(entry.Pod).Requests.MilliCpu), info.Requested.MilliCpu);
            }
        }
    }

    private long Requested(string node)
    {
        _cache.Update(_snapshot);
        return _snapshot.Find(node)!.Requested.MilliCpu;
    }
}
