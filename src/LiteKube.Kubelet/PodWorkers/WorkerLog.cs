using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.PodWorkers;

internal static partial class WorkerLog
{
    [LoggerMessage(EventId = 3201, Level = LogLevel.Warning, Message = "preStop of {Container} in {Pod} did not end within its time")]
    public static partial void PreStopTimedOut(ILogger logger, string container, string pod);

    [LoggerMessage(EventId = 3202, Level = LogLevel.Debug, Message = "Container {Id} was gone before it could be stopped")]
    public static partial void AlreadyGone(ILogger logger, string id);

    [LoggerMessage(EventId = 3203, Level = LogLevel.Warning, Message = "Pod {Pod} could not be brought on; next try in {Delay}")]
    public static partial void SyncFailed(ILogger logger, string pod, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 3204, Level = LogLevel.Information, Message = "Pod {Pod} is started")]
    public static partial void Starting(ILogger logger, string pod);

    [LoggerMessage(EventId = 3205, Level = LogLevel.Information, Message = "Pod {Pod} is ended: {Reason}")]
    public static partial void Terminating(ILogger logger, string pod, string reason);

    [LoggerMessage(EventId = 3206, Level = LogLevel.Information, Message = "Pod {Pod} is gone")]
    public static partial void Gone(ILogger logger, string pod);

    [LoggerMessage(EventId = 3207, Level = LogLevel.Warning, Message = "Container {Container} of {Pod} does not start: {Reason}: {Detail}")]
    public static partial void NotStarted(ILogger logger, string container, string pod, string reason, string detail);

    [LoggerMessage(EventId = 3208, Level = LogLevel.Debug, Message = "Work on pod {Pod} is interrupted: it is to end")]
    public static partial void Interrupted(ILogger logger, string pod);

    [LoggerMessage(EventId = 3209, Level = LogLevel.Warning, Message = "{What} of pod {Pod} could not be removed from the runtime: {Reason}")]
    public static partial void NotRemoved(ILogger logger, string what, string pod, string reason);

    [LoggerMessage(EventId = 3210, Level = LogLevel.Warning, Message = "Pod {Pod} is refused: {Reason}: {Detail}")]
    public static partial void Rejected(ILogger logger, string pod, string reason, string detail);

    [LoggerMessage(EventId = 3211, Level = LogLevel.Warning, Message = "Volumes of pod {Pod} are not ready: {Reason}; next try in {Delay}")]
    public static partial void VolumesNotReady(ILogger logger, string pod, string reason, TimeSpan delay);

    [LoggerMessage(EventId = 3212, Level = LogLevel.Error, Message = "The worker of pod {Pod} ended by an error that nothing expected")]
    public static partial void WorkerEnded(ILogger logger, string pod, Exception exception);

    [LoggerMessage(EventId = 3213, Level = LogLevel.Information, Message = "Pod {Pod} is in the runtime but no longer in the API: it is removed")]
    public static partial void Orphan(ILogger logger, string pod);

    [LoggerMessage(EventId = 3214, Level = LogLevel.Warning, Message = "The log of container {Id} could not be rotated: {Reason}")]
    public static partial void LogNotRotated(ILogger logger, string id, string reason);
}
