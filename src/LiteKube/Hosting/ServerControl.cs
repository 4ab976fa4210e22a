using System.Diagnostics;
using System.Runtime.InteropServices;
using LiteKube.Commands;
using LiteKube.Configuration;

namespace LiteKube.Hosting;

/// <summary>Starts, asks and stops an instance's server from another process.</summary>
internal static partial class ServerControl
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Starts the server in the background and returns once it answers on its control socket.</summary>
    public static async Task StartAsync(InstanceConfig config, IReadOnlyList<string> forwardedOptions, CancellationToken cancellationToken)
    {
        RequireRoot("start");
        InstanceDirectories.Prepare(config);
        var log = StartLog(config);
        File.Delete(log);
        if (SystemdUnit.Governs(config))
        {
            await SystemdUnit.ControlAsync("start", cancellationToken);
            return;
        }

        using var starter = ServerProcess.Start(config, forwardedOptions);
        await starter.WaitForExitAsync(cancellationToken);
        var started = Stopwatch.StartNew();
        while (await ControlSocket.AskAsync(config.ControlSocket, "status", cancellationToken) is null)
        {
            // No event crosses from a process that is not there yet; this wait is short and bounded.
            await Task.Delay(PollInterval, TimeProvider.System, cancellationToken);
            if (started.Elapsed > TimeSpan.FromSeconds(2) && ServerProcess.Find(config) is null && FirstWords(log) is { } reason)
                throw new CommandException(reason);
            if (started.Elapsed > StartTimeout)
                throw new CommandException($"the server did not answer within {StartTimeout.TotalSeconds:0} s; its log is {config.LogFile}");
        }
    }

    public static async Task<StatusReport> StatusAsync(InstanceConfig config, CancellationToken cancellationToken) =>
        await ControlSocket.AskAsync(config.ControlSocket, "status", cancellationToken) ?? NotRunning(config);

    /// <summary>Waits until the cluster is ready; at the time limit the answer says what is not.</summary>
    /// <exception cref="CommandException">The server ended, and <paramref name="justStarted"/> says that nothing will start it again.</exception>
    public static async Task<StatusReport> WaitReadyAsync(InstanceConfig config, TimeSpan timeout, bool justStarted, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(timeout);
        try
        {
            while (true)
            {
                if (await ControlSocket.AskAsync(config.ControlSocket, "wait", limited.Token) is { } report)
                    return report;
                if (justStarted && !SystemdUnit.Governs(config) && ServerProcess.Find(config) is null)
                    throw new CommandException(FirstWords(StartLog(config)) ?? $"the server ended; its log is {config.LogFile}");
                await Task.Delay(PollInterval * 5, TimeProvider.System, limited.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return await StatusAsync(config, cancellationToken);
        }
    }

    /// <summary>Stops the server; pods go on. False when it did not run.</summary>
    public static async Task<bool> StopAsync(InstanceConfig config, CancellationToken cancellationToken)
    {
        RequireRoot("stop");
        if (SystemdUnit.Governs(config))
        {
            var ran = ServerProcess.Find(config) is not null;
            await SystemdUnit.ControlAsync("stop", cancellationToken);
            return ran;
        }
        if (ServerProcess.Find(config) is not { } pid)
            return false;
        if (ServerProcess.StartTime(pid) is not { } startTime)
            return false;
        _ = kill(pid, SigTerm);
        var asked = Stopwatch.StartNew();
        var killed = false;
        while (ServerProcess.StartTime(pid) == startTime)
        {
            if (!killed && asked.Elapsed > StopTimeout)
            {
                Terminal.Error.WriteLine($"litekube: the server did not stop within {StopTimeout.TotalSeconds:0} s and is killed; nothing that was acknowledged is lost. Its log is {config.LogFile}");
                _ = kill(pid, SigKill);
                killed = true;
            }
            // It is no child of this process, so no event tells of its end.
            await Task.Delay(PollInterval, TimeProvider.System, cancellationToken);
        }
        return true;
    }

    /// <summary>What the user types to start this very instance.</summary>
    public static string StartCommandOf(InstanceConfig config) => config.IsDefaultInstance ? "sudo litekube start" : $"sudo litekube start --data-dir {config.DataDir}";

    public static void RequireRoot(string command)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new CommandException($"`litekube {command}` needs root; run: sudo litekube {command}");
    }

    private static StatusReport NotRunning(InstanceConfig config)
    {
        var how = StartCommandOf(config);
        var message = Directory.Exists(config.DataDir)
            ? $"not running{(FirstWords(StartLog(config)) is { } words ? $" (its last words: {words.TrimEnd('.')})" : "")}; start it with: {how}. Its log is {config.LogFile}"
            : $"not running, and there is no cluster in {config.DataDir}; make one with: {how}";
        return new StatusReport(false, false, ProductVersion.LiteKube, ProductVersion.Kubernetes, config.NodeName, "", 0, config.DataDir, []) { Message = message };
    }

    private static string StartLog(InstanceConfig config) => Path.Combine(config.LogDir, "start.log");

    private static string? FirstWords(string log)
    {
        try
        {
            var text = File.ReadAllText(log).Trim();
            const string lead = "litekube: ";
            var line = text.Split('\n')[0];
            return line.Length == 0 ? null : line.StartsWith(lead, StringComparison.Ordinal) ? line[lead.Length..] : line;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private const int SigKill = 9;
    private const int SigTerm = 15;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);
}
