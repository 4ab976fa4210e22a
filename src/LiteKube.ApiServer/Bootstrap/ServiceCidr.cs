using System.Net;

namespace LiteKube.ApiServer.Bootstrap;

public static class ServiceCidr
{
    /// <summary>The address of default/kubernetes: the first one after the network's own.</summary>
    public static IPAddress FirstAddress(string cidr)
    {
        var bytes = IPNetwork.Parse(cidr).BaseAddress.GetAddressBytes();
        bytes[^1]++;
        return new IPAddress(bytes);
    }
}
