using System.Net.Http.Headers;
using System.Text;

namespace LiteKube.Benchmarks;

/// <summary>The few requests that the measurements make; any answer but success ends the run with the server's words.</summary>
internal static class Requests
{
    public static async Task SendAsync(this HttpClient client, HttpMethod method, string path, byte[]? body, string mediaType, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        }
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await response.EnsureAsync(cancellationToken);
        await response.Content.CopyToAsync(Stream.Null, cancellationToken);
    }

    public static Task PostAsync(this HttpClient client, string path, string json, CancellationToken cancellationToken) =>
        client.SendAsync(HttpMethod.Post, path, Encoding.UTF8.GetBytes(json), "application/json", cancellationToken);

    public static Task DeleteAsync(this HttpClient client, string path, string options, CancellationToken cancellationToken) =>
        client.SendAsync(HttpMethod.Delete, path, Encoding.UTF8.GetBytes(options), "application/json", cancellationToken);

    public static async Task EnsureAsync(this HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
    }

    /// <summary>Makes a namespace, runs, and removes the namespace again.</summary>
    public static async Task InNamespaceAsync(KubeEndpoint endpoint, string prefix, Func<string, Task> run, CancellationToken cancellationToken)
    {
        var name = $"{prefix}-{Guid.NewGuid():N}"[..(prefix.Length + 9)];
        using var client = endpoint.Connect();
        await client.PostAsync("/api/v1/namespaces", $$$$$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{{{{name}}}}}}"}}""", cancellationToken);
        try
        {
            await run(name);
        }
        finally
        {
            await client.DeleteAsync($"/api/v1/namespaces/{name}", "{}", CancellationToken.None);
        }
    }
}
