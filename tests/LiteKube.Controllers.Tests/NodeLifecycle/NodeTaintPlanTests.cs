using k8s.Models;
using LiteKube.Controllers.NodeLifecycle;

namespace LiteKube.Controllers.Tests.NodeLifecycle;

public sealed class NodeTaintPlanTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("True", "", true, "custom:NoExecute")]
    [InlineData("False", "", true, "custom:NoExecute not-ready:NoSchedule not-ready:NoExecute")]
    [InlineData("False", "", false, "custom:NoExecute not-ready:NoSchedule")]
    [InlineData("Unknown", "", true, "custom:NoExecute unreachable:NoSchedule unreachable:NoExecute")]
    [InlineData("True", "MemoryPressure DiskPressure PIDPressure NetworkUnavailable", true, "custom:NoExecute memory-pressure:NoSchedule disk-pressure:NoSchedule pid-pressure:NoSchedule network-unavailable:NoSchedule")]
    [InlineData("True", "unschedulable", true, "custom:NoExecute unschedulable:NoSchedule")]
    public void Taints_follow_conditions_and_leave_others_alone(string ready, string bad, bool evict, string expected)
    {
        var node = Build.Node("n", ready, Build.Taint("custom", "NoExecute"));
        foreach (var type in bad.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (type == "unschedulable")
                node.Spec.Unschedulable = true;
            else
                node.Status.Conditions.Add(new V1NodeCondition { Type = type, Status = "True" });
        }
        Apply(node, evict);
        Assert.Equal(expected, Show(node));
        Assert.Null(NodeTaintPlan.Compute(node, evict, Now));

        node.Status.Conditions = [new V1NodeCondition { Type = "Ready", Status = "True" }];
        node.Spec.Unschedulable = null;
        Apply(node, evict);
        Assert.Equal("custom:NoExecute", Show(node));
    }

    [Fact]
    public void The_taint_of_a_new_node_stays_until_it_says_that_it_is_ready()
    {
        var node = Build.Node("n", null, Build.Taint("node.kubernetes.io/not-ready", "NoSchedule"));
        Assert.Null(NodeTaintPlan.Compute(node, true, Now));
        node.Status.Conditions = [new V1NodeCondition { Type = "Ready", Status = "True" }];
        Assert.Empty(NodeTaintPlan.Compute(node, true, Now)!);
    }

    private static void Apply(V1Node node, bool evict)
    {
        if (NodeTaintPlan.Compute(node, evict, Now) is { } taints)
            node.Spec.Taints = taints;
    }

    private static string Show(V1Node node) => string.Join(' ', node.Spec.Taints.Select(t => $"{t.Key.Replace("node.kubernetes.io/", "", StringComparison.Ordinal)}:{t.Effect}"));
}
