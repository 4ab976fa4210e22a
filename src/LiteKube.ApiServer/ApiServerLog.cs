using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer;

/// <summary>Event ids 2000-2199.</summary>
internal static partial class ApiServerLog
{
    [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "{Method} {Path} by {User} failed unexpectedly")]
    public static partial void RequestFailed(ILogger logger, string method, string path, string user, Exception exception);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "A subscriber failed on the change of {Key}; it goes on with the next change")]
    public static partial void SubscriberFailed(ILogger logger, string key, Exception exception);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "The API server listens on {Addresses}")]
    public static partial void Listening(ILogger logger, string addresses);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "Deleting expired events failed; next try in {Interval}")]
    public static partial void EventExpiryFailed(ILogger logger, TimeSpan interval, Exception exception);

    [LoggerMessage(EventId = 2006, Level = LogLevel.Debug, Message = "Relaying {Path} to {Target} ended")]
    public static partial void RelayEnded(ILogger logger, string path, string target, Exception? exception);

    [LoggerMessage(EventId = 2008, Level = LogLevel.Error, Message = "The loop of {Name} broke; it begins anew in {Pause}")]
    public static partial void LoopBroke(ILogger logger, string name, TimeSpan pause, Exception exception);

    [LoggerMessage(EventId = 2009, Level = LogLevel.Warning, Message = "Cluster address {Address} of Service {Service} had no IPAddress of its own; it has one now")]
    public static partial void ServiceAddressRepaired(ILogger logger, string address, string service);

    [LoggerMessage(EventId = 2010, Level = LogLevel.Warning, Message = "IPAddress {Address} belonged to no Service any more and was deleted")]
    public static partial void ServiceAddressOrphaned(ILogger logger, string address);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "{What} could not be put back; next try in {Delay}")]
    public static partial void PuttingBackFailed(ILogger logger, string what, TimeSpan delay, Exception exception);
}
