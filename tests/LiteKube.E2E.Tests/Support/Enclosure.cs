using System.Diagnostics;
using System.Globalization;

namespace LiteKube.E2E.Tests.Support;

/// <summary>
/// A machine within the machine: mounts, processes and network of its own, no network but loopback, and empty /run,
/// /var/lib and /var/log. What happens elsewhere on the host cannot be seen in it, so that whatever is there
/// afterwards and was not before is what the program under test left.
/// </summary>
internal sealed class Enclosure : IAsyncDisposable
{
    // Its first process must reap what is orphaned in it, as an init does: a shell that waits does.
    private const string Init = """
        mount --make-rprivate / && for d in /run /var/lib /var/log; do mount -t tmpfs tmpfs $d; done && mkdir -p /run/lock && ip link set lo up && echo up
        sleep 1000000 & while :; do wait; done
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Process _unshare;
    private readonly string _init;

    private Enclosure(Process unshare, string init) => (_unshare, _init) = (unshare, init);

    /// <summary>Put before a command, it runs the command inside.</summary>
    public IReadOnlyList<string> Enter => ["nsenter", "-t", _init, "-m", "-n", "-p", "--"];

    public static async Task<Enclosure> StartAsync()
    {
        var unshare = Process.Start(new ProcessStartInfo("unshare", ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", Init]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var limited = new CancellationTokenSource(Limit);
        if (await unshare.StandardOutput.ReadLineAsync(limited.Token) != "up")
            throw new Xunit.Sdk.XunitException("no namespaces of our own: " + await unshare.StandardError.ReadToEndAsync(limited.Token));
        var children = await Run.Shell(string.Create(CultureInfo.InvariantCulture, $"ps -o pid= --ppid {unshare.Id}"));
        return new Enclosure(unshare, children.Success().Trim());
    }

    public Task<Ran> ShellAsync(string script, TimeSpan? timeout = null) =>
        Run.Async(Enter[0], [.. Enter.Skip(1), "sh", "-c", script], timeout: timeout);

    public async ValueTask DisposeAsync()
    {
        _unshare.Kill();
        await _unshare.WaitForExitAsync();
        _unshare.Dispose();
    }
}
