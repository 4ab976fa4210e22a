using System.Net;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Cni;

/// <summary>
/// Frees what sandboxes left that ended without a CNI DEL (a runtime killed at the wrong moment): addresses, host
/// ports, host interfaces. The kubelet takes a snapshot, then lists the runtime's sandboxes, then releases; what came
/// to be in between is in the listing or not in the snapshot, and so is left alone.
/// </summary>
public sealed class SandboxSweep(NetworkOptions options)
{
    // The runtime calls a pod's interface so (CRI has no other).
    private const string PodInterfaceName = "eth0";

    private readonly Ipam _ipam = new(options.CniStateDirectory, options.PodCidr);
    private readonly HostPorts _hostPorts = new(options.CniStateDirectory, options.HostPortTable, options.ClusterDns);

    /// <summary>Taken addresses and the sandbox ids that hold them.</summary>
    public IReadOnlyDictionary<IPAddress, string> Snapshot() => _ipam.Snapshot();

    /// <returns>The addresses that were freed.</returns>
    public async Task<IReadOnlyList<IPAddress>> ReleaseAsync(IReadOnlyDictionary<IPAddress, string> snapshot, IReadOnlySet<string> liveSandboxIds, CancellationToken cancellationToken)
    {
        using (var host = RouteNetlink.Open())
        {
            foreach (var id in snapshot.Values.Where(id => !liveSandboxIds.Contains(id)))
            {
                await _hostPorts.RemoveAsync(id, cancellationToken);
                if (host.FindLink(PodBridge.HostInterfaceName(id, PodInterfaceName)) is { } link)
                    host.DeleteLink(link);
            }
        }
        return _ipam.Sweep(snapshot, liveSandboxIds);
    }
}
