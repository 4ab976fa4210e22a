using LiteKube.Kubelet.Cgroups;
using LiteKube.Kubelet.Containerd;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Kubelet.Tests.Cgroups;

public sealed class PodCgroupsTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("lk-");

    [Fact]
    public void Pods_lie_under_their_class_in_cgroupfs_names_and_in_systemds()
    {
        Assert.Equal("/kubepods/burstable/podab-cd", Of(systemd: false, CgroupMounts.None).ParentOf("ab-cd", "Burstable"));
        Assert.Equal("/kubepods/podab-cd", Of(systemd: false, CgroupMounts.None).ParentOf("ab-cd", "Guaranteed"));
        Assert.Equal("kubepods-besteffort-podab_cd.slice", Of(systemd: true, CgroupMounts.None).ParentOf("ab-cd", "BestEffort"));
        Assert.Equal("kubepods_two-podab_cd.slice", new PodCgroups("kubepods-two", true, CgroupMounts.None, NullLogger<PodCgroups>.Instance).ParentOf("ab-cd", "Guaranteed"));
    }

    [Fact]
    public void Mounts_of_all_three_layouts_are_told_apart()
    {
        const string hybrid = """
            30 25 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
            31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw
            33 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:12 - cgroup cgroup rw,cpu,cpuacct
            34 30 0:31 / /sys/fs/cgroup/my\040memory rw,nosuid shared:13 - cgroup cgroup rw,memory
            """;
        var mounts = CgroupMounts.Parse(hybrid);
        Assert.False(mounts.IsV2);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct", mounts.ControllerDirs["cpuacct"]);
        Assert.Equal("/sys/fs/cgroup/my memory", mounts.ControllerDirs["memory"]);
        var unified = CgroupMounts.Parse("31 30 0:27 / /sys/fs/cgroup rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate\n");
        Assert.True(unified.IsV2);
        Assert.Equal(["/sys/fs/cgroup"], unified.AllDirs);
    }

    [Fact]
    public void A_pods_cgroup_of_v1_is_made_limited_and_found_again()
    {
        var cpu = _root.CreateSubdirectory("cpu").FullName;
        var cgroups = Of(systemd: false, new CgroupMounts(null, new Dictionary<string, string> { ["cpu"] = cpu }));
        // The kernel makes these files with the directory; here the test does.
        var pod = Path.Combine(cpu, "kubepods/burstable/podab-cd");
        Directory.CreateDirectory(pod);
        File.WriteAllText(Path.Combine(pod, "cpu.shares"), "1024");
        File.WriteAllText(Path.Combine(pod, "cpu.cfs_quota_us"), "-1");
        cgroups.Ensure("ab-cd", "Burstable", new CgroupLimits(204, 50_000, -1));
        Assert.Equal(("204", "50000"), (File.ReadAllText(Path.Combine(pod, "cpu.shares")), File.ReadAllText(Path.Combine(pod, "cpu.cfs_quota_us"))));
        Assert.Equal([("ab-cd", "Burstable")], cgroups.Existing());
    }

    [Fact]
    public void In_v2_each_level_hands_its_controllers_on()
    {
        foreach (var path in (string[])["", "kubepods", "kubepods/podx"])
        {
            var directory = Directory.CreateDirectory(Path.Combine(_root.FullName, path)).FullName;
            File.WriteAllText(Path.Combine(directory, "cgroup.controllers"), "cpu memory\n");
            File.WriteAllText(Path.Combine(directory, "cgroup.subtree_control"), "");
        }
        File.WriteAllText(Path.Combine(_root.FullName, "kubepods/podx/cpu.weight"), "100");
        Directory.Delete(Path.Combine(_root.FullName, "kubepods/podx"), recursive: true);
        Of(systemd: false, new CgroupMounts(_root.FullName, new Dictionary<string, string>())).Ensure("x", "Guaranteed", new CgroupLimits(2, -1, -1));
        Assert.True(Directory.Exists(Path.Combine(_root.FullName, "kubepods/podx")));
        // A plain file keeps only the last line that was written to it.
        Assert.Equal("+memory", File.ReadAllText(Path.Combine(_root.FullName, "cgroup.subtree_control")));
        Assert.Equal("+memory", File.ReadAllText(Path.Combine(_root.FullName, "kubepods/cgroup.subtree_control")));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1024, 39)]
    [InlineData(262144, 10000)]
    public void Shares_become_weights_as_runtimes_convert_them(long shares, long weight) => Assert.Equal(weight, CgroupMounts.WeightOf(shares));

    [Theory]
    [InlineData("Name:\tx\nCapEff:\t000001fffeffffff\n", false)]
    [InlineData("CapEff:\t000001ffffffffff\n", true)]
    [InlineData("", false)]
    public void Whether_OOM_scores_may_be_lowered_is_read_from_the_capabilities(string status, bool may) => Assert.Equal(may, HostCapabilities.MayLowerOomScore(status));

    public void Dispose() => _root.Delete(recursive: true);

    private static PodCgroups Of(bool systemd, CgroupMounts mounts) => new("kubepods", systemd, mounts, NullLogger<PodCgroups>.Instance);
}
