using System.Globalization;

namespace LiteKube.Kubelet.Cgroups;

/// <summary>
/// Where this machine's cgroup hierarchies are mounted: one per controller (v1), those and an empty unified one
/// (hybrid), or the unified one alone (v2).
/// </summary>
/// <param name="UnifiedDir">Of the v2 hierarchy; null on a pure v1 machine.</param>
/// <param name="ControllerDirs">v1 controllers by name: cpu, memory, pids, ... and "name=systemd".</param>
public sealed record CgroupMounts(string? UnifiedDir, IReadOnlyDictionary<string, string> ControllerDirs)
{
    /// <summary>No hierarchy at all: nothing is created, limited or removed.</summary>
    public static CgroupMounts None { get; } = new(null, new Dictionary<string, string>());

    /// <summary>Every controller is in the unified hierarchy.</summary>
    public bool IsV2 => !ControllerDirs.ContainsKey("cpu") && !ControllerDirs.ContainsKey("memory") && UnifiedDir is not null;

    public IEnumerable<string> AllDirs => ControllerDirs.Values.Concat(UnifiedDir is null ? [] : [UnifiedDir]).Distinct(StringComparer.Ordinal);

    public static CgroupMounts Read() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    /// <param name="mountInfo">As /proc/self/mountinfo has it (proc_pid_mountinfo(5)).</param>
    internal static CgroupMounts Parse(string mountInfo)
    {
        string? unified = null;
        var controllers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var halves = line.Split(" - ", 2);
            var left = halves[0].Split(' ');
            var right = halves.Length == 2 ? halves[1].Split(' ') : [];
            if (left.Length < 5 || right.Length < 3)
                continue;
            var directory = Unescape(left[4]);
            if (right[0] == "cgroup2")
            {
                unified ??= directory;
            }
            else if (right[0] == "cgroup")
            {
                foreach (var option in right[2].Split(','))
                {
                    if (option is not ("rw" or "ro" or "xattr"))
                        controllers.TryAdd(option, directory);
                }
            }
        }
        return new CgroupMounts(unified, controllers);
    }

    /// <summary>mountinfo writes a space as \040.</summary>
    internal static string Unescape(string path)
    {
        if (!path.Contains('\\', StringComparison.Ordinal))
            return path;
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '\\' && i + 3 < path.Length)
            {
                text.Append((char)((path[i + 1] - '0') * 64 + (path[i + 2] - '0') * 8 + (path[i + 3] - '0')));
                i += 3;
            }
            else
            {
                text.Append(path[i]);
            }
        }
        return text.ToString();
    }

    /// <summary>cpu.shares (2..262144) as the weight of v2 (1..10000), as runtimes convert it.</summary>
    public static long WeightOf(long shares) => shares <= 2 ? 1 : Math.Min(10000, 1 + (Math.Min(shares, 262144) - 2) * 9999 / 262142);

    internal static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
