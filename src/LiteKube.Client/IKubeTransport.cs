namespace LiteKube.Client;

/// <summary>
/// Carries one API request: in-process straight into the API server's pipeline, or over TLS. Everything typed stands
/// on this, so that a component does not know where its API server runs.
/// </summary>
public interface IKubeTransport
{
    /// <summary>Answers with whatever the server said, errors included.</summary>
    Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken);

    /// <summary>Opens a watch; each element is one JSON watch event (<c>{"type":...,"object":...}</c>). Ends when the server ends it.</summary>
    /// <exception cref="KubeApiException">The server refused the watch.</exception>
    IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, CancellationToken cancellationToken);
}

/// <param name="Method">GET, POST, PUT, PATCH, DELETE.</param>
/// <param name="PathAndQuery">"/api/v1/namespaces/default/pods?limit=500", escaped.</param>
/// <param name="ContentType">Of the body: application/json, application/merge-patch+json, ...</param>
public sealed record KubeRequest(string Method, string PathAndQuery, ReadOnlyMemory<byte> Body = default, string? ContentType = null);

public readonly record struct KubeResponse(int StatusCode, ReadOnlyMemory<byte> Body);
