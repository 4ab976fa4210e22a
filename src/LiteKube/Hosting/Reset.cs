using LiteKube.Configuration;
using LiteKube.Kubelet.Containerd;
using LiteKube.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Hosting;

/// <summary>Takes an instance apart, from its processes to its last file, and reports what it could not remove.</summary>
internal static class Reset
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <returns>What is still there although it should not be, and the kernel settings that stay on purpose, a line each.</returns>
    public static async Task<(IReadOnlyList<string> Left, IReadOnlyList<string> Kept)> RunAsync(InstanceConfig config, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Limit);
        await ServerControl.StopAsync(config, limited.Token);

        var left = new List<string>();
        // Files lie under mounts and sockets of what runs: processes first, then the network they used, then files.
        left.AddRange(await new NodeTeardown(ClusterOptions.Kubelet(config), TimeProvider.System, NullLoggerFactory.Instance).RunAsync(limited.Token));
        var network = await NetworkTeardown.RunAsync(ClusterOptions.Network(config), NullLoggerFactory.Instance, limited.Token);
        left.AddRange(network.Left);
        foreach (var directory in (string[])[config.DataDir, config.RunDir, config.LogDir, config.ContainerdRoot, config.ContainerdState])
            Delete(directory, left);
        return (left, network.Kept);
    }

    private static void Delete(string directory, List<string> left)
    {
        if (!Directory.Exists(directory))
            return;
        if (File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).FirstOrDefault(point => point == directory || point.StartsWith(directory + "/", StringComparison.Ordinal)) is { } mount)
        {
            // Deleting through a mount would delete what belongs to somebody else.
            left.Add($"mount {mount}");
            return;
        }
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            left.Add($"directory {directory} ({e.Message})");
        }
    }
}
