using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using LiteKube.Client;
using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Server.Logs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Server;

/// <summary>How the kubelet's server proves itself and whom it lets in.</summary>
public sealed record KubeletServerSecurity
{
    /// <summary>The serving certificate; asked for at each connection, so that a renewed one is used at once.</summary>
    public required Func<SslStreamCertificateContext> ServingCertificate { get; init; }

    /// <summary>The cluster's CA: clients must have a certificate that it signed.</summary>
    public required X509Certificate2 ClientAuthority { get; init; }

    /// <summary>Which of those clients may do everything here; null means the API server's own identity and system:masters.</summary>
    public Func<X509Certificate2, bool>? IsAllowed { get; init; }
}

/// <summary>
/// The kubelet's TLS server: logs, exec, attach, port-forward and figures of the pods on this node, for the API server
/// (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/).
/// </summary>
public sealed class KubeletServer(KubeletOptions options, KubeletServerSecurity security, IPodDirectory pods, ILoggerFactory loggers, TimeProvider time) : IComponent, IAsyncDisposable
{
    private readonly KubeletEndpoints _endpoints = new(options, pods, loggers, time);
    private WebApplication? _app;

    public string Name => "kubelet-server";

    public ComponentHealth Health => _app is null ? ComponentHealth.NotReady("the kubelet's server has not been started") : ComponentHealth.Ready;

    /// <summary>The port it listens on, once started: what the Node's daemonEndpoints say.</summary>
    public int Port { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1 << 20;
            // A log that is followed may be silent, a shell idle, for as long as its user likes.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(options.BindAddress, options.Port, listen => listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(TlsOptions()) }));
        });
        var app = builder.Build();
        app.Run(_endpoints.HandleAsync);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await app.DisposeAsync();
            throw new IOException($"the kubelet cannot listen on {options.BindAddress}:{options.Port}: the port is in use; choose another kubelet port", e);
        }
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Port = BindingAddress.Parse(address).Port;
        _app = app;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is not { } app)
            return;
        _app = null;
        _endpoints.EndStreams();
        await app.StopAsync(cancellationToken);
        await app.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private SslServerAuthenticationOptions TlsOptions() => new()
    {
        ServerCertificateContext = security.ServingCertificate(),
        ClientCertificateRequired = true,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 client && IsTrusted(client),
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    };

    private bool IsTrusted(X509Certificate2 client)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(security.ClientAuthority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new("1.3.6.1.5.5.7.3.2"));
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        return chain.Build(client) && (security.IsAllowed ?? IsApiServer)(client);
    }

    private static bool IsApiServer(X509Certificate2 client) => client.SubjectName.EnumerateRelativeDistinguishedNames().Any(part =>
        !part.HasMultipleElements && (part.GetSingleElementType().Value, part.GetSingleElementValue()) is ("2.5.4.10", "system:masters") or ("2.5.4.3", "kube-apiserver-kubelet-client"));
}
