using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LiteKube.ApiServer.Proxy;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Webhooks;

/// <summary>
/// Calls webhooks over TLS. A service is dialled at one of its ready endpoints, as this server needs no service proxy to
/// reach pods; its certificate must be for the service's name.
/// </summary>
internal sealed class WebhookCaller(ProxyTargets services, TimeProvider time) : IWebhookCaller, IDisposable
{
    private const int MaxAnswerBytes = 64 * 1024 * 1024;
    private const int MaxErrorBytes = 2048;

    /// <summary>Each has its handler: when configurations changed this often, the handlers of old ones are left to end their idle connections.</summary>
    private const int MaxClients = 512;

    // A handler a target: trust belongs to the configuration, not to the host. Records compare by what they hold.
    private readonly ConcurrentDictionary<WebhookTarget, Lazy<HttpMessageInvoker>> _clients = [];

    public async ValueTask<ReadOnlyMemory<byte>> PostAsync(WebhookTarget target, byte[] body, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_clients.Count >= MaxClients) _clients.Clear();
        var client = _clients.GetOrAdd(target, t => new(() => NewClient(t))).Value;
        using var alarm = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, target.Address(timeout)) { Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Accept.ParseAdd("*/*");
        // The name under which webhooks know their API server.
        request.Headers.UserAgent.ParseAdd("kube-apiserver-admission");
        try
        {
            using var response = await client.SendAsync(request, either.Token);
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, either.Token);
            var answer = await response.Content.ReadAsByteArrayAsync(either.Token);
            if ((int)response.StatusCode is >= 200 and < 300) return answer;
            throw new WebhookException(Refusal(response, answer), null, (int)response.StatusCode);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException or ApiException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            var why = alarm.IsCancellationRequested ? "context deadline exceeded" : Describe(exception);
            throw new WebhookException($"Post \"{target.Describe(timeout)}\": {why}", exception);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
        {
            if (client.IsValueCreated) client.Value.Dispose();
        }
    }

    /// <summary>A failure as a Go client words it, where it is a common one.</summary>
    private static string Describe(Exception exception)
    {
        var cause = exception.InnerException ?? exception;
        return cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused } refused ? $"{refused.Data[nameof(EndPoint)] ?? "dial tcp"}: connect: connection refused" : cause.Message;
    }

    /// <summary>An answer that is no success, as client-go words it.</summary>
    private static string Refusal(HttpResponseMessage response, byte[] body)
    {
        var code = (int)response.StatusCode;
        var isText = response.Content.Headers.ContentType?.MediaType is { } type && type.StartsWith("text/", StringComparison.OrdinalIgnoreCase);
        var said = isText ? Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, MaxErrorBytes)).Trim() : "unknown";
        return code switch
        {
            400 => "the server rejected our request for an unknown reason",
            401 => "the server has asked for the client to provide credentials",
            403 => said,
            404 => "the server could not find the requested resource",
            405 => "the server does not allow this method on the requested resource",
            406 or 415 => said,
            409 => "the server reported a conflict",
            422 => "the server rejected our request due to an error in our request",
            429 => "the server has received too many requests and has asked us to try again later",
            503 => "the server is currently unable to handle the request",
            504 => "the server was unable to return a response in the time allotted, but may still be processing the request",
            >= 500 => $"an error on the server ({GoValues.Quote(said)}) has prevented the request from succeeding",
            _ => $"the server responded with the status code {code.ToString(CultureInfo.InvariantCulture)} but did not return more details",
        };
    }

    private HttpMessageInvoker NewClient(WebhookTarget target)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            // The call's own time bounds it; this is for what goes on when nobody waits any more.
            ConnectTimeout = TimeSpan.FromSeconds(30),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            SslOptions = new SslClientAuthenticationOptions { TargetHost = target.Url.Host, RemoteCertificateValidationCallback = (_, certificate, chain, problems) => IsTrusted(target, certificate, chain, problems) },
            ConnectCallback = async (context, cancellationToken) =>
            {
                var (host, port) = target.Service is { } service ? services.FindEndpoint(service.Namespace, service.Name, service.Port) : (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
                return await ConnectAsync(host, port, cancellationToken);
            },
        };
        return new HttpMessageInvoker(handler);
    }

    private static async ValueTask<Stream> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            exception.Data[nameof(EndPoint)] = $"dial tcp {(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port.ToString(CultureInfo.InvariantCulture)}";
            throw;
        }
    }

    /// <summary>A configuration that brings authorities trusts these alone.</summary>
    /// <exception cref="AuthenticationException">It is not trusted; the message says why.</exception>
    private bool IsTrusted(WebhookTarget target, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors problems)
    {
        const string Failed = "tls: failed to verify certificate: x509: ";
        if (certificate is not X509Certificate2 leaf) return false;
        if (target.CertificateAuthorities.Length == 0 ? (problems & SslPolicyErrors.RemoteCertificateChainErrors) != 0 : !IsSignedBy(target.CertificateAuthorities, leaf, presented))
            throw new AuthenticationException(Failed + "certificate signed by unknown authority");
        if ((problems & SslPolicyErrors.RemoteCertificateNameMismatch) == 0) return true;
        var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).ToList();
        throw new AuthenticationException(Failed + (names.Count == 0 ? $"certificate is not valid for any names, but wanted to match {target.Url.Host}" : $"certificate is valid for {string.Join(", ", names)}, not {target.Url.Host}"));
    }

    private bool IsSignedBy(string authorities, X509Certificate2 leaf, X509Chain? presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(authorities);
        foreach (var element in presented?.ChainElements.Skip(1) ?? []) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }
}
