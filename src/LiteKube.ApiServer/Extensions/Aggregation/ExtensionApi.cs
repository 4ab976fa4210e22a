using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>What this server does for one APIService of another server, in loops of their own so that a slow server keeps nobody else waiting.</summary>
internal sealed class ExtensionApi : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending;
    private readonly RecheckLoop _availability;
    private readonly RecheckLoop _discovery;
    private readonly RecheckLoop _openApi;
    private readonly Task _running;

    public ExtensionApi(ApiService service, ApiServiceAvailability availability, AggregatedDiscovery discovery, AggregatedOpenApi openApi, TimeProvider time, ILogger logger, CancellationToken stopping)
    {
        Service = service;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var name = service.Name;
        _availability = new RecheckLoop(name, ApiServiceAvailability.Pace, token => availability.CheckAsync(name, token), time, logger);
        _discovery = new RecheckLoop(name, AggregatedDiscovery.Pace, token => discovery.RefreshAsync(name, token), time, logger);
        _openApi = new RecheckLoop(name, AggregatedOpenApi.Pace, token => openApi.RefreshAsync(name, token), time, logger);
        _running = Task.WhenAll(_availability.RunAsync(_ending.Token), _discovery.RunAsync(_ending.Token), _openApi.RunAsync(_ending.Token));
    }

    public ApiService Service { get; private set; }

    /// <summary>Its object was written.</summary>
    /// <param name="isAsFound">It says of its availability what was found: the check's own writing needs no further check.</param>
    public void Follow(ApiService service, bool isAsFound)
    {
        var before = Service;
        Service = service;
        if (service.Target != before.Target || !isAsFound) _availability.Wake();
        if (service.Target == before.Target && service.IsAvailable == before.IsAvailable) return;
        _discovery.Wake();
        _openApi.Wake();
    }

    /// <summary>Its service or the endpoints of that changed.</summary>
    public void EndpointsChanged() => _availability.Wake();

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _running;
        _ending.Dispose();
    }
}
