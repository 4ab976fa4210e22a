using System.Net;
using System.Net.Sockets;

namespace LiteKube.Network.Netlink;

/// <summary>A tracked connection: what its first packet said, and where the answers come from.</summary>
/// <param name="Destination">As the sender wrote it: the Service's address.</param>
/// <param name="Endpoint">Who answers: the pod, when the destination was translated.</param>
internal sealed record Flow(byte Protocol, IPAddress Source, ushort SourcePort, IPAddress Destination, ushort DestinationPort, IPAddress Endpoint, ushort EndpointPort, ushort Zone)
{
    public bool IsTranslated => !Destination.Equals(Endpoint) || DestinationPort != EndpointPort;
}

/// <summary>The kernel's connection table by ctnetlink: list and delete.</summary>
internal sealed class Conntrack : IDisposable
{
    public const byte Udp = 17;

    private const ushort SubsystemNew = 1 << 8, SubsystemGet = 1 << 8 | 1, SubsystemDelete = 1 << 8 | 2;
    private const int TupleOriginal = 1, TupleReply = 2, Zone = 18;
    private const int TupleIp = 1, TupleProtocol = 2;
    private const int Source = 1, Destination = 2;
    private const int ProtocolNumber = 1, SourcePort = 2, DestinationPort = 3;
    private static readonly byte[] Ipv4Family = [(byte)AddressFamily.InterNetwork, 0, 0, 0];

    private readonly NetlinkSocket _socket;

    private Conntrack(NetlinkSocket socket) => _socket = socket;

    public static Conntrack Open() => new(NetlinkSocket.Open(NetlinkSocket.Netfilter));

    public List<Flow> Flows()
    {
        var flows = new List<Flow>();
        _socket.Query("list connections", new NetlinkMessage(SubsystemGet, NetlinkMessage.Request | NetlinkMessage.Dump).Struct(Ipv4Family), reply =>
        {
            if (reply.Type == SubsystemNew && Read(reply) is { } flow)
                flows.Add(flow);
        });
        return flows;
    }

    /// <returns>How many were deleted.</returns>
    public int DeleteWhere(Func<Flow, bool> predicate)
    {
        var count = 0;
        foreach (var flow in Flows().Where(predicate))
            count += Delete(flow) ? 1 : 0;
        return count;
    }

    private bool Delete(Flow flow)
    {
        var message = new NetlinkMessage(SubsystemDelete, NetlinkMessage.Request | NetlinkMessage.Ack).Struct(Ipv4Family);
        message.Nest(TupleOriginal | NetlinkMessage.Nested, tuple => tuple
            .Nest(TupleIp | NetlinkMessage.Nested, ip => ip.Attribute(Source, flow.Source.GetAddressBytes()).Attribute(Destination, flow.Destination.GetAddressBytes()))
            .Nest(TupleProtocol | NetlinkMessage.Nested, p => p.Attribute(ProtocolNumber, flow.Protocol)
                .BigEndian(SourcePort, flow.SourcePort).BigEndian(DestinationPort, flow.DestinationPort)));
        if (flow.Zone != 0)
            message.BigEndian(Zone, flow.Zone);
        try
        {
            _socket.Execute($"delete connection {flow.Source}:{flow.SourcePort} to {flow.Destination}:{flow.DestinationPort}", message);
            return true;
        }
        catch (NetlinkException e) when (e.Errno == NetlinkException.Enoent)
        {
            return false;
        }
    }

    private static Flow? Read(NetlinkReply reply)
    {
        Tuple original = default, answer = default;
        ushort zone = 0;
        var attributes = reply.Attributes(4);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case TupleOriginal: original = ReadTuple(attributes.Children); break;
                case TupleReply: answer = ReadTuple(attributes.Children); break;
                case Zone: zone = attributes.BigEndian16; break;
            }
        }
        return original is { From: not null, To: not null } && answer.From is not null
            ? new Flow(original.Protocol, original.From, original.FromPort, original.To, original.ToPort, answer.From, answer.FromPort, zone)
            : null;
    }

    private static Tuple ReadTuple(NetlinkAttributes attributes)
    {
        var tuple = default(Tuple);
        while (attributes.Next())
        {
            var children = attributes.Children;
            while (children.Next())
            {
                switch (attributes.Type, children.Type)
                {
                    case (TupleIp, Source) when children.Value.Length == 4: tuple.From = new IPAddress(children.Value); break;
                    case (TupleIp, Destination) when children.Value.Length == 4: tuple.To = new IPAddress(children.Value); break;
                    case (TupleProtocol, ProtocolNumber): tuple.Protocol = children.Value[0]; break;
                    case (TupleProtocol, SourcePort): tuple.FromPort = children.BigEndian16; break;
                    case (TupleProtocol, DestinationPort): tuple.ToPort = children.BigEndian16; break;
                }
            }
        }
        return tuple;
    }

    public void Dispose() => _socket.Dispose();

    private struct Tuple
    {
        public IPAddress? From, To;
        public ushort FromPort, ToPort;
        public byte Protocol;
    }
}
