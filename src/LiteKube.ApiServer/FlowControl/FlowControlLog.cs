using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>Event ids 2250-2259.</summary>
internal static partial class FlowControlLog
{
    [LoggerMessage(EventId = 2250, Level = LogLevel.Warning, Message = "The suggested FlowSchemas and PriorityLevelConfigurations could not be brought up to date; next try in {Interval}")]
    public static partial void NotEnsured(ILogger logger, TimeSpan interval, Exception exception);

    [LoggerMessage(EventId = 2251, Level = LogLevel.Warning, Message = "The status of a FlowSchema could not be written; next try with the next change")]
    public static partial void StatusNotWritten(ILogger logger, Exception exception);
}
