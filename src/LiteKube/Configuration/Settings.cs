using System.Globalization;
using System.Net;

namespace LiteKube.Configuration;

/// <summary>Every setting that an instance knows. <see cref="InstanceConfig"/> holds the values.</summary>
internal static class Settings
{
    public static readonly Setting DataDir = new("dataDir", "DIR", "State of the cluster (default /var/lib/litekube). Another one names another instance.", AbsolutePath);
    public static readonly Setting RunDir = new("runDir", "DIR", "Sockets and process ids (default /run/litekube).", ShortPath);
    public static readonly Setting LogDir = new("logDir", "DIR", "Log files (default /var/log/litekube).", AbsolutePath);
    public static readonly Setting NodeName = new("nodeName", "NAME", "This node's name (default: the host name).", DnsName);
    public static readonly Setting NodeIp = new("nodeIp", "ADDRESS", "This node's address (default: that of the default route).", NodeAddress);
    public static readonly Setting ApiPort = new("apiPort", "PORT", "Port of the API server (default 16443).", Port);
    public static readonly Setting KubeletPort = new("kubeletPort", "PORT", "Port of the kubelet (default 10250).", Port);
    public static readonly Setting PodCidr = new("podCidr", "CIDR", "Addresses of pods (default 10.1.0.0/16).", Cidr);
    public static readonly Setting ServiceCidr = new("serviceCidr", "CIDR", "Addresses of services (default 10.152.183.0/24).", Cidr);
    public static readonly Setting ClusterDns = new("clusterDns", "ADDRESS", "Address of cluster DNS (default: the tenth of the service addresses).", Address);
    public static readonly Setting ClusterDomain = new("clusterDomain", "NAME", "Domain of the cluster (default cluster.local).", DnsName);
    public static readonly Setting NodePortRange = new("nodePortRange", "FIRST-LAST", "Ports for NodePort services (default 30000-32767).", PortRange);
    public static readonly Setting Bridge = new("bridge", "NAME", "Network bridge of the pods (default litekube0).", InterfaceName);
    public static readonly Setting ContainerdPath = new("containerdPath", "FILE", "The containerd program (default: found on the PATH).", AbsolutePath);
    public static readonly Setting RuncPath = new("runcPath", "FILE", "The runc program (default: found on the PATH).", AbsolutePath);
    public static readonly Setting ContainerdRoot = new("containerdRoot", "DIR", "containerd's images and snapshots (default DATA/containerd).", AbsolutePath);
    public static readonly Setting ContainerdState = new("containerdState", "DIR", "containerd's running state (default RUN/containerd).", AbsolutePath);
    public static readonly Setting LogLevel = new("logLevel", "LEVEL", "debug, information, warning or error (default information).", OneOf("debug", "information", "warning", "error"));

    public static readonly Setting AuditPolicyFile = new("auditPolicyFile", "FILE", "Policy (audit.k8s.io/v1) that says which requests are recorded; nothing is without it.", AbsolutePath);
    public static readonly Setting AuditLogPath = new("auditLogPath", "FILE", "Where requests are recorded, an event a line (default LOG/audit.log).", AbsolutePath);
    public static readonly Setting AuditLogMaxsize = new("auditLogMaxsize", "MEGABYTES", "Size at which the audit log is put aside (default 100; 0: never).", Count);
    public static readonly Setting AuditLogMaxbackup = new("auditLogMaxbackup", "COUNT", "Audit logs put aside that are kept (default 10; 0: all).", Count);
    public static readonly Setting AuditLogMaxage = new("auditLogMaxage", "DAYS", "Days after which an audit log put aside is removed (default 0: never).", Count);

    public static readonly Setting EncryptionProviderConfig = new("encryptionProviderConfig", "FILE", "EncryptionConfiguration (apiserver.config.k8s.io/v1): resources that the disk gets encrypted only.", AbsolutePath);
    public static readonly Setting EncryptionProviderConfigAutomaticReload = new("encryptionProviderConfigAutomaticReload", "BOOL", "Take up changes of the encryption configuration while running (default false).", OneOf("true", "false"));

    public static readonly Setting AuthenticationConfig = new("authenticationConfig", "FILE", "AuthenticationConfiguration (apiserver.config.k8s.io/v1): token issuers outside the cluster, and who is anonymous.", AbsolutePath);
    public static readonly Setting AnonymousAuth = new("anonymousAuth", "BOOL", "Whether requests without credentials are those of system:anonymous (default true).", OneOf("true", "false"));
    public static readonly Setting OidcIssuerUrl = new("oidcIssuerUrl", "URL", "An OpenID Connect issuer whose tokens are taken.", AnyText);
    public static readonly Setting OidcClientId = new("oidcClientId", "ID", "For whom the issuer's tokens must be.", AnyText);
    public static readonly Setting OidcUsernameClaim = new("oidcUsernameClaim", "CLAIM", "The claim that is the user's name (default sub).", AnyText);
    public static readonly Setting OidcUsernamePrefix = new("oidcUsernamePrefix", "TEXT", "What the user's name begins with (default the issuer and #; - for nothing).", AnyText);
    public static readonly Setting OidcGroupsClaim = new("oidcGroupsClaim", "CLAIM", "The claim that holds the user's groups.", AnyText);
    public static readonly Setting OidcGroupsPrefix = new("oidcGroupsPrefix", "TEXT", "What the groups' names begin with.", AnyText);
    public static readonly Setting OidcRequiredClaim = new("oidcRequiredClaim", "CLAIM=VALUE,...", "Claims that tokens must have.", AnyText);
    public static readonly Setting OidcSigningAlgs = new("oidcSigningAlgs", "ALG,...", "How tokens may be signed (default RS256).", AnyText);
    public static readonly Setting OidcCaFile = new("oidcCaFile", "FILE", "The authority of the issuer's certificate (default: those that the machine trusts).", AbsolutePath);

    public static readonly IReadOnlyList<Setting> All =
    [
        DataDir, RunDir, LogDir, NodeName, NodeIp, ApiPort, KubeletPort, PodCidr, ServiceCidr, ClusterDns, ClusterDomain,
        NodePortRange, Bridge, ContainerdPath, RuncPath, ContainerdRoot, ContainerdState, LogLevel,
        AuditPolicyFile, AuditLogPath, AuditLogMaxsize, AuditLogMaxbackup, AuditLogMaxage,
        EncryptionProviderConfig, EncryptionProviderConfigAutomaticReload,
        AuthenticationConfig, AnonymousAuth, OidcIssuerUrl, OidcClientId, OidcUsernameClaim, OidcUsernamePrefix, OidcGroupsClaim, OidcGroupsPrefix, OidcRequiredClaim, OidcSigningAlgs, OidcCaFile,
    ];

    private static string? AbsolutePath(string text) =>
        text.StartsWith('/') ? null : "must be an absolute path";

    // A Unix socket's address holds 107 bytes, and containerd's sockets lie below this directory.
    private static string? ShortPath(string text) =>
        AbsolutePath(text) ?? (text.Length > 60 ? "must be at most 60 characters, since sockets lie in it" : null);

    private static string? Port(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? null : "must be a port, 1 to 65535";

    private static string? AnyText(string text) => text.Any(char.IsControl) ? "must be one line of text" : null;

    private static string? Count(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? null : "must be a whole number, 0 or more";

    private static string? PortRange(string text)
    {
        var parts = text.Split('-');
        return parts.Length == 2 && Port(parts[0]) is null && Port(parts[1]) is null && int.Parse(parts[0], CultureInfo.InvariantCulture) < int.Parse(parts[1], CultureInfo.InvariantCulture)
            ? null
            : "must be two ports, like 30000-32767";
    }

    private static string? Address(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? null : "must be an IPv4 address";

    // The cluster's own Endpoints would be refused with it.
    private static string? NodeAddress(string text) =>
        Address(text) ?? (IPAddress.IsLoopback(IPAddress.Parse(text)) ? "must be an address that pods can reach, not one of loopback" : null);

    private static string? Cidr(string text) =>
        IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && network.PrefixLength is >= 8 and <= 28
            ? null
            : "must be an IPv4 network with a prefix of 8 to 28 bits, like 10.1.0.0/16";

    private static string? DnsName(string text) =>
        text.Length is > 0 and <= 253 && text.Split('.').All(label => label.Length is > 0 and <= 63 && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && label[0] != '-' && label[^1] != '-')
            ? null
            : "must be a lower-case DNS name";

    private static string? InterfaceName(string text) =>
        text.Length is > 0 and <= 15 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? null : "must be an interface name of at most 15 characters";

    private static Func<string, string?> OneOf(params string[] values) => text => values.Contains(text) ? null : $"must be one of {string.Join(", ", values)}";
}
