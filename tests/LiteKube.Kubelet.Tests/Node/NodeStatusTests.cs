using System.Net;
using k8s.Models;
using LiteKube.Kubelet.Node;

namespace LiteKube.Kubelet.Tests.Node;

public sealed class NodeStatusTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Resources_that_others_patched_in_stay_in_capacity_and_become_allocatable()
    {
        var before = new V1NodeStatus { Capacity = new Dictionary<string, ResourceQuantity> { ["example.com/fakecpu"] = new("1k"), ["cpu"] = new("99") } };
        var status = Builder().Build(before, Reading(), Now);
        Assert.Equal(("1k", "2"), (status.Allocatable["example.com/fakecpu"].ToString(), status.Capacity["cpu"].ToString()));
    }

    [Fact]
    public void Allocatable_leaves_memory_and_disk_to_the_node()
    {
        var status = Builder().Build(null, Reading(), Now);
        Assert.Equal(("4Gi", "3996Mi"), (status.Capacity["memory"].ToString(), status.Allocatable["memory"].ToString()));
        Assert.Equal(("100Gi", "106300440576"), (status.Capacity["ephemeral-storage"].ToString(), status.Allocatable["ephemeral-storage"].ToString()));
    }

    [Fact]
    public void Conditions_say_what_is_wrong_keep_their_times_and_leave_foreign_ones_alone()
    {
        var earlier = Now.AddHours(-1).UtcDateTime;
        var before = new V1NodeStatus
        {
            Conditions = [new V1NodeCondition { Type = "NetworkUnavailable", Status = "False" }, new V1NodeCondition { Type = "MemoryPressure", Status = "False", LastTransitionTime = earlier }],
        };
        var status = Builder().Build(before, Reading() with { NotReadyReason = "container runtime is down: gone", DiskAvailableBytes = 5 }, Now);
        V1NodeCondition Of(string type) => status.Conditions.Single(c => c.Type == type);
        Assert.Equal(("False", "KubeletNotReady", "container runtime is down: gone"), (Of("Ready").Status, Of("Ready").Reason, Of("Ready").Message));
        Assert.Equal(("True", "KubeletHasDiskPressure"), (Of("DiskPressure").Status, Of("DiskPressure").Reason));
        Assert.Equal(earlier, Of("MemoryPressure").LastTransitionTime);
        Assert.Equal("False", Of("NetworkUnavailable").Status);
    }

    private static NodeStatusBuilder Builder() => new(
        new KubeletOptions { NodeName = "n", DataDir = "/d", RunDir = "/r", NodeIps = [IPAddress.Loopback], CniBinDir = "/c", CniConfDir = "/c" },
        new MachineInfo { Cores = 2, MemoryBytes = 4L << 30, MachineId = "m", SystemUuid = "s", BootId = "b", KernelVersion = "6", OsImage = "Linux" });

    private static NodeReading Reading() => new(null, "containerd://1.6.0", 10250, 100L << 30, 50L << 30, 2L << 30, 10_000, []);
}
