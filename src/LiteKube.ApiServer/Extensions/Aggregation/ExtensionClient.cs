using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Proxy;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>
/// The connections to one extension server: an endpoint of its service is dialled, its certificate must be for the
/// service's name, and it is shown the front proxy's certificate.
/// </summary>
internal sealed class ExtensionClient : IDisposable
{
    private const int KeepAliveSeconds = 30;
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(10);

    private readonly ExtensionTarget _target;
    private readonly ProxyTargets _services;
    private readonly ClusterPki _pki;
    private readonly TimeProvider _time;
    private readonly X509Certificate2Collection? _authorities;
    private readonly HttpMessageInvoker _invoker;

    /// <exception cref="ApiException">500: the bundle of authorities cannot be read.</exception>
    public ExtensionClient(ExtensionTarget target, ProxyTargets services, ClusterPki pki, TimeProvider time)
    {
        (_target, _services, _pki, _time) = (target, services, pki, time);
        _authorities = ReadAuthorities(target.CaBundle);
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ConnectTime,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
            // Also the time after which a renewed client certificate is shown to everyone.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            PlaintextStreamFilter = static (context, _) => ValueTask.FromResult(HeaderLines.Breaking(context.PlaintextStream)),
            ConnectCallback = ConnectAsync,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            SslOptions = TlsOptions(),
        });
    }

    /// <summary>One endpoint of the service, another one each time when there are several: "https://10.1.0.7:7443".</summary>
    /// <exception cref="ApiException">503: there is none.</exception>
    public string FindEndpoint()
    {
        var (host, port) = _services.FindEndpoint(_target.Namespace, _target.Name, _target.Port);
        return string.Create(CultureInfo.InvariantCulture, $"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");
    }

    /// <summary>Sends a request that <see cref="Prepare"/> made; its answer's body is still to come.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _invoker.SendAsync(request, cancellationToken);

    /// <param name="pathAndQuery">Escaped.</param>
    public HttpRequestMessage Prepare(HttpMethod method, string endpoint, string pathAndQuery, UserInfo user)
    {
        var address = new Uri(endpoint + pathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(method, address) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        // The name for which the server's certificate must be, whatever endpoint it is.
        request.Headers.Host = _target.ServerName;
        HeaderLines.Add(request.Headers, FrontProxyHeaders.Of(user));
        return request;
    }

    /// <summary>A connection of its own, for an upgrade.</summary>
    public async Task<BackendConnection> ConnectAsync(string endpoint, CancellationToken cancellationToken)
    {
        using var alarm = new CancellationTokenSource(ConnectTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        var address = new Uri(endpoint);
        var socket = await ConnectAsync(new DnsEndPoint(address.DnsSafeHost, address.Port), either.Token);
        try
        {
            var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            var options = TlsOptions();
            options.TargetHost = _target.ServerName;
            options.ApplicationProtocols = [SslApplicationProtocol.Http11];
            await tls.AuthenticateAsClientAsync(options, either.Token);
            return new BackendConnection(socket, tls);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Why a request got no answer, in a word; null for what is no matter of the connection.</summary>
    public static string? Problem(Exception exception) => exception switch
    {
        OperationCanceledException => "context deadline exceeded",
        HttpRequestException { InnerException: AuthenticationException tls } => $"tls: failed to verify certificate: {tls.Message}",
        HttpRequestException or IOException or SocketException or AuthenticationException => exception.InnerException?.Message ?? exception.Message,
        ObjectDisposedException => "the connection was closed because its APIService changed",
        _ => null,
    };

    public void Dispose() => _invoker.Dispose();

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        new NetworkStream(await ConnectAsync(context.DnsEndPoint, cancellationToken), ownsSocket: true);

    private static async Task<Socket> ConnectAsync(DnsEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // A watch waits for hours: the kernel finds out that its server is gone.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds / 2);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(endpoint, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static X509Certificate2Collection? ReadAuthorities(string bundle)
    {
        if (bundle.Length == 0) return null;
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(Encoding.UTF8.GetString(Convert.FromBase64String(bundle)));
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            authorities.Clear();
        }
        return authorities.Count > 0 ? authorities : throw new ApiException(500, "InternalError", "unable to load root certificates: unable to parse bytes as PEM block");
    }

    private SslClientAuthenticationOptions TlsOptions() => new()
    {
        LocalCertificateSelectionCallback = (_, _, _, _, _) => _pki.FrontProxyClient.Current,
        RemoteCertificateValidationCallback = (_, certificate, chain, problems) => IsTrusted(certificate, chain, problems),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    private bool IsTrusted(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors problems)
    {
        if (_target.SkipsVerification) return true;
        if (_authorities is null) return problems == SslPolicyErrors.None;
        // Only whom the bundle names is trusted, whatever the system says of it.
        if (certificate is not X509Certificate2 leaf || (problems & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().LocalDateTime;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(CertificateIssuer.ServerAuthOid));
        foreach (var element in presented?.ChainElements.Skip(1) ?? []) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }
}
