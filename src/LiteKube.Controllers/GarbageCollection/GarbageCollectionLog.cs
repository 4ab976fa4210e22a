using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.GarbageCollection;

internal static partial class GarbageCollectionLog
{
    [LoggerMessage(EventId = 6201, Level = LogLevel.Warning, Message = "Watching {Resource} for garbage collection failed; next try in {Delay}")]
    public static partial void MonitorFailed(ILogger logger, string resource, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 6202, Level = LogLevel.Warning, Message = "Discovery failed; garbage collection goes on with the resources known so far")]
    public static partial void DiscoveryFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 6203, Level = LogLevel.Information, Message = "Deleting {Resource} {Namespace}/{Name} ({Policy}): none of its owners is left")]
    public static partial void Deleting(ILogger logger, string resource, string @namespace, string name, string policy);

    [LoggerMessage(EventId = 6204, Level = LogLevel.Information, Message = "Garbage collection watches {Count} resources")]
    public static partial void Watching(ILogger logger, int count);
}
