using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LiteKube.ApiServer.Proxy;

/// <summary>Passes a plain request to a backend and its answer back as it comes: nothing is held, so that logs can be followed.</summary>
internal sealed class HttpRelay(BackendConnector connector)
{
    // RFC 9110, 7.6.1: what concerns one connection only; and who the client is to us.
    private static readonly string[] NotForwarded =
        ["Host", "Connection", "Upgrade", "Authorization", "Transfer-Encoding", "Keep-Alive", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection", "TE", "Trailer"];

    /// <param name="prefix">The path under which the client sees the backend: locations that the backend names are moved below it. Null: the backend is no website.</param>
    /// <param name="check">Sees the answer before the client does, and throws when the client is to get an error instead.</param>
    public async Task RunAsync(HttpContext context, ProxyTarget target, string pathAndQuery, string? prefix, CancellationToken cancellationToken, Func<HttpResponseMessage, CancellationToken, Task>? check = null)
    {
        using var request = Request(context, target, pathAndQuery);
        HttpResponseMessage answer;
        try
        {
            answer = await connector.ClientFor(target).SendAsync(request, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && BackendConnector.Unreachable(target, exception) is not null)
        {
            throw BackendConnector.Unreachable(target, exception)!;
        }
        using (answer)
        {
            if (check is not null) await check(answer, cancellationToken);
            await AnswerAsync(context, answer, prefix is null ? null : location => Relocate(location, target, prefix), cancellationToken);
        }
    }

    /// <summary>Gives the client what a backend answered, as it comes.</summary>
    /// <param name="relocate">What a place that the backend names is to the client; null: the same.</param>
    public static async Task AnswerAsync(HttpContext context, HttpResponseMessage answer, Func<string, string>? relocate, CancellationToken cancellationToken)
    {
        CopyHead(context, answer, relocate);
        await context.Response.StartAsync(cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        await StreamCopy.CopyAsync(body, context.Response.Body, cancellationToken);
    }

    private static HttpRequestMessage Request(HttpContext context, ProxyTarget target, string pathAndQuery)
    {
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri($"{target}{pathAndQuery}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })) { Version = HttpVersion.Version11 };
        Fill(request, context);
        return request;
    }

    /// <summary>Gives a request for a backend the body and the headers of the client's.</summary>
    /// <param name="isWithheld">Headers that the backend must not see, beside those that nobody forwards.</param>
    public static void Fill(HttpRequestMessage request, HttpContext context, Func<string, bool>? isWithheld = null)
    {
        var source = context.Request;
        if (source.ContentLength > 0 || source.Headers.TransferEncoding.Count > 0 || (source.ContentLength is null && source.Protocol == "HTTP/2" && source.Method is not ("GET" or "HEAD" or "DELETE")))
            request.Content = new StreamContent(source.Body);
        foreach (var (name, values) in source.Headers)
        {
            if (!IsForwarded(name) || isWithheld?.Invoke(name) == true) continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        if (context.Connection.RemoteIpAddress is { } client) request.Headers.TryAddWithoutValidation("X-Forwarded-For", client.ToString());
    }

    private static bool IsForwarded(string name) => !name.StartsWith(':') && !NotForwarded.Contains(name, StringComparer.OrdinalIgnoreCase) && !name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase);

    private static void CopyHead(HttpContext context, HttpResponseMessage answer, Func<string, string>? relocate)
    {
        var response = context.Response;
        response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.NonValidated)
        {
            if (NotForwarded.Contains(name, StringComparer.OrdinalIgnoreCase)) continue;
            response.Headers[name] = relocate is not null && name.Equals("Location", StringComparison.OrdinalIgnoreCase) ? relocate(values.ToString()) : new StringValues([.. values]);
        }
        foreach (var (name, values) in answer.Content.Headers.NonValidated) response.Headers[name] = new StringValues([.. values]);
    }

    /// <summary>A place on the backend, as the client can reach it.</summary>
    private static string Relocate(string location, ProxyTarget target, string prefix)
    {
        if (location.StartsWith('/') && !location.StartsWith("//", StringComparison.Ordinal)) return prefix + location;
        if (!Uri.TryCreate(location, UriKind.Absolute, out var uri) || uri.Authority != new Uri(target.ToString()).Authority) return location;
        return prefix + uri.PathAndQuery + uri.Fragment;
    }
}
