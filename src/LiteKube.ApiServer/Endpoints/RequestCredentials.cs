using System.Buffers.Text;
using System.Text;
using LiteKube.ApiServer.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>What an HTTP request brings to say who asks.</summary>
internal static class RequestCredentials
{
    private const string BearerProtocol = "base64url.bearer.authorization.k8s.io.";

    /// <exception cref="ApiException">401: a token that is none.</exception>
    public static Credentials Read(HttpContext context)
    {
        var headers = context.Request.Headers;
        var certificate = context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        string? token = null;
        if (headers.Authorization is [{ } authorization, ..] && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            token = authorization["Bearer ".Length..].Trim();
        else if (headers.SecWebSocketProtocol.Count > 0)
            token = TokenOfProtocols(context);
        return new Credentials(certificate, string.IsNullOrEmpty(token) ? null : token, headers);
    }

    /// <summary>Browsers cannot set headers on a WebSocket: the token comes as a subprotocol, which the backend must not see.</summary>
    private static string? TokenOfProtocols(HttpContext context)
    {
        string? token = null;
        var rest = new List<string>();
        foreach (var protocol in context.Request.Headers.SecWebSocketProtocol.SelectMany(h => h?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? []))
        {
            if (!protocol.StartsWith(BearerProtocol, StringComparison.Ordinal))
            {
                rest.Add(protocol);
                continue;
            }
            var encoded = protocol.AsSpan(BearerProtocol.Length);
            if (!Base64Url.IsValid(encoded)) throw ApiException.Unauthorized();
            token = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(encoded));
        }
        if (token is not null) context.Request.Headers.SecWebSocketProtocol = string.Join(", ", rest);
        return token;
    }

    public static bool HasImpersonation(IHeaderDictionary headers)
    {
        foreach (var header in headers)
        {
            if (header.Key.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }
}
