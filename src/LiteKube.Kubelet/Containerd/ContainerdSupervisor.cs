using System.Diagnostics;
using System.Globalization;
using LiteKube.Client;
using LiteKube.Cri;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Containerd;

/// <summary>
/// Keeps one containerd of our own running, in a session of its own so that it and its pods outlive this process:
/// one that still runs from before is adopted, one that dies is started again.
/// </summary>
public sealed class ContainerdSupervisor : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(30);

    private readonly KubeletOptions _options;
    private readonly NodePaths _paths;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly RuntimeChannel _channel;
    private readonly CancellationTokenSource _stopping = new();
    private ProcessEntry? _process;
    private bool _disposed;
    private Task _watching = Task.CompletedTask;
    private volatile string? _problem = "containerd is starting";

    public ContainerdSupervisor(KubeletOptions options, TimeProvider timeProvider, ILogger<ContainerdSupervisor> logger)
    {
        _options = options;
        _paths = new NodePaths(options);
        _timeProvider = timeProvider;
        _logger = logger;
        _channel = new RuntimeChannel(_paths.SocketPath);
    }

    /// <summary>containerd was started again after it died.</summary>
    public event Action? Restarted;

    public ComponentHealth Health => _problem is { } problem ? ComponentHealth.NotReady(problem) : ComponentHealth.Ready;

    /// <summary>Process id of the containerd that runs, 0 when none does.</summary>
    public int ProcessId => _process?.Pid ?? 0;

    /// <summary>Returns when containerd accepts connections.</summary>
    /// <exception cref="ContainerdException">It is not installed, or does not come up; the message says what to do.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var changed = WriteConfig();
        _process = FindRunning();
        if (_process is { } running && (changed || !await AcceptsAsync(cancellationToken)))
        {
            ContainerdLog.Replacing(_logger, running.Pid, changed ? "its configuration changed" : "it does not answer");
            await EndAsync(running, cancellationToken);
            _process = null;
        }
        if (_process is { } adopted)
            ContainerdLog.Adopted(_logger, adopted.Pid);
        else
            await LaunchAsync(cancellationToken);
        _problem = null;
        _watching = WatchAsync(_stopping.Token);
    }

    /// <summary>Stops watching; containerd and its pods stay.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _stopping.CancelAsync();
        await _watching;
        _stopping.Dispose();
        _channel.Dispose();
    }

    /// <summary>Stops watching and ends containerd. Pods go on: their shims do not need it.</summary>
    public async Task TerminateAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        if (FindRunning() is { } running)
            await EndAsync(running, cancellationToken);
        _process = null;
    }

    private bool WriteConfig()
    {
        if (_paths.SocketPath.Length > 100)
            throw new ContainerdException($"the path {_paths.SocketPath} is too long for a Unix socket (100 characters): choose a shorter run directory with --run-dir");
        foreach (var directory in (string[])[_paths.RootDir, _paths.StateDir, _paths.RuncRootDir, _paths.RegistryConfigDir, _options.CniConfDir, _options.CniBinDir, Path.GetDirectoryName(_paths.LogFile)!])
            Directory.CreateDirectory(directory);

        var text = new ContainerdConfig
        {
            RootDir = _paths.RootDir,
            StateDir = _paths.StateDir,
            SocketPath = _paths.SocketPath,
            RuncPath = FindProgram(_options.RuncPath) ?? throw Missing("runc", _options.RuncPath),
            RuncRootDir = _paths.RuncRootDir,
            CniBinDir = _options.CniBinDir,
            CniConfDir = _options.CniConfDir,
            RegistryConfigDir = _paths.RegistryConfigDir,
            PauseImage = _options.PauseImage,
            Snapshotter = ChooseSnapshotter(),
            SystemdCgroup = HostCapabilities.SystemdIsInit(),
            RestrictOomScoreAdj = !HostCapabilities.MayLowerOomScore(),
        }.ToToml();
        if (File.Exists(_paths.ConfigFile) && File.ReadAllText(_paths.ConfigFile) == text)
            return false;
        File.WriteAllText(_paths.ConfigFile, text);
        return true;
    }

    /// <summary>A data directory keeps the snapshotter it began with: images and containers live in it.</summary>
    private string ChooseSnapshotter()
    {
        if (Directory.Exists(Path.Combine(_paths.RootDir, "io.containerd.snapshotter.v1.overlayfs", "snapshots")))
            return "overlayfs";
        return HostCapabilities.SnapshotterFor(_paths.ContainerdDir);
    }

    private ProcessEntry? FindRunning()
    {
        if (File.Exists(_paths.PidFile))
        {
            var parts = File.ReadAllText(_paths.PidFile).Split(' ', StringSplitOptions.TrimEntries);
            if (parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid) &&
                ProcessTable.Find(pid) is { } process && process.StartTicks.ToString(CultureInfo.InvariantCulture) == parts[1] &&
                ProcessTable.IsContainerd(process, _paths.ConfigFile))
                return process;
        }
        return ProcessTable.All().FirstOrDefault(p => ProcessTable.IsContainerd(p, _paths.ConfigFile));
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        var program = FindProgram(_options.ContainerdPath) ?? throw Missing("containerd", _options.ContainerdPath);
        KeepLogSmall();
        File.Delete(_paths.SocketPath);

        // A pipe would break, and kill containerd at its next line, when this process ends: the shell opens the log
        // file and becomes containerd, in a session that no terminal's hangup reaches.
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "exec setsid \"$0\" --config \"$1\" >>\"$2\" 2>&1 </dev/null", program, _paths.ConfigFile, _paths.LogFile },
            UseShellExecute = false,
        };
        // With these systemd would take containerd's word for ours.
        start.Environment.Remove("NOTIFY_SOCKET");
        start.Environment.Remove("LISTEN_FDS");
        start.Environment.Remove("LISTEN_PID");
        start.Environment.Remove("WATCHDOG_USEC");
        start.Environment["PATH"] = $"{Path.GetDirectoryName(program)}:{System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin"}";
        using var child = Process.Start(start) ?? throw new ContainerdException("/bin/sh could not be started");

        var deadline = _timeProvider.GetTimestamp();
        while (!await AcceptsAsync(cancellationToken))
        {
            if (child.HasExited)
                throw new ContainerdException($"containerd ended with code {child.ExitCode} at its start: see {_paths.LogFile}{LastLogLine()}");
            if (_timeProvider.GetElapsedTime(deadline) > StartTimeout)
                throw new ContainerdException($"containerd did not open {_paths.SocketPath} within {StartTimeout.TotalSeconds:0} s: see {_paths.LogFile}{LastLogLine()}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), _timeProvider, cancellationToken);
        }
        _process = ProcessTable.Find(child.Id) ?? throw new ContainerdException($"containerd ended right after its start: see {_paths.LogFile}");
        await File.WriteAllTextAsync(_paths.PidFile, string.Create(CultureInfo.InvariantCulture, $"{_process.Pid} {_process.StartTicks}\n"), cancellationToken);
        ContainerdLog.Launched(_logger, _process.Pid, _timeProvider.GetElapsedTime(deadline));
    }

    /// <summary>The socket is open before the CRI plugin is ready in containerd 2, so CRI itself is asked.</summary>
    private async Task<bool> AcceptsAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(_paths.SocketPath))
            return false;
        try
        {
            await new CriRuntime(_channel, _timeProvider).VersionAsync(cancellationToken);
            return true;
        }
        catch (RuntimeException exception) when (exception.Error == RuntimeError.Unimplemented)
        {
            throw new ContainerdException($"containerd's CRI plugin did not load: see {_paths.LogFile}{LastLogLine()}");
        }
        catch (RuntimeException)
        {
            return false;
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var backoff = TimeSpan.FromMilliseconds(100);
        using var timer = new PeriodicTimer(WatchInterval, _timeProvider);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (_process is { } process && ProcessTable.IsAlive(process))
                {
                    backoff = TimeSpan.FromMilliseconds(100);
                    continue;
                }
                try
                {
                    if (_problem is null)
                        ContainerdLog.Died(_logger, _process?.Pid ?? 0);
                    _problem = $"containerd ended and is started again; its log is {_paths.LogFile}";
                    await LaunchAsync(cancellationToken);
                    _problem = null;
                    Restarted?.Invoke();
                }
                catch (ContainerdException exception)
                {
                    _problem = exception.Message;
                    ContainerdLog.LaunchFailed(_logger, exception, backoff);
                    await Task.Delay(backoff, _timeProvider, cancellationToken);
                    backoff = backoff * 2 < LongestBackoff ? backoff * 2 : LongestBackoff;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            ContainerdLog.StoppedWatching(_logger);
        }
    }

    private async Task EndAsync(ProcessEntry process, CancellationToken cancellationToken)
    {
        _ = Native.Kill(process.Pid, Native.SigTerm);
        var since = _timeProvider.GetTimestamp();
        var killed = false;
        while (ProcessTable.IsAlive(process))
        {
            var waited = _timeProvider.GetElapsedTime(since);
            if (!killed && waited > TimeSpan.FromSeconds(5))
            {
                _ = Native.Kill(process.Pid, Native.SigKill);
                killed = true;
            }
            if (waited > TimeSpan.FromSeconds(15))
                throw new ContainerdException($"containerd (process {process.Pid}) does not end, even when killed");
            await Task.Delay(TimeSpan.FromMilliseconds(10), _timeProvider, cancellationToken);
        }
        File.Delete(_paths.PidFile);
    }

    private void KeepLogSmall()
    {
        if (File.Exists(_paths.LogFile) && new FileInfo(_paths.LogFile).Length > _options.ContainerLogMaxSizeBytes)
            File.Move(_paths.LogFile, _paths.LogFile + ".1", overwrite: true);
    }

    private string LastLogLine()
    {
        var line = File.Exists(_paths.LogFile) ? File.ReadLines(_paths.LogFile).LastOrDefault() : null;
        return line is null ? "" : $" (last line: {line})";
    }

    private static string? FindProgram(string nameOrPath)
    {
        if (nameOrPath.Contains('/', StringComparison.Ordinal))
            return File.Exists(nameOrPath) ? nameOrPath : null;
        var path = System.Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(':').Concat(["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"])
            .Where(d => d.Length > 0).Select(d => Path.Combine(d, nameOrPath)).FirstOrDefault(File.Exists);
    }

    private static ContainerdException Missing(string program, string configured) =>
        new($"{program} is not there ({configured}): install it with `apt install containerd runc`, or name its path in the configuration");
}

/// <summary>containerd cannot serve; the message says why and what to do.</summary>
public sealed class ContainerdException(string message) : Exception(message);

internal static partial class ContainerdLog
{
    [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "containerd runs (process {Pid}) after {Elapsed}")]
    public static partial void Launched(ILogger logger, int pid, TimeSpan elapsed);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Information, Message = "containerd (process {Pid}) from before is taken over")]
    public static partial void Adopted(ILogger logger, int pid);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Information, Message = "containerd (process {Pid}) is replaced: {Reason}")]
    public static partial void Replacing(ILogger logger, int pid, string reason);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Warning, Message = "containerd (process {Pid}) ended; pods go on while it is started again")]
    public static partial void Died(ILogger logger, int pid);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Error, Message = "containerd could not be started; next try in {Delay}")]
    public static partial void LaunchFailed(ILogger logger, Exception exception, TimeSpan delay);

    [LoggerMessage(EventId = 3006, Level = LogLevel.Debug, Message = "containerd is no longer watched")]
    public static partial void StoppedWatching(ILogger logger);
}
