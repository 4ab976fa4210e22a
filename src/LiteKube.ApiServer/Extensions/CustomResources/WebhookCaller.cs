using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using LiteKube.ApiServer.Proxy;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>
/// Calls webhooks over TLS. A service is dialled at one of its ready endpoints, as this server needs no service proxy to
/// reach pods; its certificate must be for the service's name.
/// </summary>
internal sealed class WebhookCaller(ProxyTargets services, TimeProvider time) : IWebhookCaller, IDisposable
{
    private const int MaxAnswerBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(30);

    // A handler a target: trust belongs to the CRD, not to the host. Records compare by what they hold.
    private readonly ConcurrentDictionary<WebhookTarget, Lazy<HttpMessageInvoker>> _clients = [];

    public async ValueTask<ReadOnlyMemory<byte>> PostAsync(WebhookTarget target, byte[] body, CancellationToken cancellationToken)
    {
        var client = _clients.GetOrAdd(target, t => new(() => NewClient(t))).Value;
        using var alarm = new CancellationTokenSource(CallTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, Address(target)) { Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        request.Headers.Accept.ParseAdd("application/json");
        try
        {
            using var response = await client.SendAsync(request, either.Token);
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, either.Token);
            var answer = await response.Content.ReadAsByteArrayAsync(either.Token);
            if ((int)response.StatusCode is >= 200 and < 300) return answer;
            throw new WebhookException($"the server responded with the status code {((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)} but did not return more details");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException or ApiException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            var why = alarm.IsCancellationRequested ? "context deadline exceeded" : exception.InnerException?.Message ?? exception.Message;
            throw new WebhookException($"Post \"{Address(target)}\": {why}", exception);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
        {
            if (client.IsValueCreated) client.Value.Dispose();
        }
    }

    /// <summary>Kubernetes says in the query how long it waits.</summary>
    private static Uri Address(WebhookTarget target) => new(target.Url.AbsoluteUri + "?timeout=30s");

    private HttpMessageInvoker NewClient(WebhookTarget target)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            SslOptions = new SslClientAuthenticationOptions { TargetHost = target.Url.Host, RemoteCertificateValidationCallback = (_, certificate, chain, problems) => IsTrusted(target, certificate, chain, problems) },
        };
        if (target.Service is { } service)
        {
            handler.ConnectCallback = async (_, cancellationToken) =>
            {
                var (host, port) = services.FindEndpoint(service.Namespace, service.Name, service.Port);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(host, port, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }
        return new HttpMessageInvoker(handler);
    }

    private bool IsTrusted(WebhookTarget target, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors problems)
    {
        if (problems == SslPolicyErrors.None) return true;
        if (target.CertificateAuthorities.Length == 0 || certificate is not X509Certificate2 leaf || (problems & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(target.CertificateAuthorities);
        foreach (var element in presented?.ChainElements.Skip(1) ?? []) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }
}
