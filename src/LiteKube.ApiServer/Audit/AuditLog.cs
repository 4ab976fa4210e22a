using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Audit;

/// <summary>
/// The audit log: events go into a bounded queue that one task empties into a file. A queue that is full makes requests
/// wait; nothing is left out.
/// </summary>
internal sealed class AuditLog : IAsyncDisposable
{
    private const int MaxQueued = 1024;

    /// <summary>Events with whole lists in them; few may wait, so that the queue stays within some tens of megabytes.</summary>
    private const int LargeBytes = 64 * 1024;
    private const int MaxQueuedLarge = 16;

    private readonly Channel<byte[]> _queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly SemaphoreSlim _large = new(MaxQueuedLarge);
    private readonly RotatingFile _file;
    private readonly ILogger _logger;
    private readonly Task _writing;

    /// <exception cref="InvalidDataException">The file cannot be opened.</exception>
    public AuditLog(AuditOptions options, TimeProvider time, ILogger<AuditLog> logger)
    {
        _logger = logger;
        _file = RotatingFile.Open(options, time);
        _writing = Task.Run(WriteAllAsync);
    }

    /// <param name="line">One event, ended by a newline; the caller keeps no hold on it.</param>
    /// <remarks>Not to be cancelled: that a client went away is no reason to forget what it did.</remarks>
    public async ValueTask WriteAsync(byte[] line)
    {
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

    /// <summary>Writes what waits, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
        _file.Dispose();
        _large.Dispose();
    }

    private async Task WriteAllAsync()
    {
        var failing = false;
        await foreach (var line in _queue.Reader.ReadAllAsync())
        {
            try
            {
                _file.Write(line);
                if (_queue.Reader.Count == 0)
                    _file.Flush();
                failing = false;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A disk that is full must not end the cluster; one message tells of each such time.
                if (!failing)
                    AuditLogMessages.WriteFailed(_logger, _file.Path, exception);
                failing = true;
            }
            finally
            {
                if (line.Length > LargeBytes)
                    _large.Release();
            }
        }
        try
        {
            _file.Flush();
        }
        catch (IOException exception)
        {
            AuditLogMessages.WriteFailed(_logger, _file.Path, exception);
        }
    }
}

/// <summary>Event ids 2110-2119.</summary>
internal static partial class AuditLogMessages
{
    [LoggerMessage(EventId = 2110, Level = LogLevel.Error, Message = "Audit events cannot be written to {Path} and are lost until this ends")]
    public static partial void WriteFailed(ILogger logger, string path, Exception exception);
}
