using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>The server's side of RFC 6455's opening handshake.</summary>
internal static class WebSocketUpgrade
{
    /// <summary>The client asks for a WebSocket, over a connection that can become one.</summary>
    public static bool IsAskedFor(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } && string.Equals(context.Request.Headers.Upgrade.ToString(), "websocket", StringComparison.OrdinalIgnoreCase);

    /// <summary>The subprotocols that the client offers, in its order.</summary>
    public static IReadOnlyList<string> Protocols(HttpContext context) =>
        [.. context.Request.Headers.SecWebSocketProtocol.SelectMany(h => h?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [])];

    /// <param name="protocol">The subprotocol chosen of those offered; null: none.</param>
    /// <exception cref="ApiException">400: the request has no key.</exception>
    public static async Task<WebSocket> AcceptAsync(HttpContext context, string? protocol)
    {
        var key = context.Request.Headers.SecWebSocketKey.ToString();
        if (key.Length == 0) throw ApiException.BadRequest("not a WebSocket request: Sec-WebSocket-Key is missing");
        var answer = context.Response.Headers;
        // RFC 6455, 4.2.2: the one use of SHA-1 that it prescribes.
#pragma warning disable CA5350
        answer.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        answer.Upgrade = "websocket";
        if (protocol is not null) answer.SecWebSocketProtocol = protocol;
        var stream = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = protocol });
    }
}
