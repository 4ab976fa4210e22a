using System.Net;

namespace LiteKube.Network;

/// <summary>What the node's network is made of. Two instances on one machine differ in every field but the domain.</summary>
/// <param name="Instance">Short name that tells instances apart in nftables tables and iptables comments: letters, digits, "-".</param>
/// <param name="Bridge">The bridge that pods hang on; at most 15 characters.</param>
/// <param name="PodCidr">This node's pod addresses; the first is the bridge's own.</param>
/// <param name="ClusterDns">Inside <paramref name="ServiceCidr"/>; bound to the bridge, so that pods and host reach it without NAT.</param>
/// <param name="DataDirectory">The instance's data directory; the network keeps its files under cni/ and network/ there.</param>
public sealed record NetworkOptions(string Instance, string Bridge, IPNetwork PodCidr, IPNetwork ServiceCidr, IPAddress ClusterDns, string DataDirectory)
{
    /// <summary>All nodes' pods; traffic inside it keeps its source address.</summary>
    public IPNetwork ClusterCidr { get; init; } = PodCidr;

    /// <summary>Bytes; 0 takes the uplink's.</summary>
    public int Mtu { get; init; }

    public string ServiceTable => $"litekube-{Instance}";
    public string HostPortTable => $"litekube-{Instance}-hostports";
    public IPAddress Gateway => Netlink.Ipv4.First(PodCidr);
    public string CniDirectory => Path.Combine(DataDirectory, "cni");
    public string CniConfigDirectory => Path.Combine(CniDirectory, "net.d");
    public string CniBinDirectory => Path.Combine(CniDirectory, "bin");
    public string CniStateDirectory => Path.Combine(CniDirectory, "state");
    public string ChangesFile => Path.Combine(DataDirectory, "network", "host-changes");
}
