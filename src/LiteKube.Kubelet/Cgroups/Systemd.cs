using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Cgroups;

/// <summary>systemd, where it owns the cgroup tree: a slice removed behind its back would stay on its books for ever.</summary>
internal static partial class Systemd
{
    public static async Task StopAsync(string unit, ILogger logger, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("systemctl") { ArgumentList = { "stop", unit }, RedirectStandardError = true, RedirectStandardOutput = true };
        using var systemctl = Process.Start(start) ?? throw new InvalidOperationException("systemctl could not be started");
        var said = systemctl.StandardError.ReadToEndAsync(cancellationToken);
        await systemctl.WaitForExitAsync(cancellationToken);
        if (systemctl.ExitCode != 0)
            NotStopped(logger, unit, (await said).Trim());
    }

    [LoggerMessage(EventId = 3024, Level = LogLevel.Information, Message = "systemd did not stop {Unit}: {Reason}")]
    private static partial void NotStopped(ILogger logger, string unit, string reason);
}
