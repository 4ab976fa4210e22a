using Microsoft.Extensions.Logging;

namespace LiteKube.Client;

internal static partial class ClientLog
{
    [LoggerMessage(EventId = 7001, Level = LogLevel.Information, Message = "Watch of {Kind} from {Version} expired ({Reason}); listing again")]
    public static partial void WatchExpired(ILogger logger, string kind, string version, string reason);

    [LoggerMessage(EventId = 7002, Level = LogLevel.Warning, Message = "The {Verb} of {Kind} failed; it is tried again")]
    public static partial void WatchFailed(ILogger logger, string kind, string verb, Exception exception);

    [LoggerMessage(EventId = 7003, Level = LogLevel.Error, Message = "A handler of {Kind} events failed on {Key}")]
    public static partial void HandlerFailed(ILogger logger, string kind, ObjectKey key, Exception exception);

    [LoggerMessage(EventId = 7010, Level = LogLevel.Warning, Message = "{Controller} failed on {Key} (attempt {Attempt}); it is tried again")]
    public static partial void ReconcileFailed(ILogger logger, string controller, ObjectKey key, int attempt, Exception exception);

    [LoggerMessage(EventId = 7011, Level = LogLevel.Debug, Message = "{Controller} conflicted on {Key}: {Reason}; it is tried again")]
    public static partial void ReconcileConflicted(ILogger logger, string controller, ObjectKey key, string reason);

    [LoggerMessage(EventId = 7012, Level = LogLevel.Information, Message = "{Controller} runs with {Workers} workers")]
    public static partial void ControllerStarted(ILogger logger, string controller, int workers);

    [LoggerMessage(EventId = 7020, Level = LogLevel.Warning, Message = "Event {Reason} about {About} was not written")]
    public static partial void EventNotWritten(ILogger logger, string reason, ObjectKey about, Exception exception);

    [LoggerMessage(EventId = 7021, Level = LogLevel.Warning, Message = "{Count} events were dropped: more were recorded than could be written")]
    public static partial void EventsDropped(ILogger logger, long count);
}
