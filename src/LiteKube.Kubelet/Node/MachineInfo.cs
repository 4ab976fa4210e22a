using System.Globalization;

namespace LiteKube.Kubelet.Node;

/// <summary>What this machine is: read once, since none of it changes while it is up.</summary>
internal sealed record MachineInfo
{
    public required int Cores { get; init; }
    public required long MemoryBytes { get; init; }
    public required string MachineId { get; init; }
    public required string SystemUuid { get; init; }
    public required string BootId { get; init; }
    public required string KernelVersion { get; init; }
    public required string OsImage { get; init; }

    public static MachineInfo Read()
    {
        var machineId = FirstLine("/etc/machine-id") ?? FirstLine("/var/lib/dbus/machine-id") ?? "";
        return new MachineInfo
        {
            Cores = System.Environment.ProcessorCount,
            MemoryBytes = MemoryKilobytes("MemTotal") * 1024,
            MachineId = machineId,
            SystemUuid = FirstLine("/sys/class/dmi/id/product_uuid") ?? machineId,
            BootId = FirstLine("/proc/sys/kernel/random/boot_id") ?? "",
            KernelVersion = FirstLine("/proc/sys/kernel/osrelease") ?? "",
            OsImage = OsRelease(),
        };
    }

    /// <summary>MemTotal, MemAvailable, ...; 0 when the kernel does not tell.</summary>
    public static long MemoryKilobytes(string name)
    {
        foreach (var line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith(name + ":", StringComparison.Ordinal))
                return long.Parse(line[(name.Length + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        }
        return 0;
    }

    private static string? FirstLine(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadLines(path).FirstOrDefault() is { Length: > 0 } line ? line.Trim() : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // Some machines keep their serial numbers to themselves.
        }
    }

    private static string OsRelease()
    {
        const string key = "PRETTY_NAME=";
        return File.Exists("/etc/os-release") && File.ReadLines("/etc/os-release").FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal)) is { } line
            ? line[key.Length..].Trim('"') : "Linux";
    }
}
