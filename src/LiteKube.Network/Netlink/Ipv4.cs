using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;

namespace LiteKube.Network.Netlink;

/// <summary>IPv4 arithmetic on host-order numbers, and the hardware addresses derived from them.</summary>
internal static class Ipv4
{
    public static uint ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (!address.TryWriteBytes(bytes, out var length) || length != 4)
            throw new ArgumentException($"{address} is not an IPv4 address", nameof(address));
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    public static IPAddress FromNumber(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }

    public static uint Size(IPNetwork network) => network.PrefixLength == 0 ? uint.MaxValue : 1u << (32 - network.PrefixLength);

    /// <summary>The first usable address: the gateway of a pod network.</summary>
    public static IPAddress First(IPNetwork network) => FromNumber(ToNumber(network.BaseAddress) + 1);

    /// <summary>
    /// A locally administered MAC that follows from the address: when a pod takes over a gone pod's address it takes
    /// over its MAC too, so no neighbour cache is ever wrong.
    /// </summary>
    public static PhysicalAddress Mac(byte second, IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return new PhysicalAddress([0x0a, second, .. bytes]);
    }

    public static string Text(PhysicalAddress mac) => string.Join(':', mac.GetAddressBytes().Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
}
