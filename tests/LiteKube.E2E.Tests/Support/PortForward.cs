using System.Diagnostics;
using System.Globalization;

namespace LiteKube.E2E.Tests.Support;

/// <summary>`kubectl port-forward` to a port of its own choice, until disposed.</summary>
internal sealed class PortForward : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private PortForward(Process process, int localPort) => (_process, LocalPort) = (process, localPort);

    public int LocalPort { get; }

    public static async Task<PortForward> StartAsync(string kubectl, IReadOnlyDictionary<string, string?> environment, string ns, string target, int port)
    {
        var start = new ProcessStartInfo(kubectl, ["port-forward", "-n", ns, target, $":{port}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        using var limited = new CancellationTokenSource(Limit);
        // "Forwarding from 127.0.0.1:40123 -> 8080"
        var line = await process.StandardOutput.ReadLineAsync(limited.Token)
            ?? throw new Xunit.Sdk.XunitException("port-forward ended: " + await process.StandardError.ReadToEndAsync(limited.Token));
        var local = int.Parse(line.Split("127.0.0.1:")[1].Split(' ')[0], CultureInfo.InvariantCulture);
        return new PortForward(process, local);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
