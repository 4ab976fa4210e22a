using System.Text;
using CliWrap;
using CliWrap.Buffered;
using CliWrap.Exceptions;

namespace LiteKube.Network.Nftables;

/// <summary>Runs a program of the host: nft, iptables.</summary>
internal static class HostTool
{
    // containerd and systemd units may run with a PATH that lacks the sbin directories.
    private static readonly string[] AlwaysSearched = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];

    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(AlwaysSearched)
            .Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <returns>What it printed.</returns>
    /// <exception cref="IOException">It is not installed, or it failed: with its error output.</exception>
    public static async Task<string> RunAsync(string name, IEnumerable<string> arguments, string? input, CancellationToken cancellationToken)
    {
        var result = await TryRunAsync(name, arguments, input, cancellationToken);
        return result.ExitCode == 0 ? result.StandardOutput : throw new IOException($"{name} failed: {result.StandardError.Trim()}");
    }

    public static async Task<BufferedCommandResult> TryRunAsync(string name, IEnumerable<string> arguments, string? input, CancellationToken cancellationToken)
    {
        var path = Find(name) ?? throw new IOException($"{name} is not installed; install it with: apt-get install {(name == "nft" ? "nftables" : name)}");
        var command = Cli.Wrap(path).WithArguments(arguments).WithValidation(CommandResultValidation.None);
        if (input is not null)
            command = command.WithStandardInputPipe(PipeSource.FromString(input, Encoding.UTF8));
        try
        {
            return await command.ExecuteBufferedAsync(cancellationToken);
        }
        catch (CliWrapException e)
        {
            throw new IOException($"{name} could not be run: {e.Message}", e);
        }
    }
}

/// <summary>nftables by its own program: one run is one atomic transaction.</summary>
internal static class Nft
{
    public static Task ApplyAsync(string script, CancellationToken cancellationToken) => HostTool.RunAsync("nft", ["-f", "-"], script, cancellationToken);

    /// <summary>Removes a table of the ip family. Returns whether it was there.</summary>
    public static async Task<bool> DeleteTableAsync(string table, CancellationToken cancellationToken)
    {
        if (!await TableExistsAsync(table, cancellationToken))
            return false;
        await ApplyAsync($"delete table ip {table}\n", cancellationToken);
        return true;
    }

    public static async Task<bool> TableExistsAsync(string table, CancellationToken cancellationToken) =>
        (await HostTool.RunAsync("nft", ["list", "tables", "ip"], null, cancellationToken))
            .Split('\n').Any(line => line.Trim() == $"table ip {table}");
}
