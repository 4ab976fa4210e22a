using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace LiteKube.Network.Netlink;

internal sealed record Link(int Index, string Name, uint Flags, int Mtu, int Master, string? Kind, PhysicalAddress Mac, int PeerIndex)
{
    public bool IsUp => (Flags & 1) != 0;
}

internal sealed record LinkAddress(int LinkIndex, IPAddress Address, int PrefixLength);

/// <param name="Destination">null for the default route.</param>
internal sealed record Route(IPNetwork? Destination, int OutLink, IPAddress? Gateway, int Metric);

/// <summary>Links, addresses and routes (rtnetlink(7)) of one network namespace, IPv4.</summary>
internal sealed class RouteNetlink : IDisposable
{
    private const ushort NewLink = 16, DelLink = 17, GetLink = 18, SetLink = 19;
    private const ushort NewAddress = 20, DelAddress = 21, GetAddress = 22;
    private const ushort NewRoute = 24, DelRoute = 25, GetRoute = 26;
    private const int IflaAddress = 1, IflaName = 3, IflaMtu = 4, IflaLink = 5, IflaMaster = 10, IflaProtInfo = 12, IflaLinkInfo = 18, IflaNetNsFd = 28;
    private const int InfoKind = 1, InfoData = 2, VethPeer = 1, BridgePortMode = 4;
    private const int RtaDst = 1, RtaOutLink = 4, RtaGateway = 5, RtaPriority = 6, RtaPreferredSource = 7;
    private const byte AfInet = (byte)AddressFamily.InterNetwork, AfBridge = 7;
    private const uint FlagUp = 1;
    private const int LinkStruct = 16, AddressStruct = 8, RouteStruct = 12;
    private const ushort Change = NetlinkMessage.Request | NetlinkMessage.Ack;
    private const ushort CreateNew = Change | NetlinkMessage.Create | NetlinkMessage.Exclusive;
    private const ushort List = NetlinkMessage.Request | NetlinkMessage.Dump;

    private readonly NetlinkSocket _socket;

    private RouteNetlink(NetlinkSocket socket) => _socket = socket;

    /// <summary>Of the calling thread's namespace.</summary>
    public static RouteNetlink Open() => new(NetlinkSocket.Open(NetlinkSocket.Route));

    public static RouteNetlink OpenIn(string namespacePath) => NetworkNamespace.Run(namespacePath, Open);

    public Link? FindLink(string name)
    {
        Link? found = null;
        try
        {
            _socket.Query($"look up interface {name}", new NetlinkMessage(GetLink, NetlinkMessage.Request | NetlinkMessage.Ack).Struct(LinkInfo()).Attribute(IflaName, name),
                reply => found = reply.Type == NewLink ? ReadLink(reply) : found);
        }
        catch (NetlinkException e) when (e.Errno == NetlinkException.Enodev)
        {
            return null;
        }
        return found;
    }

    public List<Link> Links()
    {
        var links = new List<Link>();
        _socket.Query("list interfaces", new NetlinkMessage(GetLink, List).Struct(LinkInfo()), reply =>
        {
            if (reply.Type == NewLink)
                links.Add(ReadLink(reply));
        });
        return links;
    }

    public void CreateBridge(string name, PhysicalAddress mac, int mtu) =>
        _socket.Execute($"create bridge {name}", new NetlinkMessage(NewLink, CreateNew).Struct(LinkInfo())
            .Attribute(IflaName, name).Attribute(IflaAddress, mac.GetAddressBytes()).Attribute(IflaMtu, mtu)
            .Nest(IflaLinkInfo, m => m.Attribute(InfoKind, "bridge")));

    /// <summary>A veth pair: the near end here on the bridge, the far end straight inside another namespace.</summary>
    public void CreateVeth(VethSpec spec, int peerNamespaceFd) =>
        _socket.Execute($"create veth {spec.Name} with peer {spec.PeerName}", new NetlinkMessage(NewLink, CreateNew).Struct(LinkInfo())
            .Attribute(IflaName, spec.Name).Attribute(IflaMtu, spec.Mtu).Attribute(IflaAddress, spec.Mac.GetAddressBytes()).Attribute(IflaMaster, spec.Master)
            .Nest(IflaLinkInfo, m => m.Attribute(InfoKind, "veth")
                .Nest(InfoData, d => d.Nest(VethPeer, p => p.Struct(LinkInfo())
                    .Attribute(IflaName, spec.PeerName).Attribute(IflaMtu, spec.Mtu).Attribute(IflaAddress, spec.PeerMac.GetAddressBytes())
                    .Attribute(IflaNetNsFd, peerNamespaceFd)))));

    public void SetUp(Link link) =>
        _socket.Execute($"set {link.Name} up", new NetlinkMessage(NewLink, Change).Struct(LinkInfo(link.Index, FlagUp)));

    public void SetMaster(Link link, int master) =>
        _socket.Execute($"put {link.Name} on its bridge", new NetlinkMessage(NewLink, Change).Struct(LinkInfo(link.Index)).Attribute(IflaMaster, master));

    public void SetMtu(Link link, int mtu) =>
        _socket.Execute($"set the MTU of {link.Name} to {mtu}", new NetlinkMessage(NewLink, Change).Struct(LinkInfo(link.Index)).Attribute(IflaMtu, mtu));

    public void SetMac(Link link, PhysicalAddress mac) =>
        _socket.Execute($"set the MAC of {link.Name}", new NetlinkMessage(NewLink, Change).Struct(LinkInfo(link.Index)).Attribute(IflaAddress, mac.GetAddressBytes()));

    /// <summary>Lets a bridge port send a frame back where it came from.</summary>
    public void SetHairpin(Link port) =>
        _socket.Execute($"set hairpin on {port.Name}", new NetlinkMessage(SetLink, Change).Struct(LinkInfo(port.Index, family: AfBridge))
            .Nest(IflaProtInfo | NetlinkMessage.Nested, m => m.Attribute(BridgePortMode, (byte)1)));

    /// <summary>Returns false when it was not there.</summary>
    public bool DeleteLink(Link link)
    {
        try
        {
            _socket.Execute($"delete interface {link.Name}", new NetlinkMessage(DelLink, Change).Struct(LinkInfo(link.Index)));
            return true;
        }
        catch (NetlinkException e) when (e.Errno == NetlinkException.Enodev)
        {
            return false;
        }
    }

    public List<LinkAddress> Addresses()
    {
        var addresses = new List<LinkAddress>();
        _socket.Query("list addresses", new NetlinkMessage(GetAddress, List).Struct([AfInet, 0, 0, 0, 0, 0, 0, 0]), reply =>
        {
            if (reply.Type != NewAddress)
                return;
            IPAddress? address = null;
            var attributes = reply.Attributes(AddressStruct);
            while (attributes.Next())
            {
                // IFA_LOCAL (2) is the interface's own; IFA_ADDRESS (1) may be a peer's.
                if (attributes.Value.Length == 4 && (attributes.Type == 2 || attributes.Type == 1 && address is null))
                    address = new IPAddress(attributes.Value);
            }
            if (address is not null)
                addresses.Add(new LinkAddress(MemoryMarshal.Read<int>(reply.Payload[4..]), address, reply.Payload[1]));
        });
        return addresses;
    }

    /// <summary>Adds the address unless it is there.</summary>
    public bool EnsureAddress(Link link, IPAddress address, int prefixLength)
    {
        try
        {
            var bytes = address.GetAddressBytes();
            _socket.Execute($"add address {address}/{prefixLength} to {link.Name}",
                new NetlinkMessage(NewAddress, CreateNew).Struct(AddressInfo(link, prefixLength)).Attribute(2, bytes).Attribute(1, bytes));
            return true;
        }
        catch (NetlinkException e) when (e.Errno == NetlinkException.Eexist)
        {
            return false;
        }
    }

    public void DeleteAddress(Link link, IPAddress address, int prefixLength) =>
        _socket.Execute($"delete address {address}/{prefixLength} of {link.Name}",
            new NetlinkMessage(DelAddress, Change).Struct(AddressInfo(link, prefixLength)).Attribute(2, address.GetAddressBytes()));

    public List<Route> Routes()
    {
        var routes = new List<Route>();
        _socket.Query("list routes", new NetlinkMessage(GetRoute, List).Struct([AfInet, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), reply =>
        {
            const byte mainTable = 254, unicast = 1;
            if (reply.Type == NewRoute && reply.Payload[4] == mainTable && reply.Payload[7] == unicast)
                routes.Add(ReadRoute(reply));
        });
        return routes;
    }

    /// <summary>Adds or replaces a route of the main table.</summary>
    /// <param name="destination">null for the default route.</param>
    /// <param name="gateway">null for a destination that is on the link.</param>
    public void SetRoute(IPNetwork? destination, Link link, IPAddress? gateway, IPAddress? source = null)
    {
        const byte mainTable = 254, protocolStatic = 4, scopeLink = 253, scopeUniverse = 0, unicast = 1;
        var message = new NetlinkMessage(NewRoute, Change | NetlinkMessage.Create | NetlinkMessage.Replace)
            .Struct([AfInet, (byte)(destination?.PrefixLength ?? 0), 0, 0, mainTable, protocolStatic, gateway is null ? scopeLink : scopeUniverse, unicast, 0, 0, 0, 0]);
        if (destination is { } network)
            message.Attribute(RtaDst, network.BaseAddress.GetAddressBytes());
        message.Attribute(RtaOutLink, link.Index);
        if (gateway is not null)
            message.Attribute(RtaGateway, gateway.GetAddressBytes());
        if (source is not null)
            message.Attribute(RtaPreferredSource, source.GetAddressBytes());
        _socket.Execute($"add route {destination?.ToString() ?? "default"} by {gateway?.ToString() ?? link.Name}", message);
    }

    public void DeleteRoute(IPNetwork destination, Link link) =>
        _socket.Execute($"delete route {destination}", new NetlinkMessage(DelRoute, Change)
            .Struct([AfInet, (byte)destination.PrefixLength, 0, 0, 254, 0, 255, 0, 0, 0, 0, 0])
            .Attribute(RtaDst, destination.BaseAddress.GetAddressBytes()).Attribute(RtaOutLink, link.Index));

    /// <summary>The MTU of the interface that the default route leaves by; 1500 on a machine with none.</summary>
    public int UplinkMtu()
    {
        var route = Routes().Where(r => r.Destination is null).MinBy(r => r.Metric);
        return route is null ? 1500 : Links().FirstOrDefault(l => l.Index == route.OutLink)?.Mtu ?? 1500;
    }

    private static byte[] LinkInfo(int index = 0, uint flags = 0, byte family = 0)
    {
        var bytes = new byte[LinkStruct];
        bytes[0] = family;
        MemoryMarshal.Write(bytes.AsSpan(4), index);
        MemoryMarshal.Write(bytes.AsSpan(8), flags);
        MemoryMarshal.Write(bytes.AsSpan(12), flags);
        return bytes;
    }

    private static byte[] AddressInfo(Link link, int prefixLength)
    {
        var bytes = new byte[AddressStruct];
        bytes[0] = AfInet;
        bytes[1] = (byte)prefixLength;
        MemoryMarshal.Write(bytes.AsSpan(4), link.Index);
        return bytes;
    }

    private static Link ReadLink(NetlinkReply reply)
    {
        var name = "";
        var (mtu, master, peer) = (0, 0, 0);
        string? kind = null;
        var mac = PhysicalAddress.None;
        var attributes = reply.Attributes(LinkStruct);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case IflaName: name = attributes.Text; break;
                case IflaMtu: mtu = attributes.Int32; break;
                case IflaMaster: master = attributes.Int32; break;
                case IflaLink: peer = attributes.Int32; break;
                case IflaAddress: mac = new PhysicalAddress(attributes.Value.ToArray()); break;
                case IflaLinkInfo:
                    var info = attributes.Children;
                    while (info.Next())
                        kind = info.Type == InfoKind ? info.Text : kind;
                    break;
            }
        }
        return new Link(MemoryMarshal.Read<int>(reply.Payload[4..]), name, MemoryMarshal.Read<uint>(reply.Payload[8..]), mtu, master, kind, mac, peer);
    }

    private static Route ReadRoute(NetlinkReply reply)
    {
        IPAddress? destination = null, gateway = null;
        var (link, metric) = (0, 0);
        var attributes = reply.Attributes(RouteStruct);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case RtaDst: destination = new IPAddress(attributes.Value); break;
                case RtaGateway: gateway = new IPAddress(attributes.Value); break;
                case RtaOutLink: link = attributes.Int32; break;
                case RtaPriority: metric = attributes.Int32; break;
            }
        }
        return new Route(destination is null ? null : new IPNetwork(destination, reply.Payload[1]), link, gateway, metric);
    }

    public void Dispose() => _socket.Dispose();
}

/// <param name="Master">Index of the bridge for the near end.</param>
internal sealed record VethSpec(string Name, PhysicalAddress Mac, int Master, string PeerName, PhysicalAddress PeerMac, int Mtu);
