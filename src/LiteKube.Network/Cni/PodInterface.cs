using System.Net;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Cni;

/// <summary>
/// One pod's interface. The pod gets its address with a /32 and a route by the gateway, not the whole subnet on its
/// link: all its traffic, to other pods too, is routed by the host, so that address translation and policy see it
/// without the br_netfilter module, which cannot be relied on.
/// </summary>
internal sealed class PodInterface(CniConfig config, CniRequest request)
{
    private const byte PodMac = 0x58;
    private const byte HostMac = 0x59;

    private readonly Ipam _ipam = new(config.DataDirectory, config.Subnet);
    private readonly HostPorts _hostPorts = new(config.DataDirectory, config.HostPortTable, config.ClusterDns);

    public async Task AddAsync(Stream output, CancellationToken cancellationToken)
    {
        var address = _ipam.Allocate(request.ContainerId, request.Interface);
        try
        {
            using var host = RouteNetlink.Open();
            var bridge = PodBridge.Ensure(host, config.Bridge, config.Gateway, config.Subnet.PrefixLength, config.Mtu);
            ConnectToBridge(host, bridge, address);
            var inside = ConfigureInside(address, bridge.Mtu);
            if (config.PortMappings.Count > 0)
                await _hostPorts.SetAsync(request.ContainerId, address, config.PortMappings, cancellationToken);
            CniResult.WriteAdd(output, config,
            [
                new CniInterface(bridge.Name, Ipv4.Text(bridge.Mac), null),
                new CniInterface(HostName, Ipv4.Text(Ipv4.Mac(HostMac, address)), null),
                new CniInterface(request.Interface, Ipv4.Text(inside.Mac), request.Namespace),
            ], address, interfaceIndex: 2);
        }
        catch (Exception e)
        {
            // The runtime may never call DEL for an ADD that failed.
            try
            {
                await DeleteAsync(cancellationToken);
            }
            catch (Exception cleanup) when (cleanup is IOException or NetlinkException)
            {
                throw new CniException(CniException.KernelFailure, e.Message, $"undoing it failed too: {cleanup.Message}", e);
            }
            throw;
        }
    }

    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        using (var host = RouteNetlink.Open())
        {
            if (host.FindLink(HostName) is { } link)
                host.DeleteLink(link);
        }
        await _hostPorts.RemoveAsync(request.ContainerId, cancellationToken);
        // Last: while anything of the old pod is left its address must not be given to another.
        _ipam.Release(request.ContainerId, request.Interface);
    }

    public void Check()
    {
        var address = _ipam.Find(request.ContainerId, request.Interface)
            ?? throw new CniException(CniException.CheckFailed, $"no address is allocated to {request.ContainerId}");
        using var host = RouteNetlink.Open();
        var bridge = host.FindLink(config.Bridge) ?? throw new CniException(CniException.CheckFailed, $"bridge {config.Bridge} is gone");
        if (host.FindLink(HostName) is not { IsUp: true } near || near.Master != bridge.Index)
            throw new CniException(CniException.CheckFailed, $"{HostName} is gone, down, or not on {config.Bridge}");
        using var inside = RouteNetlink.OpenIn(request.Namespace!);
        if (inside.FindLink(request.Interface) is not { IsUp: true } link)
            throw new CniException(CniException.CheckFailed, $"{request.Interface} is gone or down");
        if (!inside.Addresses().Any(a => a.LinkIndex == link.Index && a.Address.Equals(address)))
            throw new CniException(CniException.CheckFailed, $"{request.Interface} lost its address {address}");
        if (!inside.Routes().Any(r => r.Destination is null && config.Gateway.Equals(r.Gateway)))
            throw new CniException(CniException.CheckFailed, $"the default route by {config.Gateway} is gone");
    }

    private string HostName => PodBridge.HostInterfaceName(request.ContainerId, request.Interface);

    private void ConnectToBridge(RouteNetlink host, Link bridge, IPAddress address)
    {
        // Left by an ADD that was killed half way; its other end may be in a namespace that is gone.
        if (host.FindLink(HostName) is { } stale)
            host.DeleteLink(stale);
        var fd = NetworkNamespace.OpenFile(request.Namespace!);
        try
        {
            host.CreateVeth(new VethSpec(HostName, Ipv4.Mac(HostMac, address), bridge.Index, request.Interface, Ipv4.Mac(PodMac, address), bridge.Mtu), fd);
        }
        finally
        {
            _ = Libc.Close(fd);
        }
        var port = host.FindLink(HostName) ?? throw new CniException(CniException.KernelFailure, $"{HostName} vanished after it was created");
        // With bridge-nf-call-iptables on (Docker sets it) a pod that reaches itself by its Service comes back by its own port.
        host.SetHairpin(port);
        host.SetUp(port);
    }

    private Link ConfigureInside(IPAddress address, int mtu)
    {
        return NetworkNamespace.Run(request.Namespace!, () =>
        {
            // Host routing between two pods on one bridge makes the kernel advise them to talk directly, which would bypass
            // the translation of Service addresses.
            Sysctl.Ensure("net/ipv4/conf/all/accept_redirects", "0");
            Sysctl.Ensure($"net/ipv4/conf/{request.Interface}/accept_redirects", "0");
            using var inside = RouteNetlink.Open();
            if (inside.FindLink("lo") is { IsUp: false } loopback)
                inside.SetUp(loopback);
            var link = inside.FindLink(request.Interface)
                ?? throw new CniException(CniException.KernelFailure, $"{request.Interface} vanished from {request.Namespace}");
            inside.EnsureAddress(link, address, 32);
            inside.SetUp(link);
            inside.SetRoute(new IPNetwork(config.Gateway, 32), link, gateway: null, source: address);
            inside.SetRoute(null, link, config.Gateway);
            return link with { Mtu = mtu };
        });
    }
}

/// <summary>The bridge that all pods of an instance hang on.</summary>
internal static class PodBridge
{
    private const byte BridgeMac = 0x57;

    /// <summary>Creates the bridge, its address and sets it up, as far as that is not done.</summary>
    public static Link Ensure(RouteNetlink host, string name, IPAddress gateway, int prefixLength, int mtu)
    {
        var link = host.FindLink(name);
        if (link is null)
        {
            try
            {
                // A fixed MAC: by default a bridge takes its lowest port's, which changes as pods come and go.
                host.CreateBridge(name, Ipv4.Mac(BridgeMac, gateway), mtu > 0 ? mtu : host.UplinkMtu());
            }
            catch (NetlinkException e) when (e.Errno == NetlinkException.Eexist)
            {
                // Another plugin process was faster.
            }
            link = host.FindLink(name) ?? throw new NetlinkException($"find bridge {name} after creating it", NetlinkException.Enodev);
        }
        if (link.Kind != "bridge")
            throw new IOException($"interface {name} exists and is no bridge; configure another bridge name");
        if (link.IsUp)
            return link;
        host.EnsureAddress(link, gateway, prefixLength);
        host.SetUp(link);
        return link;
    }

    /// <summary>"lk" and 55 bits of the sandbox's identity: the same for every call about one sandbox.</summary>
    public static string HostInterfaceName(string containerId, string interfaceName)
    {
        // FNV-1a: .NET's SHA-256 would load OpenSSL into a process that lives for milliseconds.
        var hash = 14695981039346656037UL;
        foreach (var c in $"{containerId}/{interfaceName}")
            hash = (hash ^ c) * 1099511628211UL;
        Span<char> name = stackalloc char[13];
        "lk".CopyTo(name);
        for (var i = 2; i < name.Length; i++, hash >>= 5)
            name[i] = "abcdefghijklmnopqrstuvwxyz234567"[(int)(hash & 31)];
        return name.ToString();
    }
}
