using System.Net;
using LiteKube.ApiServer.Bootstrap;
using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer;

/// <summary>
/// The API server: Kestrel for the world, <see cref="ExecuteAsync"/> and <see cref="WatchAsync"/> for components of
/// this process; both are the same pipeline over the same store.
/// </summary>
public sealed class ApiServer : IAsyncDisposable
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

    private readonly ApiServerOptions _options;
    private readonly IStateStore _store;
    private readonly ILoggerFactory _logs;
    private readonly ILogger<ApiServer> _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<HealthCheck> _checks = [];
    private readonly StoreHealth _storeHealth = new();
    private ClusterPki? _pki;
    private ServerParts? _parts;
    private HttpServer? _http;
    private Task _background = Task.CompletedTask;
    private volatile bool _bootstrapped;

    public ApiServer(ApiServerOptions options, IStateStore store, ILoggerFactory loggerFactory, TimeProvider timeProvider)
    {
        (_options, _store, _logs, _time) = (options, store, loggerFactory, timeProvider);
        _logger = loggerFactory.CreateLogger<ApiServer>();
        _checks.Add(new("etcd", () => _storeHealth.Failure));
        _checks.Add(new("poststarthook/rbac/bootstrap-roles", () => _bootstrapped ? null : "the bootstrap objects are not written yet"));
        _checks.Add(new("shutdown", () => _stopping.IsCancellationRequested ? "the server is stopping" : null));
    }

    /// <summary>Keys and certificates; there once the server has started.</summary>
    public ClusterPki Pki => _pki ?? throw NotStarted();

    /// <summary>Where the server listens, with the ports that the system picked for port 0.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => _http?.Endpoints ?? throw NotStarted();

    /// <summary>Reads objects from memory, as they are stored.</summary>
    public IObjectReader Objects => Parts.Reader;

    private ServerParts Parts => _parts ?? throw NotStarted();

    /// <summary>Adds a condition to /readyz; before the start.</summary>
    public void AddHealthCheck(HealthCheck check) => _checks.Add(check);

    /// <summary>Shows another component's metrics on /metrics, in Prometheus' text form. After the start.</summary>
    public void AddMetrics(Action<System.Text.StringBuilder> write) => Parts.ComponentMetrics.Add(write);

    /// <summary>The checks of /readyz that fail now, each with its reason; empty when the server is ready.</summary>
    public IReadOnlyList<(string Name, string Reason)> ReadinessFailures() => _parts is null ? [("start", "the server has not started")] : _parts.Health.Failures();

    /// <summary>Makes or reads the keys, opens the port, and writes what every cluster has.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    /// <exception cref="InvalidDataException">A key or certificate file cannot be read; the message says what to do.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _pki = await ClusterPki.OpenAsync(new ClusterPkiOptions(Path.Combine(_options.DataDirectory, "pki"), ServingNames(), _options.ClusterDomain), _time, _logs.CreateLogger<ClusterPki>(), cancellationToken);
        _parts = new ServerParts(_options, _store, _pki, _checks, _storeHealth, _logs, _time, _stopping.Token);
        _http = new HttpServer(_options.Listen, _pki.SelectServingCertificate, _logs);
        var adapter = new HttpAdapter(_parts.Pipeline, _parts.Authenticator, _parts.Issuers, _parts.Authorizer, _options.MaxRequestBodyBytes, _logs.CreateLogger<HttpAdapter>(), _stopping.Token);
        await _http.StartAsync(adapter, cancellationToken);
        // Together they share the store's commits.
        await Task.WhenAll(
            _parts.Bootstrap.RunAsync(_http.Endpoints[0].Port, cancellationToken),
            _parts.FlowConfiguration.EnsureAsync(cancellationToken),
            _parts.LegacyTokens.EnsureTrackingAsync(cancellationToken),
            _parts.Aggregation.StartAsync(cancellationToken));
        _bootstrapped = true;
        _background = Task.WhenAll(_parts.Background.Select(run => BackgroundLoop.RunAsync(run, _logger, _time, _stopping.Token)));
        ApiServerLog.Listening(_logger, string.Join(", ", _http.Endpoints));
    }

    /// <summary>Answers a request of this process; errors are Status objects with their code, not exceptions.</summary>
    public Task<InProcessResponse> ExecuteAsync(InProcessRequest request, CancellationToken cancellationToken) => Parts.InProcess.ExecuteAsync(request, cancellationToken);

    /// <summary>A watch of this process. Each element is one event as JSON.</summary>
    /// <exception cref="WatchRefusedException">On the first step, when the server refuses it.</exception>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(InProcessRequest request, CancellationToken cancellationToken) => Parts.InProcess.WatchAsync(request, cancellationToken);

    /// <summary>The machine's address changed: certificate and default/kubernetes follow.</summary>
    public async Task SetAdvertiseAddressAsync(IPAddress address, CancellationToken cancellationToken)
    {
        Pki.SetServingNames([.. ServingNames(), address.ToString()]);
        await Parts.Bootstrap.ReconcileEndpointsAsync(address, Endpoints[0].Port, cancellationToken);
    }

    /// <summary>Ends watches in order, lets requests in flight finish for some seconds, closes the port. The store stays open: it is the caller's.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stopping.IsCancellationRequested) return;
        await _stopping.CancelAsync();
        if (_http is not null)
        {
            using var drained = new CancellationTokenSource(DrainTime, _time);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, drained.Token);
            await _http.StopAsync(linked.Token);
        }
        await _background;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        if (_http is not null) await _http.DisposeAsync();
        if (_parts is not null) await _parts.DisposeAsync();
        _pki?.Dispose();
        _stopping.Dispose();
    }

    private List<string> ServingNames() =>
    [
        _options.AdvertiseAddress.ToString(),
        ServiceCidr.FirstAddress(_options.ServiceCidr).ToString(),
        Environment.MachineName,
        .. _options.ExtraSubjectAlternativeNames,
    ];

    private static InvalidOperationException NotStarted() => new("The API server has not been started.");
}
