using Microsoft.Extensions.Logging;

namespace LiteKube.Storage;

internal static partial class StoreLog
{
    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "Opened {Path} at revision {Revision}: {Keys} keys, history from {Compacted}, in {ElapsedMs:F0} ms")]
    public static partial void Opened(ILogger logger, string path, long revision, int keys, long compacted, double elapsedMs);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Error, Message = "Writes are refused: {Reason}")]
    public static partial void WritesRefused(ILogger logger, string reason, Exception exception);

    [LoggerMessage(EventId = 1003, Level = LogLevel.Information, Message = "Writes to {Path} work again")]
    public static partial void WritesResumed(ILogger logger, string path);

    [LoggerMessage(EventId = 1004, Level = LogLevel.Debug, Message = "Forgot the history through revision {Revision}")]
    public static partial void Compacted(ILogger logger, long revision);

    [LoggerMessage(EventId = 1005, Level = LogLevel.Information, Message = "Closed {Path} at revision {Revision}")]
    public static partial void Closed(ILogger logger, string path, long revision);

    [LoggerMessage(EventId = 1006, Level = LogLevel.Warning, Message = "Closing {Path} failed; what was acknowledged is in its -wal file and is recovered at the next start")]
    public static partial void CloseFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(EventId = 1007, Level = LogLevel.Warning, Message = "Giving free pages of {Path} back to the file system failed; writes will use them")]
    public static partial void VacuumFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(EventId = 1008, Level = LogLevel.Debug, Message = "Gave free pages of {Path} back to the file system")]
    public static partial void Vacuumed(ILogger logger, string path);
}
