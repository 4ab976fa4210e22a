using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using LiteKube.ApiServer.Certificates;

namespace LiteKube.ApiServer.Proxy;

/// <summary>Opens connections to kubelets, pods and services. A kubelet is shown our client certificate and must show one of the cluster's; a pod's certificate is nobody's to judge.</summary>
internal sealed class BackendConnector(ClusterPki pki, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(10);

    private HttpMessageInvoker? _kubelets;
    private HttpMessageInvoker? _others;

    /// <summary>For plain requests; connections are kept and used again.</summary>
    public HttpMessageInvoker ClientFor(ProxyTarget target) => target.IsKubelet
        ? LazyInitializer.EnsureInitialized(ref _kubelets, () => NewClient(isKubelet: true))
        : LazyInitializer.EnsureInitialized(ref _others, () => NewClient(isKubelet: false));

    /// <summary>A connection of its own, for an upgrade.</summary>
    /// <exception cref="ApiException">503: nothing answers there.</exception>
    public async Task<BackendConnection> ConnectAsync(ProxyTarget target, CancellationToken cancellationToken)
    {
        using var alarm = new CancellationTokenSource(ConnectTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target.Host, target.Port, either.Token);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (!target.IsTls) return new BackendConnection(socket, stream);
            var tls = new SslStream(stream);
            await tls.AuthenticateAsClientAsync(TlsOptions(target.IsKubelet, target.Host, [SslApplicationProtocol.Http11]), either.Token);
            return new BackendConnection(socket, tls);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            if (Unreachable(target, exception) is { } refusal && !cancellationToken.IsCancellationRequested) throw refusal;
            throw;
        }
    }

    /// <summary>The API's word for a backend that cannot be reached; null for anything else.</summary>
    public static ApiException? Unreachable(ProxyTarget target, Exception exception) => exception switch
    {
        SocketException or IOException or HttpRequestException or System.Security.Authentication.AuthenticationException or OperationCanceledException =>
            new ApiException(503, "ServiceUnavailable", $"error trying to reach service: {target}: {exception.InnerException?.Message ?? exception.Message}"),
        _ => null,
    };

    public void Dispose()
    {
        _kubelets?.Dispose();
        _others?.Dispose();
    }

    private HttpMessageInvoker NewClient(bool isKubelet) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = System.Net.DecompressionMethods.None,
        ConnectTimeout = ConnectTime,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        // Also the time after which a renewed client certificate is shown to everyone.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        SslOptions = TlsOptions(isKubelet, null, null),
    });

    private SslClientAuthenticationOptions TlsOptions(bool isKubelet, string? host, List<SslApplicationProtocol>? protocols)
    {
        var options = new SslClientAuthenticationOptions
        {
            ApplicationProtocols = protocols,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => !isKubelet || IsOurs(certificate),
        };
        if (host is not null) options.TargetHost = host;
        if (isKubelet) options.LocalCertificateSelectionCallback = (_, _, _, _, _) => pki.KubeletClient.Current;
        return options;
    }

    private bool IsOurs(X509Certificate? certificate) =>
        certificate is X509Certificate2 presented && ChainVerifier.Verify(presented, pki.CertificateAuthority, time.GetUtcNow(), CertificateIssuer.ServerAuthOid) is null;
}

/// <summary>One connection to a backend whose two directions end apart.</summary>
internal sealed class BackendConnection(Socket socket, Stream stream) : IAsyncDisposable
{
    public Stream Stream => stream;

    /// <summary>Tells the backend that nothing more comes, while its answer is still read.</summary>
    public async Task EndWritingAsync()
    {
        if (stream is SslStream tls) await tls.ShutdownAsync();
        else socket.Shutdown(SocketShutdown.Send);
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
