using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Environment;

internal static partial class EnvironmentLog
{
    [LoggerMessage(EventId = 3501, Level = LogLevel.Debug, Message = "Watching {Kind} {Key} failed; next try in {Delay}")]
    public static partial void FollowFailed(ILogger logger, string kind, ObjectKey key, TimeSpan delay, Exception exception);
}
