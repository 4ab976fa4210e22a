using System.Buffers;
using System.Net.WebSockets;
using LiteKube.ApiServer.Endpoints;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Watch;

/// <summary>
/// A watch over WebSocket, as browsers and some client libraries open it: a message for each event, text for JSON and
/// binary for protobuf. What the client sends is ignored; when it closes, the watch is over.
/// </summary>
internal static class WatchSocket
{
    /// <summary>The bytes before a protobuf event that tell its length: a message has its own.</summary>
    private const int LengthPrefixBytes = 4;

    /// <summary>Upstream's handshake library asks for these; null when the request has them.</summary>
    public static int? RefusalOf(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.SecWebSocketVersion.ToString() != "13") return StatusCodes.Status400BadRequest;
        if (headers.SecWebSocketKey.Count == 0) return StatusCodes.Status400BadRequest;
        if (!Uri.TryCreate(headers.Origin.ToString(), UriKind.Absolute, out _)) return StatusCodes.Status403Forbidden;
        // It chooses no subprotocol: one is taken whatever it is, of several none can be.
        return WebSocketUpgrade.Protocols(context).Count > 1 ? StatusCodes.Status400BadRequest : null;
    }

    /// <param name="onInitialSent">Called after each event once the initial ones are out.</param>
    public static async Task RunAsync(HttpContext context, WatchStream stream, bool isText, Action onInitialSent, CancellationToken cancellationToken)
    {
        using var socket = await WebSocketUpgrade.AcceptAsync(context, WebSocketUpgrade.Protocols(context).FirstOrDefault());
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var receiving = ReceiveAsync(socket, ended);
        try
        {
            await SendAsync(socket, stream, isText, onInitialSent, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The client closed.
        }
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived) await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
        await ended.CancelAsync();
        await receiving;
    }

    private static async Task SendAsync(WebSocket socket, WatchStream stream, bool isText, Action onInitialSent, CancellationToken cancellationToken)
    {
        var frame = new ArrayBufferWriter<byte>();
        bool goesOn;
        do
        {
            goesOn = await stream.WaitAsync(cancellationToken);
            // A last bookmark may have become due at the end.
            while (stream.TryWrite(frame))
            {
                var message = isText ? frame.WrittenMemory : frame.WrittenMemory[LengthPrefixBytes..];
                await socket.SendAsync(message, isText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
                frame.Clear();
            }
            if (stream.HasSentInitial) onInitialSent();
        }
        while (goesOn);
    }

    /// <summary>Reads to the end, which ends the watch; pings are answered on the way.</summary>
    private static async Task ReceiveAsync(WebSocket socket, CancellationTokenSource ended)
    {
        var ignored = new byte[1024];
        try
        {
            while ((await socket.ReceiveAsync(ignored.AsMemory(), ended.Token)).MessageType != WebSocketMessageType.Close) continue;
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException)
        {
            // Our own end, or a connection that broke: either way nothing more comes.
        }
        await ended.CancelAsync();
    }
}
