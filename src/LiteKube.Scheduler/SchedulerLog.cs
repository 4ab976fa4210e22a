using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Scheduler;

internal static partial class SchedulerLog
{
    [LoggerMessage(EventId = 5001, Level = LogLevel.Information, Message = "The scheduler is ready: {Nodes} nodes known")]
    public static partial void Started(ILogger logger, int nodes);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Debug, Message = "Bound {Pod} to {Node}")]
    public static partial void Bound(ILogger logger, ObjectKey pod, string node);

    [LoggerMessage(EventId = 5003, Level = LogLevel.Information, Message = "{Pod} cannot be scheduled: {Reason}")]
    public static partial void Unschedulable(ILogger logger, ObjectKey pod, string reason);

    [LoggerMessage(EventId = 5004, Level = LogLevel.Warning, Message = "Binding {Pod} to {Node} failed: {Reason}; it is tried again")]
    public static partial void BindFailed(ILogger logger, ObjectKey pod, string node, string reason);

    [LoggerMessage(EventId = 5005, Level = LogLevel.Error, Message = "Scheduling {Pod} failed; it is tried again")]
    public static partial void AttemptFailed(ILogger logger, ObjectKey pod, Exception exception);

    [LoggerMessage(EventId = 5006, Level = LogLevel.Warning, Message = "The condition of {Pod} could not be written")]
    public static partial void ConditionNotWritten(ILogger logger, ObjectKey pod, Exception exception);

    [LoggerMessage(EventId = 5007, Level = LogLevel.Warning, Message = "{Pod} was bound but never seen on its node; its room is given back")]
    public static partial void AssumptionExpired(ILogger logger, ObjectKey pod);

    [LoggerMessage(EventId = 5008, Level = LogLevel.Critical, Message = "The scheduling loop ended; no pod is scheduled any more")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 5009, Level = LogLevel.Debug, Message = "The condition of {Pod} comes too late: {Reason}")]
    public static partial void ConditionTooLate(ILogger logger, ObjectKey pod, string reason);

    [LoggerMessage(EventId = 5010, Level = LogLevel.Information, Message = "{Victim} on {Node} was preempted for {Pod}")]
    public static partial void Preempted(ILogger logger, ObjectKey victim, string node, ObjectKey pod);

    [LoggerMessage(EventId = 5011, Level = LogLevel.Warning, Message = "Making room for {Pod} on {Node} failed; it is tried again")]
    public static partial void PreemptionFailed(ILogger logger, ObjectKey pod, string node, Exception exception);

    [LoggerMessage(EventId = 5012, Level = LogLevel.Warning, Message = "An attempt to schedule {Pod} failed: {Reason}; it is tried again")]
    public static partial void PluginFailed(ILogger logger, ObjectKey pod, string reason);
}
