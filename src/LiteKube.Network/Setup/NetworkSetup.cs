using System.Net;
using LiteKube.Client;
using LiteKube.Network.Cni;
using LiteKube.Network.Netlink;
using LiteKube.Network.Nftables;
using LiteKube.Network.Setup;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network;

/// <summary>
/// Makes the host ready for pods: bridge with gateway and cluster DNS address, route to the Service addresses, kernel
/// settings, host firewall, CNI configuration. Starts before DNS (which binds the address) and containerd (which reads
/// the configuration); everything is done again at each start as far as it is missing.
/// </summary>
/// <param name="executable">The litekube binary that containerd is to call as CNI plugin.</param>
public sealed class NetworkSetup(NetworkOptions options, string executable, ILoggerFactory loggers) : IComponent
{
    private readonly ILogger _logger = loggers.CreateLogger("LiteKube.Network.Setup");
    private volatile ComponentHealth _health = ComponentHealth.NotReady("the pod bridge is not set up yet");

    public string Name => "network";
    public ComponentHealth Health => _health;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(options.ChangesFile)!);
            SetUpBridge();
            CniConflist.Install(options, executable);
            await CopeWithFirewallAsync(cancellationToken);
            _health = ComponentHealth.Ready;
        }
        catch (Exception e) when (e is IOException or NetlinkException or UnauthorizedAccessException)
        {
            _health = ComponentHealth.NotReady(e.Message);
            throw;
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Networks that the machine's interfaces and routes already use: an instance's CIDRs must not overlap them.</summary>
    public static IReadOnlyList<IPNetwork> NetworksInUse()
    {
        using var host = RouteNetlink.Open();
        return host.Addresses().Select(a => NetworkOf(a.Address, a.PrefixLength))
            .Concat(host.Routes().Where(r => r.Destination is not null).Select(r => r.Destination!.Value)).Distinct().ToList();
    }

    private void SetUpBridge()
    {
        using var host = RouteNetlink.Open();
        RefuseOverlap(host);
        var bridge = PodBridge.Ensure(host, options.Bridge, options.Gateway, options.PodCidr.PrefixLength, options.Mtu);
        // An address of an earlier configuration would make pods unreachable.
        foreach (var stale in host.Addresses().Where(a => a.LinkIndex == bridge.Index && !a.Address.Equals(options.Gateway) && !a.Address.Equals(options.ClusterDns)))
            host.DeleteAddress(bridge, stale.Address, stale.PrefixLength);
        host.EnsureAddress(bridge, options.Gateway, options.PodCidr.PrefixLength);
        host.EnsureAddress(bridge, options.ClusterDns, 32);
        var mtu = options.Mtu > 0 ? options.Mtu : host.UplinkMtu();
        if (bridge.Mtu != mtu)
            host.SetMtu(bridge, mtu);
        // Without it a machine with no default route could not even send to a Service's address for translation.
        host.SetRoute(options.ServiceCidr, bridge, gateway: null, source: options.Gateway);
        Log.BridgeReady(_logger, options.Bridge, options.Gateway, options.ClusterDns, mtu);

        Set("net/ipv4/ip_forward", "1");
        // Lets the host reach NodePorts by 127.0.0.1; the service table drops what pods send to 127.0.0.0/8.
        Set($"net/ipv4/conf/{options.Bridge}/route_localnet", "1");
        Set($"net/ipv4/conf/{options.Bridge}/send_redirects", "0");
        // 2 (loose) still checks sources, and survives a uplink whose routes are asymmetric.
        if (Sysctl.Read($"net/ipv4/conf/{options.Bridge}/rp_filter") == "1")
            Set($"net/ipv4/conf/{options.Bridge}/rp_filter", "2");
    }

    private void RefuseOverlap(RouteNetlink host)
    {
        var links = host.Links().ToDictionary(l => l.Index, l => l.Name);
        foreach (var address in host.Addresses())
        {
            var name = links.GetValueOrDefault(address.LinkIndex, "?");
            if (name == options.Bridge)
                continue;
            var used = NetworkOf(address.Address, address.PrefixLength);
            foreach (var (network, what) in new[] { (options.PodCidr, "pod"), (options.ServiceCidr, "service") })
            {
                if (network.Contains(used.BaseAddress) || used.Contains(network.BaseAddress))
                    throw new IOException($"{what} CIDR {network} overlaps {address.Address}/{address.PrefixLength} of interface {name}; configure another {what} CIDR");
            }
        }
    }

    private static IPNetwork NetworkOf(IPAddress address, int prefixLength)
    {
        var mask = prefixLength == 0 ? 0 : uint.MaxValue << (32 - prefixLength);
        return new IPNetwork(Ipv4.FromNumber(Ipv4.ToNumber(address) & mask), prefixLength);
    }

    private void Set(string key, string value)
    {
        if (Sysctl.Ensure(key, value) is not { } old)
            return;
        Log.SettingChanged(_logger, key.Replace('/', '.'), value, old);
        // The bridge's own settings vanish with it.
        if (!key.Contains(options.Bridge, StringComparison.Ordinal))
            File.AppendAllLines(options.ChangesFile, [$"{key} {old} {value}"]);
    }

    private async Task CopeWithFirewallAsync(CancellationToken cancellationToken)
    {
        if (HostTool.Find("nft") is null)
            throw new IOException("nft is not installed; install it with: apt-get install nftables");
        var firewall = new HostFirewall(options, _logger);
        try
        {
            await firewall.EnsureAsync(cancellationToken);
            foreach (var warning in await firewall.WarningsAsync(cancellationToken))
                Log.FirewallWarning(_logger, warning);
        }
        catch (IOException e)
        {
            // A broken iptables installation need not stop a cluster whose packets may well pass.
            Log.FirewallUnreadable(_logger, e);
        }
    }
}
