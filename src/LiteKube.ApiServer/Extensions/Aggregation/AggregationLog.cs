using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Event ids 2220-2239.</summary>
internal static partial class AggregationLog
{
    [LoggerMessage(EventId = 2220, Level = LogLevel.Information, Message = "APIService {Name} is now {Status}: {Reason}: {Text}")]
    public static partial void AvailabilityChanged(ILogger logger, string name, string status, string reason, string text);

    [LoggerMessage(EventId = 2221, Level = LogLevel.Warning, Message = "The APIService {Name} could not be brought up to date; next try in {Delay}")]
    public static partial void RegistrationFailed(ILogger logger, string name, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 2222, Level = LogLevel.Warning, Message = "The resources of APIService {Name} could not be discovered: {Problem}")]
    public static partial void DiscoveryFailed(ILogger logger, string name, string problem);

    [LoggerMessage(EventId = 2223, Level = LogLevel.Warning, Message = "The OpenAPI documents of APIService {Name} could not be read: {Problem}")]
    public static partial void OpenApiFailed(ILogger logger, string name, string problem);

    [LoggerMessage(EventId = 2224, Level = LogLevel.Warning, Message = "The OpenAPI document of APIService {Name} cannot be merged with the others and is left out: {Problem}")]
    public static partial void MergeFailed(ILogger logger, string name, string problem);

    [LoggerMessage(EventId = 2225, Level = LogLevel.Warning, Message = "A check of APIService {Name} failed unexpectedly; next try in {Delay}")]
    public static partial void CheckFailed(ILogger logger, string name, TimeSpan delay, Exception exception);
}
