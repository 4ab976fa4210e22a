using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Server;

internal static partial class ServerLog
{
    [LoggerMessage(EventId = 3521, Level = LogLevel.Warning, Message = "Answering {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string? path, Exception exception);
}
