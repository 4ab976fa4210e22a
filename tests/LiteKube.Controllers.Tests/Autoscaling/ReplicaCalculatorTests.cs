using k8s.Models;
using LiteKube.Controllers.Autoscaling;

namespace LiteKube.Controllers.Tests.Autoscaling;

public sealed class ReplicaCalculatorTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    // Each pod requests 1000; the numbers are what they use.
    [InlineData("300 500 700", 3, 30, 5, 50)]
    [InlineData("100 300 500", 3, 50, 2, 30)]
    [InlineData("1010 1030 1050", 3, 100, 3, 103)]
    [InlineData("1100 1100 1100", 3, 100, 3, 110)]
    [InlineData("1120 1120 1120", 3, 100, 4, 112)]
    [InlineData("900 900 900", 3, 100, 3, 90)]
    [InlineData("880 880 880", 3, 100, 3, 88)]
    public void Utilization_is_held_against_the_requests_with_tolerance(string used, int current, int target, int replicas, int utilization)
    {
        var pods = Pods(used);
        var proposal = Calculator(pods).ByUtilization(current, target, Metrics(used), "cpu", null);
        Assert.Equal((replicas, utilization), (proposal.Replicas, proposal.Utilization));
    }

    [Theory]
    // "-" is a pod without a metric: it uses nothing when the others ask for more, and all when they ask for less.
    [InlineData("1000 -", 2, 50, 2)]
    [InlineData("3000 -", 2, 50, 6)]
    [InlineData("100 -", 2, 50, 2)]
    [InlineData("10 10 -", 3, 100, 2)]
    public void Pods_without_metrics_count_as_what_changes_least(string used, int current, int target, int replicas) =>
        Assert.Equal(replicas, Calculator(Pods(used)).ByUtilization(current, target, Metrics(used), "cpu", null).Replicas);

    [Fact]
    public void Unready_pods_count_as_idle_when_growing_and_not_at_all_when_shrinking()
    {
        var pods = Pods("900 900 0");
        pods[2] = Pod("p2", ready: false);
        Assert.Equal(4, Calculator(pods).ByUtilization(3, 50, Metrics("900 900 0"), "cpu", null).Replicas);
        Assert.Equal(1, Calculator(pods).ByUtilization(3, 50, Metrics("100 100 900"), "cpu", null).Replicas);
        // Memory says as much of a pod that is not ready as of one that is.
        Assert.Equal(3, Calculator(pods).ByUtilization(3, 60, Metrics("900 900 0"), "memory", null).Replicas);
    }

    [Fact]
    public void A_pod_that_starts_counts_only_with_samples_taken_since_it_is_ready()
    {
        var pods = Pods("400 2000");
        pods[1].Status.StartTime = Now.AddMinutes(-1).UtcDateTime;
        pods[1].Status.Conditions[0].LastTransitionTime = Now.AddSeconds(-20).UtcDateTime;
        Assert.Equal(40, Calculator(pods).ByUtilization(2, 50, Metrics("400 2000"), "cpu", null).Utilization);
        pods[1].Status.Conditions[0].LastTransitionTime = Now.AddSeconds(-31).UtcDateTime;
        Assert.Equal(120, Calculator(pods).ByUtilization(2, 50, Metrics("400 2000"), "cpu", null).Utilization);
    }

    [Fact]
    public void Pending_failed_and_deleted_pods_are_left_out()
    {
        var pods = Pods("1000 1000 1000 1000");
        pods[1].Status.Phase = "Failed";
        pods[2].Metadata.DeletionTimestamp = Now.UtcDateTime;
        pods[3].Status.Phase = "Pending";
        // One counts, one is pending and counts as idle: 100 % of two is 50.
        Assert.Equal(4, Calculator(pods).ByUtilization(4, 25, Metrics("1000 1000 1000 1000"), "cpu", null).Replicas);
        Assert.Equal(100, Calculator(pods).ByUtilization(4, 25, Metrics("1000 1000 1000 1000"), "cpu", null).Utilization);
    }

    [Theory]
    [InlineData("cpu", null, "missing request for cpu in container side of Pod p0")]
    [InlineData("cpu", "c", null)]
    public void Every_container_needs_a_request(string resource, string? container, string? complaint)
    {
        var pods = Pods("500");
        pods[0].Spec.Containers.Add(new V1Container { Name = "side" });
        if (complaint is null)
            Assert.Equal(50, Calculator(pods).ByUtilization(1, 50, Metrics("500"), resource, container).Utilization);
        else
            Assert.Equal(complaint, Assert.Throws<MetricException>(() => Calculator(pods).ByUtilization(1, 50, Metrics("500"), resource, container)).Message);
    }

    [Fact]
    public void Without_pods_or_without_metrics_of_ready_pods_nothing_can_be_said()
    {
        Assert.Equal("no pods returned by selector while calculating replica count", Assert.Throws<MetricException>(() => Calculator([]).ByAverage(1, 1, Metrics("1"), "")).Message);
        var unready = new[] { Pod("p0", ready: false) };
        Assert.Equal("did not receive metrics for targeted pods (pods might be unready)", Assert.Throws<MetricException>(() => Calculator(unready).ByUtilization(1, 50, Metrics("500"), "cpu", null)).Message);
        Assert.Equal("no metrics returned matched known pods", Assert.Throws<MetricException>(() => Calculator(Pods("-")).ByUtilization(1, 50, new Dictionary<string, PodMetric> { ["other"] = new(Now, TimeSpan.FromSeconds(30), 5) }, "cpu", null)).Message);
    }

    [Theory]
    [InlineData("20000 10000 30000", 3, 15000, 4, 20000)]
    [InlineData("10000 10000 10000", 3, 20000, 2, 10000)]
    [InlineData("19000 20000 20900", 3, 20000, 3, 19966)]
    public void An_average_is_taken_over_the_pods(string used, int current, int target, int replicas, int average)
    {
        var proposal = Calculator(Pods(used)).ByAverage(current, target, Metrics(used), "");
        Assert.Equal((replicas, average), (proposal.Replicas, proposal.Value));
    }

    [Theory]
    [InlineData(3, 20000, 30000, 5)]
    [InlineData(3, 20000, 20900, 3)]
    [InlineData(3, 20000, 5000, 1)]
    [InlineData(0, 20000, 30000, 2)]
    [InlineData(0, 20000, 0, 0)]
    public void A_single_value_scales_the_ready_pods(int current, int target, int value, int replicas) =>
        Assert.Equal(replicas, Calculator(Pods("1 1 1")).ByValue(current, target, value).Replicas);

    [Theory]
    [InlineData(3, 2000, 8600, 5, 2867)]
    [InlineData(3, 2000, 6200, 3, 2067)]
    [InlineData(4, 2000, 3000, 2, 750)]
    public void A_value_may_be_shared_out_among_the_pods(int current, int target, int value, int replicas, int average)
    {
        var proposal = Calculator(Pods("1 1 1")).ByValuePerPod(current, target, value);
        Assert.Equal((replicas, average), (proposal.Replicas, proposal.Value));
    }

    [Theory]
    [InlineData(0.0, 0.0, "510 510", 3)]
    [InlineData(0.0, 0.05, "510 510", 2)]
    [InlineData(0.5, 0.0, "300 300", 2)]
    [InlineData(0.1, 0.0, "200 200", 1)]
    public void Each_direction_has_its_own_tolerance(double down, double up, string used, int replicas) =>
        Assert.Equal(replicas, new ReplicaCalculator(Pods(used), new Tolerances(down, up), Now).ByUtilization(2, 50, Metrics(used), "cpu", null).Replicas);

    private static ReplicaCalculator Calculator(IReadOnlyCollection<V1Pod> pods) => new(pods, Tolerances.Default, Now);

    private static V1Pod[] Pods(string used) => [.. used.Split(' ').Select((_, i) => Pod("p" + i))];

    private static Dictionary<string, PodMetric> Metrics(string used) => used.Split(' ').Select((value, i) => (value, i)).Where(v => v.value != "-")
        .ToDictionary(v => "p" + v.i, v => new PodMetric(Now, TimeSpan.FromSeconds(30), long.Parse(v.value, System.Globalization.CultureInfo.InvariantCulture)));

    private static V1Pod Pod(string name, bool ready = true) => new()
    {
        Metadata = new V1ObjectMeta { Name = name },
        Spec = new V1PodSpec
        {
            Containers = [new V1Container { Name = "c", Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("1"), ["memory"] = new("1") } } }],
        },
        Status = new V1PodStatus
        {
            Phase = "Running",
            StartTime = Now.AddHours(-1).UtcDateTime,
            Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False", LastTransitionTime = Now.AddHours(-1).UtcDateTime }],
        },
    };
}
