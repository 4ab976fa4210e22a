using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Audit;

/// <summary>
/// The audit log: events go into a bounded queue that one task empties into a file. A queue that is full makes requests
/// wait. While the file cannot be written, as on a full disk, events are kept and tried again until the queue is full;
/// from then on they are counted as lost, so that requests go on, until a write succeeds.
/// </summary>
internal sealed class AuditLog : IAsyncDisposable
{
    private const int MaxQueued = 1024;

    /// <summary>Events with whole lists in them; few may wait, so that the queue stays within some tens of megabytes.</summary>
    private const int LargeBytes = 64 * 1024;
    private const int MaxQueuedLarge = 16;

    /// <summary>What waits is written together, up to about this much.</summary>
    private const int BatchBytes = 64 * 1024;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(50);

    /// <summary>Short: requests wait for it once the queue is full.</summary>
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(1);

    private readonly Channel<byte[]> _queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly SemaphoreSlim _large = new(MaxQueuedLarge);
    private readonly CancellationTokenSource _closing = new();
    private readonly RotatingFile _file;
    private readonly AuditMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _writing;
    private ArrayBufferWriter<byte> _batch = new(2 * BatchBytes);
    private Outage? _outage;

    /// <exception cref="InvalidDataException">The file cannot be opened.</exception>
    public AuditLog(AuditOptions options, AuditMetrics metrics, TimeProvider time, ILogger<AuditLog> logger)
    {
        (_metrics, _time, _logger) = (metrics, time, logger);
        _file = RotatingFile.Open(options, time);
        _writing = Task.Run(WriteAllAsync);
    }

    /// <param name="line">One event, ended by a newline; the caller keeps no hold on it.</param>
    /// <remarks>Not to be cancelled: that a client went away is no reason to forget what it did.</remarks>
    public async ValueTask WriteAsync(byte[] line)
    {
        _metrics.Sent();
        if (line.Length > LargeBytes)
            await _large.WaitAsync();
        try
        {
            await _queue.Writer.WriteAsync(line);
        }
        catch (ChannelClosedException)
        {
            // A watch that ends after the server has: nothing was done since the last event.
            if (line.Length > LargeBytes)
                _large.Release();
        }
    }

    /// <summary>Writes what waits, each event tried once more if need be, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _closing.CancelAsync();
        await _writing;
        _file.Dispose();
        _large.Dispose();
        _closing.Dispose();
    }

    private async Task WriteAllAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            var (events, large) = FillBatch();
            await WriteBatchAsync(events);
            if (large > 0)
                _large.Release(large);
        }
        if (_outage is { Lost: > 0 } outage)
            AuditLogMessages.Lost(_logger, _file.Path, outage.Lost);
    }

    private (int Events, int Large) FillBatch()
    {
        var (events, large) = (0, 0);
        _batch.ResetWrittenCount();
        // One event may have been many megabytes, which nobody needs to keep.
        if (_batch.Capacity > 4 * BatchBytes)
            _batch = new ArrayBufferWriter<byte>(2 * BatchBytes);
        while (_batch.WrittenCount < BatchBytes && _queue.Reader.TryRead(out var line))
        {
            _batch.Write(line);
            events++;
            if (line.Length > LargeBytes)
                large++;
        }
        return (events, large);
    }

    private async Task WriteBatchAsync(int events)
    {
        for (var delay = FirstRetry; ; delay = delay * 2 < LastRetry ? delay * 2 : LastRetry)
        {
            try
            {
                _file.Write(_batch.WrittenSpan);
                if (_outage is { } ended)
                    AuditLogMessages.WrittenAgain(_logger, _file.Path, ended.Lost);
                _outage = null;
                return;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (_outage is null)
                    AuditLogMessages.WriteFailed(_logger, _file.Path, exception);
                _outage ??= new Outage();
                if (_outage.Lost > 0 || _queue.Reader.Count >= MaxQueued || _large.CurrentCount == 0 || _closing.IsCancellationRequested)
                {
                    _outage.Lost += events;
                    _metrics.Lost(events);
                    return;
                }
            }
            try
            {
                await Task.Delay(delay, _time, _closing.Token);
            }
            catch (OperationCanceledException)
            {
                // The server ends: one last try, without the pause.
            }
        }
    }

    /// <summary>A time in which the file cannot be written.</summary>
    private sealed class Outage
    {
        public long Lost { get; set; }
    }
}

/// <summary>Event ids 2110-2119.</summary>
internal static partial class AuditLogMessages
{
    [LoggerMessage(EventId = 2110, Level = LogLevel.Error, Message = "Audit events cannot be written to {Path}; they wait in memory, and are lost when that is full")]
    public static partial void WriteFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(EventId = 2111, Level = LogLevel.Warning, Message = "Audit events are written to {Path} again; {Lost} were lost")]
    public static partial void WrittenAgain(ILogger logger, string path, long lost);

    [LoggerMessage(EventId = 2112, Level = LogLevel.Error, Message = "The server ends with {Lost} audit events that could not be written to {Path}")]
    public static partial void Lost(ILogger logger, string path, long lost);
}
