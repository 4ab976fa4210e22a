using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Volumes;

internal static partial class VolumeLog
{
    [LoggerMessage(EventId = 3511, Level = LogLevel.Warning, Message = "Refreshing volume {Volume} of {Pod} failed: {Error}")]
    public static partial void RefreshFailed(ILogger logger, string volume, ObjectKey pod, string error);

    [LoggerMessage(EventId = 3512, Level = LogLevel.Debug, Message = "Volume {Volume} of {Pod} has new contents")]
    public static partial void Refreshed(ILogger logger, string volume, ObjectKey pod);

    [LoggerMessage(EventId = 3513, Level = LogLevel.Error, Message = "Refreshing the volumes of {Pod} broke off")]
    public static partial void RefreshBroke(ILogger logger, ObjectKey pod, Exception exception);

    [LoggerMessage(EventId = 3514, Level = LogLevel.Warning, Message = "Binding subPath {SubPath} of volume {Volume} for {Pod} failed")]
    public static partial void SubpathFailed(ILogger logger, string subPath, string volume, ObjectKey pod, Exception exception);
}
