using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Event ids 2200-2219.</summary>
internal static partial class CustomResourceLog
{
    [LoggerMessage(EventId = 2200, Level = LogLevel.Warning, Message = "The CustomResourceDefinition {Name} could not be brought up to date; next try in {Delay}")]
    public static partial void SyncFailed(ILogger logger, string name, TimeSpan delay, Exception exception);
}
