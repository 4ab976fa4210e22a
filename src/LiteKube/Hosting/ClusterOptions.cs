using System.Net;
using System.Net.Sockets;
using LiteKube.ApiServer;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;
using LiteKube.Configuration;
using LiteKube.Kubelet;
using LiteKube.Network;
using LiteKube.Network.Proxy;

namespace LiteKube.Hosting;

/// <summary>What each layer is told, from the one configuration of the instance.</summary>
internal static class ClusterOptions
{
    public static NetworkOptions Network(InstanceConfig config) =>
        new(config.Suffix.Length == 0 ? "default" : config.Suffix, config.Bridge, config.PodCidr, config.ServiceCidr, config.ClusterDns, config.DataDir);

    public static KubeletOptions Kubelet(InstanceConfig config)
    {
        var network = Network(config);
        return new KubeletOptions
        {
            NodeName = config.NodeName,
            DataDir = config.DataDir,
            RunDir = config.RunDir,
            LogDir = config.LogDir,
            NodeIps = [NodeAddress(config)],
            ClusterDns = [config.ClusterDns],
            ClusterDomain = config.ClusterDomain,
            PodCidr = config.PodCidr.ToString(),
            Port = config.KubeletPort,
            KubernetesVersion = ProductVersion.Kubernetes,
            // Plain "kubepods" is that of another Kubernetes on this machine, whose pods a reset would end.
            CgroupName = $"kubepods-{(config.Suffix.Length == 0 ? "litekube" : config.Suffix)}",
            ContainerdPath = config.ContainerdPath ?? "containerd",
            RuncPath = config.RuncPath ?? "runc",
            CniBinDir = network.CniBinDirectory,
            CniConfDir = network.CniConfigDirectory,
        };
    }

    public static ApiServerOptions ApiServer(InstanceConfig config)
    {
        var address = NodeAddress(config);
        return new ApiServerOptions
        {
            Listen = [new IPEndPoint(IPAddress.Any, config.ApiPort)],
            DataDirectory = config.DataDir,
            AdvertiseAddress = address,
            ExtraSubjectAlternativeNames = [config.NodeName, address.ToString()],
            ServiceCidr = config.ServiceCidr.ToString(),
            NodePortRange = config.NodePortRange,
            IsNodePortFree = NodePorts.IsFree,
            ClusterDomain = config.ClusterDomain,
            ServiceAccountIssuer = $"https://kubernetes.default.svc.{config.ClusterDomain}",
            Authentication = new AuthenticationOptions { ConfigFile = config.AuthenticationConfig, AnonymousAuth = config.AnonymousAuth, Oidc = Oidc(config) },
            Audit = config.AuditPolicyFile is not { } policy ? null : new AuditOptions
            {
                PolicyFile = policy,
                LogPath = config.AuditLogPath,
                MaxSizeMegabytes = config.AuditLogMaxsize,
                MaxBackups = config.AuditLogMaxbackup,
                MaxAgeDays = config.AuditLogMaxage,
            },
        };
    }

    private static OidcOptions? Oidc(InstanceConfig config)
    {
        var (issuer, client) = (config.Value(Settings.OidcIssuerUrl), config.Value(Settings.OidcClientId));
        if (issuer is null && client is null)
            return null;
        if (issuer is null || client is null)
            throw new ConfigurationException($"{Settings.OidcIssuerUrl.Option} and {Settings.OidcClientId.Option} need each other");
        return new OidcOptions
        {
            IssuerUrl = issuer,
            ClientId = client,
            UsernameClaim = config.Value(Settings.OidcUsernameClaim) ?? "sub",
            UsernamePrefix = config.Value(Settings.OidcUsernamePrefix) ?? "",
            GroupsClaim = config.Value(Settings.OidcGroupsClaim) ?? "",
            GroupsPrefix = config.Value(Settings.OidcGroupsPrefix) ?? "",
            RequiredClaims = config.Value(Settings.OidcRequiredClaim) ?? "",
            SigningAlgorithms = config.Value(Settings.OidcSigningAlgs) ?? "RS256",
            CaFile = config.Value(Settings.OidcCaFile) ?? "",
        };
    }

    /// <summary>The address of the interface that leads out; on a machine with no route anywhere, loopback would hide the node from its own pods, so any other address is preferred.</summary>
    public static IPAddress NodeAddress(InstanceConfig config)
    {
        if (config.NodeIp is { } given)
            return given;
        try
        {
            // Connecting a datagram socket sends nothing; it only asks the routing table.
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 9));
            return ((IPEndPoint)probe.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            var addresses = System.Net.NetworkInformation.NetworkInterface.GetAllNetworkInterfaces()
                .Where(i => i.Name != config.Bridge)
                .SelectMany(i => i.GetIPProperties().UnicastAddresses.Select(a => a.Address))
                .Where(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
            // Unplugged: the bridge's own address is reachable from host and pods alike.
            return addresses.FirstOrDefault() ?? Network(config).Gateway;
        }
    }
}
