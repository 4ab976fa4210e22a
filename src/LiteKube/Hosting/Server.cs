using System.Diagnostics;
using System.Runtime.InteropServices;
using LiteKube.Client;
using LiteKube.Commands;
using LiteKube.Configuration;
using Microsoft.Extensions.Logging;

namespace LiteKube.Hosting;

/// <summary>The running program: prepares the instance's directories, starts the <see cref="Cluster"/>, answers the control socket, ends on SIGTERM or SIGINT.</summary>
internal static partial class Server
{
    private static readonly TimeSpan ReadinessInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(InstanceConfig config, bool logToTerminal, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        InstanceDirectories.Prepare(config);
        using var only = InstanceDirectories.Lock(config);
        InstancePicker.RequirePorts(config);
        ServerProcess.WritePidFile(config);

        using var loggerFactory = Logging.Create(config, logToTerminal);
        var logger = loggerFactory.CreateLogger("LiteKube.Server");
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Cancel(context, stopping));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Cancel(context, stopping));

        using var memory = new QuietCollector(TimeProvider.System);
        await using var cluster = new Cluster(config, loggerFactory);
        await using var control = new ControlSocket(config.ControlSocket, () => Report(config, cluster), token => UntilReadyAsync(cluster, token), stopping.Cancel, loggerFactory.CreateLogger<ControlSocket>());
        control.Start();
        try
        {
            Starting(logger, ProductVersion.LiteKube, config.DataDir);
            await cluster.StartAsync(stopping.Token);
            SystemdNotify.Send("READY=1");
            Started(logger, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            var ready = LogReadyAsync(cluster, logger, started, stopping.Token);
            await UntilCanceledAsync(stopping.Token);
            await ready;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Asked to end while starting.
        }
        catch (Exception e) when (e is not CommandException and not ConfigurationException)
        {
            Failed(logger, e);
            throw new CommandException($"litekube could not start: {e.Message}");
        }
        finally
        {
            SystemdNotify.Send("STOPPING=1");
            using var limited = new CancellationTokenSource(StopTimeout);
            await cluster.StopAsync(limited.Token);
            Stopped(logger);
            File.Delete(config.PidFile);
        }
        return ExitCodes.Ok;
    }

    private static StatusReport Report(InstanceConfig config, Cluster cluster)
    {
        var components = cluster.Components.Select(c => (c.Name, c.Health)).Select(c => new ComponentStatus(c.Name, c.Health.IsReady, c.Health.Message)).ToList();
        return new StatusReport(true, cluster.IsReady, ProductVersion.LiteKube, ProductVersion.Kubernetes, config.NodeName, cluster.ApiAddress, Environment.ProcessId, config.DataDir, components);
    }

    private static async Task UntilReadyAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        // Only while somebody waits; components have no common event for readiness.
        while (!cluster.IsReady)
            await Task.Delay(ReadinessInterval, TimeProvider.System, cancellationToken);
    }

    private static async Task LogReadyAsync(Cluster cluster, ILogger logger, long started, CancellationToken cancellationToken)
    {
        try
        {
            await UntilReadyAsync(cluster, cancellationToken);
            BecameReady(logger, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was ready.
        }
    }

    private static async Task UntilCanceledAsync(CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource();
        await using var registration = cancellationToken.Register(ended.SetResult);
        await ended.Task;
    }

    private static void Cancel(PosixSignalContext context, CancellationTokenSource stopping)
    {
        context.Cancel = true;
        stopping.Cancel();
    }

    [LoggerMessage(EventId = 8010, Level = LogLevel.Information, Message = "LiteKube {Version} starts with data in {DataDir}")]
    private static partial void Starting(ILogger logger, string version, string dataDir);

    [LoggerMessage(EventId = 8011, Level = LogLevel.Information, Message = "All components started after {ElapsedMs:0} ms")]
    private static partial void Started(ILogger logger, double elapsedMs);

    [LoggerMessage(EventId = 8012, Level = LogLevel.Information, Message = "Ready after {ElapsedMs:0} ms")]
    private static partial void BecameReady(ILogger logger, double elapsedMs);

    [LoggerMessage(EventId = 8013, Level = LogLevel.Critical, Message = "LiteKube could not start")]
    private static partial void Failed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 8014, Level = LogLevel.Information, Message = "LiteKube stopped; pods go on running")]
    private static partial void Stopped(ILogger logger);
}
