using System.Globalization;
using System.Text;

namespace LiteKube.Kubelet.Containerd;

/// <param name="StartTicks">Clock ticks after boot: with the pid it names a process for good.</param>
internal sealed record ProcessEntry(int Pid, ulong StartTicks, IReadOnlyList<string> Arguments);

/// <summary>/proc, read for the processes that belong to this instance.</summary>
internal static class ProcessTable
{
    /// <summary>Null when there is no such process, or it has ended and only waits to be reaped.</summary>
    public static ProcessEntry? Find(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The command may hold spaces and parentheses; the fields begin after the last one.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            if (fields[0] is "Z" or "X")
                return null;
            var arguments = Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/cmdline")).Split('\0', StringSplitOptions.RemoveEmptyEntries);
            return new ProcessEntry(pid, ulong.Parse(fields[19], CultureInfo.InvariantCulture), arguments);
        }
        catch (IOException)
        {
            return null; // It ended between two reads.
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static bool IsAlive(ProcessEntry process) => Find(process.Pid)?.StartTicks == process.StartTicks;

    public static IEnumerable<ProcessEntry> All()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Find(pid) is { } entry)
                yield return entry;
        }
    }

    /// <summary>Our containerd: the program of that name run with our configuration file.</summary>
    public static bool IsContainerd(ProcessEntry process, string configFile) =>
        process.Arguments.Count > 0 && Path.GetFileName(process.Arguments[0]) == "containerd" && process.Arguments.Contains(configFile, StringComparer.Ordinal);

    /// <summary>A shim that serves our containerd's socket; it holds a sandbox's processes.</summary>
    public static bool IsShim(ProcessEntry process, string socketPath) =>
        process.Arguments.Count > 0 && Path.GetFileName(process.Arguments[0]).StartsWith("containerd-shim", StringComparison.Ordinal) &&
        process.Arguments.Contains(socketPath, StringComparer.Ordinal);

    /// <summary>The value after a flag: the shim's <c>-id</c>.</summary>
    public static string? Argument(ProcessEntry process, string flag)
    {
        for (var i = 0; i + 1 < process.Arguments.Count; i++)
        {
            if (process.Arguments[i] == flag)
                return process.Arguments[i + 1];
        }
        return null;
    }
}
