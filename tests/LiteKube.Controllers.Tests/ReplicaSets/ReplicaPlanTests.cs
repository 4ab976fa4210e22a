using k8s.Models;
using LiteKube.Controllers.ReplicaSets;

namespace LiteKube.Controllers.Tests.ReplicaSets;

public sealed class ReplicaPlanTests
{
    private static readonly DateTimeOffset Now = new(Build.Epoch.AddHours(10));

    [Theory]
    [InlineData(0, 3, 3, 0)]
    [InlineData(3, 3, 0, 0)]
    [InlineData(5, 3, 0, 2)]
    [InlineData(2, 0, 0, 2)]
    [InlineData(0, 2000, 500, 0)]
    [InlineData(1200, 0, 0, 500)]
    public void It_creates_what_lacks_and_deletes_what_is_too_much_in_bounded_steps(int have, int desired, int create, int delete)
    {
        var plan = Plan(desired, Enumerable.Range(0, have).Select(i => Build.Pod($"p{i}")));
        Assert.Equal((create, delete), (plan.Create, plan.Delete.Count));
    }

    [Fact]
    public void Pods_that_are_missed_least_go_first()
    {
        var cheap = Build.Pod("4-cheap");
        cheap.Metadata.Annotations = new Dictionary<string, string> { ["controller.kubernetes.io/pod-deletion-cost"] = "-10" };
        var crowded = new[] { Build.Pod("5-crowded", node: "node-2"), Build.Pod("6-crowded", node: "node-2") };
        var young = Build.Pod("7-newly-ready", node: "node-3");
        young.Status.Conditions[0].LastTransitionTime = Now.UtcDateTime.AddMinutes(-1);
        var restarted = Build.Pod("8-restarted", node: "node-4");
        restarted.Status.ContainerStatuses = [new V1ContainerStatus { RestartCount = 7 }];
        var pods = new[]
        {
            Build.Pod("9-best", node: "node-5"), restarted, young, crowded[1], crowded[0], cheap, Build.Pod("3-unready", ready: false),
            Build.Pod("2-pending", phase: "Pending"), Build.Pod("1-unassigned", node: null, phase: "Pending"),
        };
        Assert.Equal(["1-unassigned", "2-pending", "3-unready", "4-cheap", "5-crowded", "6-crowded", "7-newly-ready", "8-restarted"], Plan(1, pods).Delete.Select(p => p.Metadata.Name));
    }

    private static ReplicaPlan Plan(int desired, IEnumerable<V1Pod> pods)
    {
        var owned = pods.ToList();
        return ReplicaPlan.Compute(desired, owned, owned, Now);
    }
}
