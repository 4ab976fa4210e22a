using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.Kubelet.Server.Streaming;

/// <summary>
/// exec and attach over WebSocket <c>v5.channel.k8s.io</c> (KEP-4006): the first byte of a message names its channel, and
/// 255 followed by a channel closes that one. The runtime's WebSocket has no such message, its SPDY has a half-close for
/// each stream, so SPDY is what goes to the runtime.
/// </summary>
internal static class WebSocketExec
{
    public const string Protocol = "v5.channel.k8s.io";
    private const int Stdin = 0, Stdout = 1, Stderr = 2, Error = 3, Resize = 4, CloseSignal = 255;
    private const int BufferBytes = 32 << 10;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(HttpContext context, IHttpUpgradeFeature upgrade, Uri target, TimeProvider time)
    {
        using var upstream = await UpstreamConnection.OpenAsync(target, context.RequestAborted);
        var answer = await upstream.RequestAsync("POST", target,
        [
            new("Connection", "Upgrade"),
            new("Upgrade", "SPDY/3.1"),
            new("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
            new("Content-Length", "0"),
        ], time, context.RequestAborted);
        if (!answer.IsUpgraded)
            throw new IOException($"the container runtime refused the stream with status {answer.StatusCode}");

        using var spdy = new SpdyClient(upstream);
        var streams = await OpenStreamsAsync(spdy, RemoteCommandOptions.Parse(context.Request.Query), context.RequestAborted);
        using var socket = await WebSocketAccept.UpgradeAsync(context, upgrade, Protocol);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var toRuntime = ToRuntimeAsync(socket, spdy, streams, stop.Token);
        var toClient = ToClientAsync(socket, spdy, streams, stop.Token);
        // The process decides when it is over; a client that goes away ends it by the connection to the runtime.
        await Task.WhenAny(toRuntime, toClient);
        if (toClient.IsCompleted)
            await CloseAsync(socket, toRuntime, time);
        await stop.CancelAsync();
        await Task.WhenAll(toRuntime, toClient);
    }

    /// <summary>Stream ids by channel; 0 where there is none. The error stream is the first that the runtime waits for.</summary>
    private static async Task<int[]> OpenStreamsAsync(SpdyClient spdy, RemoteCommandOptions options, CancellationToken cancellationToken)
    {
        var ids = new int[5];
        ids[Error] = await OpenAsync("error");
        if (options.Stdin)
            ids[Stdin] = await OpenAsync("stdin");
        if (options.Stdout)
            ids[Stdout] = await OpenAsync("stdout");
        if (options.Stderr)
            ids[Stderr] = await OpenAsync("stderr");
        if (options.Tty)
            ids[Resize] = await OpenAsync("resize");
        return ids;

        Task<int> OpenAsync(string type) => spdy.OpenAsync([new("streamtype", type)], cancellationToken);
    }

    private static Task ToRuntimeAsync(WebSocket socket, SpdyClient spdy, int[] streams, CancellationToken cancellationToken) => StreamEnds.IgnoreAsync(async () =>
    {
        var buffer = new byte[BufferBytes];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                if (length == buffer.Length)
                    Array.Resize(ref buffer, buffer.Length * 2);
                result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                if (result.MessageType == WebSocketMessageType.Close)
                    return;
                length += result.Count;
            }
            while (!result.EndOfMessage);
            if (length == 0)
                continue;
            var isClose = buffer[0] == CloseSignal;
            var channel = isClose ? length > 1 ? buffer[1] : -1 : buffer[0];
            if (channel is not (Stdin or Resize) || streams[channel] == 0)
                continue;
            await spdy.SendAsync(streams[channel], isClose ? default : buffer.AsMemory(1, length - 1), isClose, cancellationToken);
        }
    });

    private static Task ToClientAsync(WebSocket socket, SpdyClient spdy, int[] streams, CancellationToken cancellationToken) => StreamEnds.IgnoreAsync(async () =>
    {
        // Streams that the runtime still writes: it is over when all have ended.
        var open = new HashSet<int>(new[] { streams[Stdout], streams[Stderr], streams[Error] }.Where(id => id != 0));
        while (open.Count > 0 && await spdy.ReceiveAsync(cancellationToken) is { } data)
        {
            var channel = Array.IndexOf(streams, data.StreamId);
            if (channel is Stdout or Stderr or Error && data.Bytes.Length > 0)
            {
                var message = new byte[data.Bytes.Length + 1];
                message[0] = (byte)channel;
                data.Bytes.CopyTo(message.AsMemory(1));
                await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
            }
            if (data.IsLast)
                open.Remove(data.StreamId);
        }
    });

    /// <summary>Waits for the client's own close: ending the connection before it has read all could cost it the last bytes.</summary>
    private static async Task CloseAsync(WebSocket socket, Task clientEnd, TimeProvider time)
    {
        using var deadline = new CancellationTokenSource(CloseTimeout, time);
        await StreamEnds.IgnoreAsync(async () =>
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
            await clientEnd.WaitAsync(deadline.Token);
        });
    }
}
