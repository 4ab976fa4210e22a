using System.Globalization;

namespace LiteKube.Kubelet.Server.Stats;

/// <summary>What the whole machine has used, from /proc.</summary>
/// <param name="CpuNanoseconds">Of all cores since boot, without idling and waiting for disks.</param>
/// <param name="WorkingSetBytes">Memory that cannot be given away.</param>
internal sealed record NodeUsage(ulong CpuNanoseconds, ulong MemoryTotalBytes, ulong MemoryAvailableBytes)
{
    // The kernel's unit for /proc/stat, the same on all machines that .NET runs on.
    private const ulong NanosecondsPerTick = 10_000_000;

    public ulong WorkingSetBytes => MemoryTotalBytes - Math.Min(MemoryAvailableBytes, MemoryTotalBytes);

    public static NodeUsage Read() => Parse(File.ReadAllText("/proc/stat"), File.ReadAllText("/proc/meminfo"));

    internal static NodeUsage Parse(string stat, string memInfo)
    {
        // cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are in user already.
        var fields = stat.Split('\n', 2)[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(f => ulong.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        ulong busy = 0;
        for (var i = 0; i < Math.Min(fields.Length, 8); i++)
            busy += i is 3 or 4 ? 0 : fields[i];
        return new NodeUsage(busy * NanosecondsPerTick, Bytes(memInfo, "MemTotal:"), Bytes(memInfo, "MemAvailable:"));
    }

    private static ulong Bytes(string memInfo, string name)
    {
        var line = memInfo.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) ?? throw new IOException($"/proc/meminfo has no {name}");
        return ulong.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
