using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;

namespace LiteKube.Scheduler.Tests.Plugins;

/// <summary>The arithmetic of the strategies: what is requested (of 10 cores and 10 GiB), and the score.</summary>
public sealed class ResourceScoreTests
{
    private static readonly IReadOnlyList<ResourceWeight> Both = [new("cpu", 1), new("memory", 1)];
    private static readonly IReadOnlyList<UtilizationShapePoint> Rising = [new(0, 0), new(100, 10)];

    [Theory]
    [InlineData("0", "0", 98)]           // The defaults count: 100m of 10 cores, 200Mi of 10Gi; (99 + 98) / 2.
    [InlineData("5", "5Gi", 50)]
    [InlineData("10", "5Gi", 25)]
    [InlineData("11", "5Gi", 25)]        // More than there is counts as nothing left.
    public void LeastAllocated_prefers_what_is_left(string cpu, string memory, long score) =>
        Assert.Equal(score, Score(new NodeResourcesFit(), cpu, memory));

    [Theory]
    [InlineData("5", "5Gi", 50)]
    [InlineData("10", "5Gi", 75)]
    [InlineData("20", "5Gi", 75)]        // More than there is counts as all of it.
    public void MostAllocated_prefers_what_is_used(string cpu, string memory, long score) =>
        Assert.Equal(score, Score(new NodeResourcesFit(new ScoringStrategy(ScoringStrategyType.MostAllocated, Both, [])), cpu, memory));

    [Fact]
    public void Weights_decide_how_much_a_resource_counts()
    {
        var strategy = new ScoringStrategy(ScoringStrategyType.MostAllocated, [new("cpu", 3), new("memory", 1)], []);
        Assert.Equal((3 * 80 + 1 * 20) / 4, Score(new NodeResourcesFit(strategy), "8", "2Gi"));
    }

    [Theory]
    [InlineData("5", "5Gi", 50)]
    [InlineData("10", "2Gi", 60)]
    [InlineData("20", "2Gi", 60)]        // Beyond the end the last point counts.
    public void RequestedToCapacityRatio_goes_along_its_shape(string cpu, string memory, long score) =>
        Assert.Equal(score, Score(new NodeResourcesFit(new ScoringStrategy(ScoringStrategyType.RequestedToCapacityRatio, Both, Rising)), cpu, memory));

    [Fact]
    public void A_shape_is_straight_between_its_points_and_level_beyond_them()
    {
        // Packs up to half, and wants nothing beyond.
        var fit = new NodeResourcesFit(new ScoringStrategy(ScoringStrategyType.RequestedToCapacityRatio, [new("cpu", 1)], [new(10, 2), new(50, 10), new(90, 0)]));
        Assert.Equal(20, Score(fit, "500m", "1Gi"));
        Assert.Equal(60, Score(fit, "3", "1Gi"));
        Assert.Equal(100, Score(fit, "5", "1Gi"));
        Assert.Equal(50, Score(fit, "7", "1Gi"));
        Assert.Equal(0, Score(fit, "9500m", "1Gi"));
    }

    [Fact]
    public void An_extended_resource_counts_only_for_pods_that_ask_for_it()
    {
        var strategy = new ScoringStrategy(ScoringStrategyType.RequestedToCapacityRatio, [new("example.com/gpu", 1)], Rising);
        var node = Node(n => n.Status.Allocatable["example.com/gpu"] = new ResourceQuantity("8"));
        var pod = Make.Pod("p", with: p => p.Spec.Containers[0].Resources.Requests["example.com/gpu"] = new ResourceQuantity("2"));
        Assert.Equal(25, Score(new NodeResourcesFit(strategy), pod, Make.NodeInfo(node)));
        Assert.Equal(50, Score(new NodeResourcesFit(strategy), pod, Make.NodeInfo(node, pod)));
        Assert.Equal(0, Score(new NodeResourcesFit(strategy), Make.Pod("plain", "1"), Make.NodeInfo(node, pod)));
    }

    [Fact]
    public void A_ratio_without_a_shape_is_refused() =>
        Assert.Throws<ArgumentException>(() => new NodeResourcesFit(new ScoringStrategy(ScoringStrategyType.RequestedToCapacityRatio, Both, [])));

    [Theory]
    [InlineData(null, null, "5", "5Gi", 75)]      // As balanced after as before: 50 + (50 + 100 - 100) / 2.
    [InlineData(null, null, "10", "0", 50)]       // From balance to the greatest difference: 50 + (50 + 50 - 100) / 2.
    [InlineData("10", "0", "0", "10Gi", 100)]     // And back.
    [InlineData("2", "4Gi", "2", "1Gi", 77)]      // From 20 against 40 to 40 against 50: 90 before, 95 after.
    public void Balance_is_scored_by_the_difference_that_the_pod_makes(string? usedCpu, string? usedMemory, string cpu, string memory, long score)
    {
        var node = usedCpu is null ? Make.NodeInfo(Node()) : Make.NodeInfo(Node(), Make.Pod("other", usedCpu, usedMemory));
        Assert.Equal(score, Score(new NodeResourcesBalancedAllocation(), Make.Pod("p", cpu, memory), node));
    }

    [Fact]
    public void A_pod_that_requests_nothing_is_not_scored_by_balance() =>
        Assert.Equal(StatusCode.Skip, new NodeResourcesBalancedAllocation().PreScore(new CycleState(), Make.Info(Make.Pod("p")), [])?.Code);

    private static long Score(NodeResourcesFit fit, string cpu, string memory) =>
        Score(fit, cpu == "0" ? Make.Pod("p") : Make.Pod("p", cpu, memory), Make.NodeInfo(Node()));

    private static long Score<T>(T plugin, V1Pod pod, NodeInfo node) where T : IPreScorePlugin, IScorePlugin
    {
        var (state, info) = (new CycleState(), Make.Info(pod));
        Assert.Null(plugin.PreScore(state, info, [node]));
        return plugin.Score(state, info, node);
    }

    private static V1Node Node(Action<V1Node>? with = null) => Make.Node("n", cpu: "10", memory: "10Gi", with: with);
}
