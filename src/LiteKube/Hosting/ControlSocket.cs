using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace LiteKube.Hosting;

/// <summary>
/// How the other commands speak with the running server: a Unix socket, one request line, one JSON line back.
/// <c>status</c> answers at once, <c>wait</c> when the cluster is ready, <c>stop</c> asks the server to end.
/// Whoever may open the socket (root, and the group litekube) may ask.
/// </summary>
internal sealed partial class ControlSocket(string path, Func<StatusReport> status, Func<CancellationToken, Task> untilReady, Action stop, ILogger<ControlSocket> logger) : IAsyncDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private Socket? _listener;
    private Task _loop = Task.CompletedTask;

    public void Start()
    {
        File.Delete(path);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        FileAccessRights.ShareWithGroup(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        _listener.Listen(16);
        _loop = AcceptAsync(_listener, _stopping.Token);
    }

    /// <summary>One request to the server behind <paramref name="path"/>; null when none listens there.</summary>
    public static async Task<StatusReport?> AskAsync(string path, string request, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable || !File.Exists(path))
        {
            return null;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AccessDenied)
        {
            throw new Commands.CommandException($"may not open {path}; use sudo, or join the group litekube");
        }
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request + "\n"), cancellationToken);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadLineAsync(cancellationToken);
        return answer is null ? null : JsonSerializer.Deserialize(answer, StatusJson.Default.StatusReport);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener?.Dispose();
        await _loop;
        File.Delete(path);
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var connection = await listener.AcceptAsync(cancellationToken);
                _ = AnswerAsync(connection, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (cancellationToken.IsCancellationRequested)
                    return;
                AcceptFailed(logger, e);
            }
        }
    }

    private async Task AnswerAsync(Socket connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = new NetworkStream(connection, ownsSocket: true);
            using var reader = new StreamReader(stream, leaveOpen: true);
            using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            reading.CancelAfter(RequestTimeout);
            var request = await reader.ReadLineAsync(reading.Token);
            if (request == "wait")
                await untilReady(cancellationToken);
            await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(status(), StatusJson.Default.StatusReport), cancellationToken);
            await stream.WriteAsync("\n"u8.ToArray(), cancellationToken);
            if (request == "stop")
                stop();
        }
        catch (OperationCanceledException)
        {
            // The client asked nothing in time, or the server ends: the closed connection is the answer.
        }
        catch (IOException e)
        {
            ClientLeft(logger, e);
        }
    }

    [LoggerMessage(EventId = 8001, Level = LogLevel.Warning, Message = "The control socket failed to accept a connection")]
    private static partial void AcceptFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 8002, Level = LogLevel.Debug, Message = "A control client left before its answer")]
    private static partial void ClientLeft(ILogger logger, Exception exception);
}
