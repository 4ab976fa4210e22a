using LiteKube.Kubelet.Containerd;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Cgroups;

/// <param name="CpuShares">Relative weight: 1024 a core.</param>
/// <param name="CpuQuotaMicroseconds">Of each 100 ms; -1 for no limit.</param>
/// <param name="MemoryLimitBytes">-1 for no limit.</param>
public sealed record CgroupLimits(long CpuShares, long CpuQuotaMicroseconds, long MemoryLimitBytes);

/// <summary>
/// The tree of pod cgroups, <c>kubepods/{burstable,besteffort}/podUID</c> (guaranteed pods right under the top), in
/// cgroupfs' or systemd's names (https://kubernetes.io/docs/concepts/architecture/cgroups/).
/// </summary>
public sealed class PodCgroups(string topName, bool systemdDriver, CgroupMounts mounts, ILogger<PodCgroups> logger)
{
    private const int QuotaPeriodMicroseconds = 100_000;
    private static readonly string[] LimitedControllers = ["cpu", "memory", "pids"];

    /// <summary>What CRI calls cgroup_parent: "/kubepods/burstable/podUID" or "kubepods-burstable-podUID.slice".</summary>
    public string ParentOf(string podUid, string qosClass)
    {
        var parts = Parts(podUid, qosClass);
        return systemdDriver ? SliceName(parts) : "/" + string.Join('/', parts);
    }

    /// <summary>Creates the pod's cgroup with its limits, so that not even the first process runs without them.</summary>
    public void Ensure(string podUid, string qosClass, CgroupLimits limits)
    {
        // systemd makes its slices itself when the runtime asks for a scope in them; limits are set once it has.
        var relative = RelativePath(Parts(podUid, qosClass));
        foreach (var directory in mounts.IsV2 ? [mounts.UnifiedDir!] : LimitedControllers.Select(c => mounts.ControllerDirs.GetValueOrDefault(c)).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            var path = Path.Combine(directory, relative);
            if (!systemdDriver && !Directory.Exists(path))
                CreateWithControllers(directory, relative);
        }
        SetLimits(relative, limits);
    }

    /// <summary>Weights of the two classes under the top, which share what guaranteed pods leave.</summary>
    public void SetClassShares(long burstableShares)
    {
        foreach (var (qosClass, shares) in ((string, long)[])[("Burstable", Math.Max(2, burstableShares)), ("BestEffort", 2)])
        {
            var parts = ClassParts(qosClass);
            var relative = RelativePath(parts);
            if (!systemdDriver)
            {
                foreach (var directory in mounts.IsV2 ? [mounts.UnifiedDir!] : new[] { mounts.ControllerDirs.GetValueOrDefault("cpu") }.OfType<string>())
                    CreateWithControllers(directory, relative);
            }
            SetShares(relative, shares);
        }
    }

    /// <summary>systemd made the pod's slice together with the sandbox: now it can be limited.</summary>
    public void SandboxStarted(string podUid, string qosClass, CgroupLimits limits)
    {
        if (systemdDriver)
            SetLimits(RelativePath(Parts(podUid, qosClass)), limits);
    }

    /// <summary>Removes the pod's cgroup with what is left in it; processes still there are killed.</summary>
    public async Task RemoveAsync(string podUid, string qosClass, CancellationToken cancellationToken)
    {
        var parts = Parts(podUid, qosClass);
        if (systemdDriver)
            await Systemd.StopAsync(SliceName(parts), logger, cancellationToken);
        RemoveTree(RelativePath(parts));
    }

    /// <summary>Pods that have a cgroup, by uid: what a crash may have left.</summary>
    public IReadOnlyList<(string PodUid, string QosClass)> Existing()
    {
        var found = new HashSet<(string, string)>();
        foreach (var qosClass in (string[])["Guaranteed", "Burstable", "BestEffort"])
        {
            foreach (var root in mounts.AllDirs)
            {
                var directory = Path.Combine(root, RelativePath(ClassParts(qosClass)));
                if (!Directory.Exists(directory))
                    continue;
                foreach (var child in Directory.EnumerateDirectories(directory).Select(d => Path.GetFileName(d)!))
                {
                    if (UidOf(child) is { } uid)
                        found.Add((uid, qosClass));
                }
            }
        }
        return [.. found];
    }

    /// <summary>The whole tree: for the reset of a node.</summary>
    public void RemoveAll() => RemoveTree(RelativePath([topName]));

    /// <summary>What is left of the tree, as paths.</summary>
    public IReadOnlyList<string> Remaining() =>
        [.. mounts.AllDirs.Select(d => Path.Combine(d, RelativePath([topName]))).Where(Directory.Exists)];

    private void RemoveTree(string relative)
    {
        foreach (var root in mounts.AllDirs)
        {
            var directory = Path.Combine(root, relative);
            if (!Directory.Exists(directory))
                continue;
            foreach (var child in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories).OrderByDescending(d => d.Length).Append(directory).ToList())
            {
                KillProcesses(child);
                RemoveDirectory(child);
            }
        }
    }

    private void KillProcesses(string directory)
    {
        try
        {
            foreach (var line in File.ReadLines(Path.Combine(directory, "cgroup.procs")))
            {
                if (int.TryParse(line, out var pid) && pid > 0)
                    _ = Native.Kill(pid, Native.SigKill);
            }
        }
        catch (IOException exception)
        {
            CgroupLog.NotRead(logger, directory, exception.Message); // Threaded or just gone: rmdir will tell.
        }
    }

    /// <summary>The kernel refuses while a killed process is still leaving: a few tries, then it is told.</summary>
    private void RemoveDirectory(string directory)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                Directory.Delete(directory);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException exception)
            {
                if (attempt == 50)
                {
                    CgroupLog.NotRemoved(logger, directory, exception.Message);
                    return;
                }
                Thread.Yield();
                Thread.SpinWait(20_000 << Math.Min(attempt / 10, 4));
            }
        }
    }

    private void SetLimits(string relative, CgroupLimits limits)
    {
        SetShares(relative, limits.CpuShares);
        if (mounts.IsV2)
        {
            Write(mounts.UnifiedDir!, relative, "cpu.max", limits.CpuQuotaMicroseconds > 0 ? $"{limits.CpuQuotaMicroseconds} {QuotaPeriodMicroseconds}" : $"max {QuotaPeriodMicroseconds}");
            Write(mounts.UnifiedDir!, relative, "memory.max", limits.MemoryLimitBytes > 0 ? CgroupMounts.Text(limits.MemoryLimitBytes) : "max");
            return;
        }
        Write(mounts.ControllerDirs.GetValueOrDefault("cpu"), relative, "cpu.cfs_quota_us", CgroupMounts.Text(limits.CpuQuotaMicroseconds > 0 ? limits.CpuQuotaMicroseconds : -1));
        Write(mounts.ControllerDirs.GetValueOrDefault("memory"), relative, "memory.limit_in_bytes", CgroupMounts.Text(limits.MemoryLimitBytes > 0 ? limits.MemoryLimitBytes : -1));
    }

    private void SetShares(string relative, long shares)
    {
        if (mounts.IsV2)
            Write(mounts.UnifiedDir!, relative, "cpu.weight", CgroupMounts.Text(CgroupMounts.WeightOf(shares)));
        else
            Write(mounts.ControllerDirs.GetValueOrDefault("cpu"), relative, "cpu.shares", CgroupMounts.Text(Math.Max(2, shares)));
    }

    private void Write(string? root, string relative, string file, string value)
    {
        if (root is null)
            return;
        var path = Path.Combine(root, relative, file);
        if (!File.Exists(path))
            return; // The kernel was built without it, or systemd has yet to make the slice.
        try
        {
            File.WriteAllText(path, value);
        }
        catch (IOException exception)
        {
            CgroupLog.NotWritten(logger, path, value, exception.Message);
        }
    }

    /// <summary>In v2 a child has a controller only when each of its ancestors hands it on.</summary>
    private void CreateWithControllers(string root, string relative)
    {
        var path = root;
        foreach (var part in relative.Split('/'))
        {
            if (mounts.IsV2)
                HandOn(path);
            path = Path.Combine(path, part);
            Directory.CreateDirectory(path);
        }
    }

    private void HandOn(string directory)
    {
        var available = File.ReadAllText(Path.Combine(directory, "cgroup.controllers")).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var enabled = File.ReadAllText(Path.Combine(directory, "cgroup.subtree_control")).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        foreach (var controller in available.Except(enabled, StringComparer.Ordinal))
        {
            try
            {
                File.WriteAllText(Path.Combine(directory, "cgroup.subtree_control"), "+" + controller);
            }
            catch (IOException exception)
            {
                CgroupLog.NotWritten(logger, directory + "/cgroup.subtree_control", "+" + controller, exception.Message);
            }
        }
    }

    private string[] ClassParts(string qosClass) => qosClass == "Guaranteed" ? [topName] : [topName, qosClass.ToLowerInvariant()];

    private string[] Parts(string podUid, string qosClass) => [.. ClassParts(qosClass), "pod" + podUid];

    private string RelativePath(string[] parts)
    {
        if (!systemdDriver)
            return string.Join('/', parts);
        // Each slice lies in the slice that its name begins with.
        return string.Join('/', Enumerable.Range(1, parts.Length).Select(n => SliceName(parts[..n])));
    }

    /// <summary>A dash in a slice's name means nesting, so dashes within a part become underscores.</summary>
    private static string SliceName(string[] parts) => string.Join('-', parts.Select(p => p.Replace('-', '_'))) + ".slice";

    private string? UidOf(string directoryName)
    {
        if (!systemdDriver)
            return directoryName.StartsWith("pod", StringComparison.Ordinal) ? directoryName["pod".Length..] : null;
        var start = directoryName.LastIndexOf("-pod", StringComparison.Ordinal);
        return start >= 0 && directoryName.EndsWith(".slice", StringComparison.Ordinal)
            ? directoryName[(start + "-pod".Length)..^".slice".Length].Replace('_', '-') : null;
    }
}

internal static partial class CgroupLog
{
    [LoggerMessage(EventId = 3021, Level = LogLevel.Debug, Message = "Processes of cgroup {Path} could not be read: {Reason}")]
    public static partial void NotRead(ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 3022, Level = LogLevel.Warning, Message = "Cgroup {Path} could not be removed: {Reason}")]
    public static partial void NotRemoved(ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 3023, Level = LogLevel.Warning, Message = "{Path} did not take {Value}: {Reason}")]
    public static partial void NotWritten(ILogger logger, string path, string value, string reason);
}
