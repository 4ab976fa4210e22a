using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>Event ids 2240-2249.</summary>
internal static partial class WebhookLog
{
    [LoggerMessage(EventId = 2240, Level = LogLevel.Warning, Message = "The webhook {Webhook} of {Configuration} failed; the request goes on without it")]
    public static partial void FailedOpen(ILogger logger, string webhook, string configuration, Exception exception);

    [LoggerMessage(EventId = 2241, Level = LogLevel.Warning, Message = "The webhook {Webhook} of {Configuration} failed, and the request with it")]
    public static partial void FailedClosed(ILogger logger, string webhook, string configuration, Exception exception);

    [LoggerMessage(EventId = 2242, Level = LogLevel.Warning, Message = "The match conditions of the webhook {Webhook} cannot be told, and the request fails: {Error}")]
    public static partial void ConditionsFailed(ILogger logger, string webhook, string error);
}
