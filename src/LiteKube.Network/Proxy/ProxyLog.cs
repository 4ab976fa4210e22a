using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Proxy;

internal static partial class ProxyLog
{
    [LoggerMessage(EventId = 4101, Level = LogLevel.Debug, Message = "Service rules follow {Ports} ports ({Characters} characters of changes)")]
    public static partial void Synced(ILogger logger, int ports, int characters);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Error, Message = "Service rules could not be applied; next try in {Delay}")]
    public static partial void SyncFailed(ILogger logger, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Warning, Message = "The kernel refused a change of the Service rules; replacing all of them")]
    public static partial void DeltaRefused(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 4104, Level = LogLevel.Warning, Message = "Another program changed or flushed nftables table ip {Table}; putting it back")]
    public static partial void TableTouched(ILogger logger, string table);

    [LoggerMessage(EventId = 4105, Level = LogLevel.Debug, Message = "Deleted {Count} UDP connections to endpoints that are gone")]
    public static partial void FlowsDeleted(ILogger logger, int count);

    [LoggerMessage(EventId = 4106, Level = LogLevel.Critical, Message = "The service proxy ended by an unexpected error")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 4108, Level = LogLevel.Warning, Message = "Node port {Port}/{Protocol} is in use by another program of this machine, which the Service now takes the packets from")]
    public static partial void NodePortInUse(ILogger logger, int port, string protocol);

    [LoggerMessage(EventId = 4107, Level = LogLevel.Warning, Message = "UDP connections to endpoints that are gone could not be deleted")]
    public static partial void FlowsNotDeleted(ILogger logger, Exception exception);
}
