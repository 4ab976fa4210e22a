using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.Kubelet.Server.Streaming;

/// <summary>
/// port-forward over WebSocket (KEP-4006): the messages carry a SPDY connection's bytes, which go to the runtime as they
/// come.
/// </summary>
internal static class PortForwardTunnel
{
    public const string Protocol = "SPDY/3.1+portforward.k8s.io";
    private const int BufferBytes = 32 << 10;

    public static async Task RunAsync(HttpContext context, IHttpUpgradeFeature upgrade, Uri target, TimeProvider time)
    {
        using var upstream = await UpstreamConnection.OpenAsync(target, context.RequestAborted);
        var answer = await upstream.RequestAsync("POST", target,
        [
            new("Connection", "Upgrade"),
            new("Upgrade", "SPDY/3.1"),
            new("X-Stream-Protocol-Version", "portforward.k8s.io"),
            new("Content-Length", "0"),
        ], time, context.RequestAborted);
        if (!answer.IsUpgraded)
            throw new IOException($"the container runtime refused the stream with status {answer.StatusCode}");

        using var socket = await WebSocketAccept.UpgradeAsync(context, upgrade, Protocol);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var toRuntime = ToRuntimeAsync(socket, upstream, stop.Token);
        var toClient = ToClientAsync(socket, upstream, stop.Token);
        await Task.WhenAny(toRuntime, toClient);
        await stop.CancelAsync();
        await Task.WhenAll(toRuntime, toClient);
    }

    private static Task ToRuntimeAsync(WebSocket socket, UpstreamConnection upstream, CancellationToken cancellationToken) => StreamEnds.IgnoreAsync(async () =>
    {
        var buffer = new byte[BufferBytes];
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close)
                return;
            if (result.Count > 0)
                await upstream.WriteAsync(buffer.AsMemory(0, result.Count), cancellationToken);
        }
    });

    private static Task ToClientAsync(WebSocket socket, UpstreamConnection upstream, CancellationToken cancellationToken) => StreamEnds.IgnoreAsync(async () =>
    {
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await upstream.ReadAsync(buffer, cancellationToken)) > 0)
            await socket.SendAsync(buffer.AsMemory(0, read), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
    });
}
