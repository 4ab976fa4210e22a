using System.Security.Cryptography;
using System.Text;
using LiteKube.Cri;
using LiteKube.Kubelet.Cgroups;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Containerd;

/// <summary>
/// Takes a node apart for <c>litekube reset</c>: pods, shims, containerd, mounts, cgroups and the kubelet's files.
/// Nothing outside this instance's directories is touched.
/// </summary>
public sealed class NodeTeardown(KubeletOptions options, TimeProvider timeProvider, ILoggerFactory loggers)
{
    private readonly NodePaths _paths = new(options);
    private readonly ILogger _logger = loggers.CreateLogger<NodeTeardown>();
    private readonly PodCgroups _cgroups = new(options.CgroupName, HostCapabilities.SystemdIsInit(), CgroupMounts.Read(), loggers.CreateLogger<PodCgroups>());

    /// <summary>Does it all, as often as needed, and looks afterwards.</summary>
    /// <returns>What is still there, a line each: "process 123 (containerd-shim-runc-v2)", "mount /x", "cgroup /y", "file /z"; empty when the node is clean.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        var supervisor = new ContainerdSupervisor(options, timeProvider, loggers.CreateLogger<ContainerdSupervisor>());
        // With containerd alive, pods end in order and the network plugin gives their addresses and ports back.
        if (Directory.Exists(_paths.RootDir))
        {
            try
            {
                await supervisor.StartAsync(cancellationToken);
                await RemovePodsAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is ContainerdException or RuntimeException)
            {
                TeardownLog.WithoutContainerd(_logger, exception.Message);
            }
        }
        await supervisor.TerminateAsync(cancellationToken);
        RemoveCniResults();
        await KillShimsAsync(cancellationToken);
        if (HostCapabilities.SystemdIsInit())
            await Systemd.StopAsync(options.CgroupName.Replace('-', '_') + ".slice", _logger, cancellationToken);
        _cgroups.RemoveAll();
        UnmountAll();
        foreach (var directory in Directories())
            DeleteTree(directory);
        RemoveEmpty(NodePaths.ShimSocketDir);
        RemoveEmpty(NodePaths.CniResultsDir);
        return Remaining();
    }

    /// <summary>What of this instance is on the machine now.</summary>
    public IReadOnlyList<string> Remaining()
    {
        var remaining = new List<string>();
        foreach (var process in ProcessTable.All())
        {
            if (ProcessTable.IsContainerd(process, _paths.ConfigFile) || ProcessTable.IsShim(process, _paths.SocketPath))
                remaining.Add($"process {process.Pid} ({Path.GetFileName(process.Arguments[0])})");
        }
        remaining.AddRange(Mounts().Select(m => "mount " + m));
        remaining.AddRange(_cgroups.Remaining().Select(c => "cgroup " + c));
        remaining.AddRange(Directories().Where(Directory.Exists).Select(d => "file " + d));
        return remaining;
    }

    private string[] Directories() => [_paths.ContainerdDir, _paths.RunDir, options.PodsDir, options.PodLogsDir];

    private async Task RemovePodsAsync(CancellationToken cancellationToken)
    {
        using var channel = new RuntimeChannel(_paths.SocketPath);
        var runtime = new CriRuntime(channel, timeProvider);
        var sandboxes = await runtime.ListPodSandboxesAsync(null, cancellationToken);
        using var parallel = new SemaphoreSlim(8);
        await Task.WhenAll(sandboxes.Select(async sandbox =>
        {
            await parallel.WaitAsync(cancellationToken);
            try
            {
                // Stopping a sandbox kills its containers.
                await runtime.StopPodSandboxAsync(sandbox.Id, cancellationToken);
                await runtime.RemovePodSandboxAsync(sandbox.Id, cancellationToken);
            }
            catch (RuntimeException exception)
            {
                TeardownLog.SandboxNotRemoved(_logger, sandbox.Id, exception.Message);
            }
            finally
            {
                parallel.Release();
            }
        }));
    }

    private async Task KillShimsAsync(CancellationToken cancellationToken)
    {
        var shims = ProcessTable.All().Where(p => ProcessTable.IsShim(p, _paths.SocketPath)).ToList();
        foreach (var shim in shims)
        {
            _ = Native.Kill(shim.Pid, Native.SigKill);
            if (ProcessTable.Argument(shim, "-id") is { } id)
                File.Delete(ShimSocket(id));
        }
        var since = timeProvider.GetTimestamp();
        while (shims.Exists(ProcessTable.IsAlive) && timeProvider.GetElapsedTime(since) < TimeSpan.FromSeconds(5))
            await Task.Delay(TimeSpan.FromMilliseconds(10), timeProvider, cancellationToken);
    }

    private string ShimSocket(string id)
    {
        var name = Path.Combine(_paths.SocketPath, RuntimeChannel.ContainerdNamespace, id);
        return Path.Combine(NodePaths.ShimSocketDir, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))));
    }

    /// <summary>Those of sandboxes that could not be removed in order, by their ids; the directory is shared.</summary>
    private void RemoveCniResults()
    {
        var tasks = Path.Combine(_paths.StateDir, "io.containerd.runtime.v2.task", RuntimeChannel.ContainerdNamespace);
        if (!Directory.Exists(tasks) || !Directory.Exists(NodePaths.CniResultsDir))
            return;
        foreach (var id in Directory.EnumerateDirectories(tasks).Select(d => Path.GetFileName(d)))
        {
            foreach (var file in Directory.EnumerateFiles(NodePaths.CniResultsDir, $"*-{id}-*"))
                File.Delete(file);
        }
    }

    /// <summary>Removes a directory that others may share, and the one above it, unless something is in it; whoever needs it makes it anew.</summary>
    private static void RemoveEmpty(string directory)
    {
        foreach (var path in (string[])[directory, Path.GetDirectoryName(directory)!])
        {
            if (!Directory.Exists(path) || Directory.EnumerateFileSystemEntries(path).Any())
                return;
            Directory.Delete(path);
        }
    }

    private void UnmountAll()
    {
        // Mounts may hide others below them: look again until none is left or nothing moves.
        for (var before = int.MaxValue; ;)
        {
            var mounts = Mounts();
            if (mounts.Count == 0 || mounts.Count >= before)
                return;
            before = mounts.Count;
            foreach (var mount in mounts)
            {
                if (Native.Unmount(mount) != 0)
                    TeardownLog.NotUnmounted(_logger, mount, System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage());
            }
        }
    }

    /// <summary>Ours, deepest first.</summary>
    private List<string> Mounts()
    {
        var roots = Directories().Select(d => d.TrimEnd('/') + "/").ToList();
        return [.. File.ReadLines("/proc/self/mountinfo")
            .Select(line => CgroupMounts.Unescape(line.Split(' ')[4]))
            .Where(mount => roots.Exists(root => (mount + "/").StartsWith(root, StringComparison.Ordinal)))
            .OrderByDescending(mount => mount.Length)];
    }

    private void DeleteTree(string directory)
    {
        if (!Directory.Exists(directory))
            return;
        if (Mounts().Exists(m => (m + "/").StartsWith(directory + "/", StringComparison.Ordinal)))
        {
            TeardownLog.StillMounted(_logger, directory);
            return; // Deleting would reach into what is mounted: a host path, another file system.
        }
        Directory.Delete(directory, recursive: true);
    }
}

internal static partial class TeardownLog
{
    [LoggerMessage(EventId = 3011, Level = LogLevel.Warning, Message = "containerd could not be started to remove its pods in order; their processes are killed instead: {Reason}")]
    public static partial void WithoutContainerd(ILogger logger, string reason);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Warning, Message = "Sandbox {Id} could not be removed in order: {Reason}")]
    public static partial void SandboxNotRemoved(ILogger logger, string id, string reason);

    [LoggerMessage(EventId = 3013, Level = LogLevel.Warning, Message = "{Path} could not be unmounted: {Reason}")]
    public static partial void NotUnmounted(ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 3014, Level = LogLevel.Error, Message = "{Path} is kept: something is still mounted in it")]
    public static partial void StillMounted(ILogger logger, string path);
}
