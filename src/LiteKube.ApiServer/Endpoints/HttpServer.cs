using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>
/// Kestrel with TLS, HTTP/1.1 and HTTP/2, and nothing above it: no host, no middleware, no routing. Client
/// certificates are asked for, not demanded; whether one is worth anything the authenticator decides.
/// </summary>
internal sealed class HttpServer(IReadOnlyList<IPEndPoint> listen, Func<SslStreamCertificateContext> certificate, ILoggerFactory loggerFactory) : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private WebApplication? _application;
    private IServer? _server;
    private HttpAdapter? _adapter;

    /// <summary>Where it listens, with the ports that the system picked for port 0.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    public async Task StartAsync(HttpAdapter adapter, CancellationToken cancellationToken)
    {
        _adapter = adapter;
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Services.AddSingleton(loggerFactory);
        builder.Services.AddLogging();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Configure);
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new TransportMemory());
        _application = builder.Build();
        _server = _application.Services.GetRequiredService<IServer>();
        await _server.StartAsync(this, cancellationToken);
        Endpoints = [.. _server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(ParseAddress)];
    }

    /// <summary>Refuses new connections and lets requests in flight end until the token says otherwise.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_application is not null) await _application.DisposeAsync();
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        // As the hosting layer does: one context per connection or stream, used again for its next request.
        if (contextFeatures is not IHostContextContainer<HttpContext> container) return new DefaultHttpContext(contextFeatures);
        if (container.HostContext is not DefaultHttpContext context)
        {
            container.HostContext = context = new DefaultHttpContext(contextFeatures);
            return context;
        }
        context.Initialize(contextFeatures);
        return context;
    }

    public Task ProcessRequestAsync(HttpContext context) => _adapter!.ProcessAsync(context);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
        if (context is DefaultHttpContext reusable) reusable.Uninitialize();
    }

    private void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.AllowSynchronousIO = false;
        // Objects are bounded where they are read (413 as a Status); what is proxied is not ours to bound.
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        options.Limits.MaxRequestLineSize = 32 * 1024;
        options.Limits.MaxRequestHeaderCount = 200;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        options.Limits.MaxConcurrentConnections = 16_384;
        options.Limits.MaxConcurrentUpgradedConnections = 4096;
        options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(3);
        // A stopped kubectl must find its watch when it goes on; pings find peers that are gone.
        options.Limits.MinResponseDataRate = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = 1000;
        options.Limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
        options.Limits.Http2.InitialStreamWindowSize = 1024 * 1024;
        options.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        options.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        foreach (var endpoint in listen)
        {
            options.Listen(endpoint, o =>
            {
                o.Protocols = HttpProtocols.Http1AndHttp2;
                o.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(TlsOptions()), HandshakeTimeout = TimeSpan.FromSeconds(10) });
            });
        }
    }

    /// <summary>Per connection, so that a renewed certificate is used from then on.</summary>
    private SslServerAuthenticationOptions TlsOptions() => new()
    {
        ServerCertificateContext = certificate(),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        ClientCertificateRequired = true,
        // Any certificate passes here, and none too: an answer of 401 says more than a broken handshake.
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        CertificateRevocationCheckMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck,
    };

    private static IPEndPoint ParseAddress(string address)
    {
        var uri = new Uri(address);
        return new IPEndPoint(IPAddress.Parse(uri.Host.Trim('[', ']')), uri.Port);
    }
}
