using System.Globalization;

namespace LiteKube.Kubelet.Containerd;

/// <summary>What this machine allows, read from /proc and /sys.</summary>
internal static class HostCapabilities
{
    private const int CapSysResource = 24;

    /// <summary>Without CAP_SYS_RESOURCE no process may get a lower OOM score than ours; runc would fail on each sandbox.</summary>
    public static bool MayLowerOomScore(string procStatus)
    {
        foreach (var line in procStatus.Split('\n'))
        {
            if (line.StartsWith("CapEff:", StringComparison.Ordinal) &&
                ulong.TryParse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var effective))
                return (effective & (1UL << CapSysResource)) != 0;
        }
        return false;
    }

    public static bool MayLowerOomScore() => MayLowerOomScore(File.ReadAllText("/proc/self/status"));

    /// <summary>systemd is PID 1 and owns the cgroup tree.</summary>
    public static bool SystemdIsInit() => Directory.Exists("/run/systemd/system") && File.ReadAllText("/proc/1/comm").Trim() == "systemd";

    /// <summary>overlayfs where the kernel can stack it on this directory's file system, else plain copies.</summary>
    public static string SnapshotterFor(string directory)
    {
        var probe = Path.Combine(directory, ".overlay-probe");
        string[] parts = ["lower", "upper", "work", "merged"];
        foreach (var part in parts)
            Directory.CreateDirectory(Path.Combine(probe, part));
        try
        {
            var data = $"lowerdir={probe}/lower,upperdir={probe}/upper,workdir={probe}/work";
            if (Native.Mount("overlay", Path.Combine(probe, "merged"), "overlay", 0, data) != 0)
                return "native";
            Native.Unmount(Path.Combine(probe, "merged"));
            return "overlayfs";
        }
        finally
        {
            Directory.Delete(probe, recursive: true);
        }
    }
}
