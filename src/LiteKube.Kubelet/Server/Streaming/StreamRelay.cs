using System.Net;
using LiteKube.Kubelet.Probes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.Kubelet.Server.Streaming;

/// <summary>
/// Passes an upgrade request on to the runtime's streaming server and then the bytes of both directions, unread: SPDY/3.1
/// and the WebSocket protocols up to v4 are spoken end to end. What the runtime does not speak, v5 of exec and the
/// port-forward tunnel, is translated.
/// </summary>
internal sealed class StreamRelay(TimeProvider time)
{
    private const int BufferBytes = 32 << 10;

    /// <summary>How long the runtime may go on sending after the client has closed its side.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(30);

    /// <summary>Answers the request, whatever happens; returns when the streams have ended.</summary>
    public async Task RunAsync(HttpContext context, Uri target, StreamKind kind)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade is not { IsUpgradableRequest: true })
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("Upgrade request required", context.RequestAborted);
            return;
        }
        var isWebSocket = context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase);
        var offered = isWebSocket ? context.Request.Headers.SecWebSocketProtocol.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [];
        try
        {
            if (kind == StreamKind.RemoteCommand && offered.Contains(WebSocketExec.Protocol))
                await WebSocketExec.RunAsync(context, upgrade, target, time);
            else if (kind == StreamKind.PortForward && offered.Contains(PortForwardTunnel.Protocol))
                await PortForwardTunnel.RunAsync(context, upgrade, target, time);
            else
                await RelayAsync(context, upgrade, target);
        }
        catch (IOException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            await context.Response.WriteAsync(e.Message, context.RequestAborted);
        }
    }

    private async Task RelayAsync(HttpContext context, IHttpUpgradeFeature upgrade, Uri target)
    {
        var request = context.Request;
        using var upstream = await UpstreamConnection.OpenAsync(target, context.RequestAborted);
        var headers = request.Headers.Where(h => !h.Key.Equals("Host", StringComparison.OrdinalIgnoreCase)).SelectMany(h => h.Value.Select(v => KeyValuePair.Create(h.Key, v ?? "")));
        var answer = await upstream.RequestAsync(request.Method, target, headers, time, context.RequestAborted);
        if (!answer.IsUpgraded)
        {
            await RefuseAsync(context, upstream, answer);
            return;
        }
        // The server writes its own Connection header when it upgrades.
        foreach (var (name, value) in answer.Headers.Where(h => !h.Key.Equals("Connection", StringComparison.OrdinalIgnoreCase)))
            context.Response.Headers.Append(name, value);
        await using var client = await upgrade.UpgradeAsync();
        await SpliceAsync(client, upstream, context.RequestAborted);
    }

    /// <summary>Both ways, until the runtime has said all; a client that closed its side still gets the rest.</summary>
    private async Task SpliceAsync(Stream client, UpstreamConnection upstream, CancellationToken aborted)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var toRuntime = ToRuntimeAsync(client, upstream, stop.Token);
        var toClient = ToClientAsync(client, upstream, stop.Token);
        if (await Task.WhenAny(toRuntime, toClient) == toRuntime)
        {
            upstream.CloseWrite();
            await Task.WhenAny(toClient, Task.Delay(Linger, time, stop.Token));
        }
        await stop.CancelAsync();
        await Task.WhenAll(toRuntime, toClient);
    }

    private static async Task ToRuntimeAsync(Stream client, UpstreamConnection upstream, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        await StreamEnds.IgnoreAsync(async () =>
        {
            int read;
            while ((read = await client.ReadAsync(buffer, cancellationToken)) > 0)
                await upstream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        });
    }

    private static async Task ToClientAsync(Stream client, UpstreamConnection upstream, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        await StreamEnds.IgnoreAsync(async () =>
        {
            int read;
            while ((read = await upstream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                await client.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                await client.FlushAsync(cancellationToken);
            }
        });
    }

    /// <summary>Hands on a refusal with its text, so that the client can fall back or tell its user.</summary>
    private static async Task RefuseAsync(HttpContext context, UpstreamConnection upstream, UpgradeAnswer answer)
    {
        context.Response.StatusCode = answer.StatusCode;
        if (answer.Header("Content-Type") is { } type)
            context.Response.ContentType = type;
        if (!int.TryParse(answer.Header("Content-Length"), out var length))
            return;
        var body = new byte[Math.Min(length, ProbeRunner.MaxOutputBytes)];
        if (await upstream.ReadExactlyAsync(body, context.RequestAborted))
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}

internal enum StreamKind
{
    RemoteCommand,
    PortForward,
}

internal static class StreamEnds
{
    /// <summary>A side that goes away in the middle is how such streams usually end.</summary>
    public static async Task IgnoreAsync(Func<Task> copy)
    {
        try
        {
            await copy();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException or System.Net.WebSockets.WebSocketException)
        {
            // Gone: the other direction is ended by the caller.
        }
    }
}
