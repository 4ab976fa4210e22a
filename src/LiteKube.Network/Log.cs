using System.Net;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network;

internal static partial class Log
{
    [LoggerMessage(EventId = 4001, Level = LogLevel.Information, Message = "Set {Setting} to {Value} (it was {Old})")]
    public static partial void SettingChanged(ILogger logger, string setting, string value, string old);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Information, Message = "Bridge {Bridge} has {Gateway}, cluster DNS {Dns}, MTU {Mtu}; bridge-nf-call-iptables needs no change: pods' packets are routed, not bridged")]
    public static partial void BridgeReady(ILogger logger, string bridge, IPAddress gateway, IPAddress dns, int mtu);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Information, Message = "The host's firewall restricts {Chain}; inserted by {Tool}: {Rule}")]
    public static partial void FirewallRuleInserted(ILogger logger, string chain, string tool, string rule);

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "{Warning}")]
    public static partial void FirewallWarning(ILogger logger, string warning);

    [LoggerMessage(EventId = 4005, Level = LogLevel.Warning, Message = "Could not look at the host's firewall; pods may be cut off by it")]
    public static partial void FirewallUnreadable(ILogger logger, Exception exception);
}
