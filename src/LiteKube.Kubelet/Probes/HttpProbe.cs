using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using k8s.Models;

namespace LiteKube.Kubelet.Probes;

/// <summary>
/// GET with a verdict by status code: 200-399 is healthy. Certificates are not verified. Redirects are followed on the
/// same host only; one to elsewhere is a success with a warning.
/// </summary>
internal sealed class HttpProbe : IDisposable
{
    public const string UserAgent = "kube-probe/1.37";
    private const int MaxRedirects = 10;

    private readonly HttpClient _client;
    private readonly TimeProvider _time;

    public HttpProbe(TimeProvider time)
    {
        _time = time;
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            // Each probe proves that the server takes new connections.
            PooledConnectionLifetime = TimeSpan.Zero,
            ActivityHeadersPropagator = null,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _client.Dispose();

    public async Task<ProbeOutcome> RunAsync(V1HTTPGetAction action, string host, int port, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var scheme = string.IsNullOrEmpty(action.Scheme) ? "http" : action.Scheme.ToLowerInvariant();
        var path = string.IsNullOrEmpty(action.Path) ? "/" : action.Path.StartsWith('/') ? action.Path : "/" + action.Path;
        var url = $"{scheme}://{DialErrors.Address(host, port)}{path}";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri))
            return new ProbeOutcome(ProbeResult.Unknown, $"parse \"{url}\": invalid URL");

        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await FollowAsync(action, uri, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ProbeOutcome(ProbeResult.Failure, $"Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException socket)
        {
            return new ProbeOutcome(ProbeResult.Failure, $"Get \"{url}\": dial tcp {DialErrors.Address(host, port)}: {DialErrors.Describe(socket)}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new ProbeOutcome(ProbeResult.Failure, $"Get \"{url}\": {(e.InnerException ?? e).Message}");
        }
    }

    private async Task<ProbeOutcome> FollowAsync(V1HTTPGetAction action, Uri first, CancellationToken cancellationToken)
    {
        var uri = first;
        for (var redirects = 0; ; redirects++)
        {
            using var request = Request(action, uri);
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var status = (int)response.StatusCode;
            if (status is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is { } location)
            {
                var next = location.IsAbsoluteUri ? location : new Uri(uri, location);
                if (next.Host != first.Host || next.Scheme is not ("http" or "https"))
                    return new ProbeOutcome(ProbeResult.Warning, "Probe terminated redirects, Response body: " + await BodyAsync(response, cancellationToken));
                if (redirects >= MaxRedirects)
                    return new ProbeOutcome(ProbeResult.Failure, $"Get \"{next}\": stopped after 10 redirects");
                uri = next;
                continue;
            }
            if (status is >= 200 and < 400)
                return status >= 300
                    ? new ProbeOutcome(ProbeResult.Warning, "Probe terminated redirects, Response body: " + await BodyAsync(response, cancellationToken))
                    : new ProbeOutcome(ProbeResult.Success);
            return new ProbeOutcome(ProbeResult.Failure, $"HTTP probe failed with statuscode: {status}");
        }
    }

    private static HttpRequestMessage Request(V1HTTPGetAction action, Uri uri)
    {
        var isHttp2 = action.Protocol == "HTTP2";
        var request = new HttpRequestMessage(HttpMethod.Get, uri)
        {
            Version = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (!isHttp2)
            request.Headers.ConnectionClose = true;
        var hasAgent = false;
        var hasAccept = false;
        foreach (var header in action.HttpHeaders ?? [])
        {
            hasAgent |= header.Name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase);
            hasAccept |= header.Name.Equals("Accept", StringComparison.OrdinalIgnoreCase);
            if (header.Name.Equals("Host", StringComparison.OrdinalIgnoreCase))
                request.Headers.Host = header.Value;
            // An empty Accept or User-Agent means: send none.
            else if (!string.IsNullOrEmpty(header.Value))
                request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        if (!hasAgent)
            request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        if (!hasAccept)
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("*/*"));
        return request;
    }

    private static async Task<string> BodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[ProbeRunner.MaxOutputBytes];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return System.Text.Encoding.UTF8.GetString(buffer, 0, length);
    }
}
