using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer;

/// <summary>A request of a component of this process: it passes authorization and admission as its user, and skips HTTP and authentication.</summary>
/// <param name="Method">GET, POST, PUT, PATCH, DELETE.</param>
/// <param name="PathAndQuery">"/api/v1/namespaces/default/pods?limit=500", escaped.</param>
public sealed record InProcessRequest(string Method, string PathAndQuery, UserInfo User, ReadOnlyMemory<byte> Body = default, string? ContentType = null, string? Accept = null);

/// <param name="Body">Read-only; may be the stored bytes themselves.</param>
public readonly record struct InProcessResponse(int StatusCode, string ContentType, ReadOnlyMemory<byte> Body);

/// <summary>A watch that was refused; <see cref="Status"/> is the Status object as JSON.</summary>
public sealed class WatchRefusedException(int statusCode, ReadOnlyMemory<byte> status) : Exception($"The API server refused the watch with status {statusCode}.")
{
    public int StatusCode { get; } = statusCode;
    public ReadOnlyMemory<byte> Status { get; } = status;
}
