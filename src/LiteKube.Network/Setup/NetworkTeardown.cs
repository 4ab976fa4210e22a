using LiteKube.Network.Netlink;
using LiteKube.Network.Nftables;
using LiteKube.Network.Setup;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network;

/// <param name="Removed">What was removed, a line each.</param>
/// <param name="Left">What is still there although it should not be; empty when all went well.</param>
/// <param name="Kept">Host settings that stay, with their old value, because other software may rely on them by now.</param>
public sealed record TeardownReport(IReadOnlyList<string> Removed, IReadOnlyList<string> Left, IReadOnlyList<string> Kept);

/// <summary>Removes everything that an instance put into the host's network, then looks whether it is gone. For `litekube reset`, after all pods are stopped.</summary>
public static class NetworkTeardown
{
    public static async Task<TeardownReport> RunAsync(NetworkOptions options, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var removed = new List<string>();
        var firewall = new HostFirewall(options, loggers.CreateLogger("LiteKube.Network.Setup"));
        using var host = RouteNetlink.Open();
        if (FindBridge(host, options) is { } bridge)
        {
            foreach (var port in host.Links().Where(l => l.Master == bridge.Index))
            {
                if (host.DeleteLink(port))
                    removed.Add($"interface {port.Name}");
            }
            host.DeleteLink(bridge);
            removed.Add($"bridge {bridge.Name}");
        }
        var hasNft = HostTool.Find("nft") is not null;
        foreach (var table in (string[])[options.ServiceTable, options.HostPortTable])
        {
            if (hasNft && await Nft.DeleteTableAsync(table, cancellationToken))
                removed.Add($"nftables table ip {table}");
        }
        removed.AddRange((await firewall.RemoveAsync(cancellationToken)).Select(rule => $"{rule}"));
        var kept = File.Exists(options.ChangesFile) ? Kept(await File.ReadAllLinesAsync(options.ChangesFile, cancellationToken)) : [];
        foreach (var directory in (string[])[options.CniDirectory, Path.GetDirectoryName(options.ChangesFile)!])
        {
            if (!Directory.Exists(directory))
                continue;
            Directory.Delete(directory, recursive: true);
            removed.Add(directory);
        }
        return new TeardownReport(removed, await LeftAsync(host, options, firewall, hasNft, cancellationToken), kept);
    }

    private static async Task<IReadOnlyList<string>> LeftAsync(RouteNetlink host, NetworkOptions options, HostFirewall firewall, bool hasNft, CancellationToken cancellationToken)
    {
        var left = new List<string>();
        if (FindBridge(host, options) is not null)
            left.Add($"bridge {options.Bridge}");
        foreach (var table in (string[])[options.ServiceTable, options.HostPortTable])
        {
            if (hasNft && await Nft.TableExistsAsync(table, cancellationToken))
                left.Add($"nftables table ip {table}");
        }
        left.AddRange(await firewall.RemainingAsync(cancellationToken));
        if (Directory.Exists(options.CniDirectory))
            left.Add(options.CniDirectory);
        return left;
    }

    private static Link? FindBridge(RouteNetlink host, NetworkOptions options) =>
        host.FindLink(options.Bridge) is { Kind: "bridge" } bridge ? bridge : null;

    private static List<string> Kept(IEnumerable<string> changes) =>
        changes.Select(line => line.Split(' ')).Where(parts => parts.Length == 3 && Sysctl.Read(parts[0]) == parts[2])
            .DistinctBy(parts => parts[0], StringComparer.Ordinal)
            .Select(parts => $"{parts[0].Replace('/', '.')} is {parts[2]} (it was {parts[1]} before); to set it back: sysctl -w {parts[0].Replace('/', '.')}={parts[1]}").ToList();
}
