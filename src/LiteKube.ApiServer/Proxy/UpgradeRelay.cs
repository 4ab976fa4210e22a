using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Proxy;

/// <summary>
/// Hands an upgrade request (SPDY/3.1 or WebSocket) to a backend and, once it agreed, carries raw bytes both ways until
/// both directions ended. What the bytes mean is a matter between client and backend.
/// </summary>
internal sealed class UpgradeRelay(BackendConnector connector, ILogger<UpgradeRelay> logger)
{
    private const int MaxHeadBytes = 64 * 1024;

    private static readonly string[] NotForwarded =
        ["Host", "Connection", "Upgrade", "Authorization", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer"];

    public static bool IsUpgrade(HttpContext context) => context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };

    /// <param name="pathAndQuery">At the backend.</param>
    public async Task RunAsync(HttpContext context, ProxyTarget target, string pathAndQuery, CancellationToken cancellationToken)
    {
        await using var backend = await connector.ConnectAsync(target, cancellationToken);
        await RunAsync(context, backend, target.Authority, RequestHead(context, target.Authority, pathAndQuery, null, []), cancellationToken);
    }

    /// <summary>Over a connection that stands.</summary>
    /// <param name="authority">The backend, as the log names it.</param>
    public async Task RunAsync(HttpContext context, BackendConnection backend, string authority, byte[] requestHead, CancellationToken cancellationToken)
    {
        await backend.Stream.WriteAsync(requestHead, cancellationToken);
        await backend.Stream.FlushAsync(cancellationToken);
        var head = await ResponseHead.ReadAsync(backend.Stream, MaxHeadBytes, cancellationToken);
        if (head.StatusCode != 101)
        {
            await PassRefusalAsync(context, backend.Stream, head, cancellationToken);
            return;
        }
        foreach (var (name, value) in head.Headers)
        {
            if (!name.Equals("Connection", StringComparison.OrdinalIgnoreCase)) context.Response.Headers.Append(name, value);
        }
        await using var client = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        if (head.Rest.Length > 0) await client.WriteAsync(head.Rest, cancellationToken);
        await SpliceAsync(client, backend, authority, context.Request.Path, cancellationToken);
    }

    private async Task SpliceAsync(Stream client, BackendConnection backend, string authority, string path, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var toBackend = CopyThenAsync(client, backend.Stream, backend.EndWritingAsync, ending.Token);
        var toClient = StreamCopy.CopyAsync(backend.Stream, client, ending.Token);
        Exception? fault = null;
        try
        {
            // The client may end first and still read. When the backend ended there is nobody left to write to.
            if (await Task.WhenAny(toClient, toBackend) == toBackend && toBackend.IsCompletedSuccessfully) await Task.WhenAny(toClient);
        }
        finally
        {
            await ending.CancelAsync();
            foreach (var copy in (Task[])[toClient, toBackend])
            {
                try
                {
                    await copy;
                }
                catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
                {
                    // One side broke off: for the other that is the end.
                    if (exception is not OperationCanceledException) fault ??= exception;
                }
            }
            ApiServerLog.RelayEnded(logger, path, authority, fault);
        }
    }

    private static async Task CopyThenAsync(Stream from, Stream to, Func<Task> atEnd, CancellationToken cancellationToken)
    {
        await StreamCopy.CopyAsync(from, to, cancellationToken);
        await atEnd();
    }

    /// <summary>The client's request as the backend gets it.</summary>
    /// <param name="isWithheld">Headers that the backend must not see, beside those that nobody forwards.</param>
    /// <param name="added">Headers that we say ourselves; their values hold no line breaks.</param>
    public static byte[] RequestHead(HttpContext context, string authority, string pathAndQuery, Func<string, bool>? isWithheld, IEnumerable<KeyValuePair<string, string>> added)
    {
        var request = context.Request;
        var head = new StringBuilder(512)
            .Append(request.Method).Append(' ').Append(pathAndQuery).Append(" HTTP/1.1\r\nHost: ").Append(authority)
            .Append("\r\nConnection: Upgrade\r\nUpgrade: ").Append(request.Headers.Upgrade.ToString()).Append("\r\n");
        foreach (var (name, values) in request.Headers)
        {
            if (name.StartsWith(':') || NotForwarded.Contains(name, StringComparer.OrdinalIgnoreCase) || name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase) || isWithheld?.Invoke(name) == true) continue;
            foreach (var value in values) head.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        foreach (var (name, value) in added) head.Append(name).Append(": ").Append(value).Append("\r\n");
        if (request.Method is "POST" or "PUT" or "PATCH") head.Append("Content-Length: 0\r\n");
        // As the server read them.
        return Encoding.UTF8.GetBytes(head.Append("\r\n").ToString());
    }

    /// <summary>The backend said no: the client gets its words.</summary>
    private static async Task PassRefusalAsync(HttpContext context, Stream backend, ResponseHead head, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = head.StatusCode;
        if (head.Header("Content-Type") is { } type) context.Response.ContentType = type;
        var body = await ResponseBody.ReadAsync(backend, head, MaxHeadBytes, cancellationToken);
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, cancellationToken);
    }
}
