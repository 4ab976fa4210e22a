using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Discovery;
using LiteKube.ApiServer.Proxy;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>The parts of API aggregation put together (https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/).</summary>
internal sealed class AggregationLayer : IDisposable
{
    private readonly ApiServiceIndex _services;
    private readonly ExtensionClients _clients;
    private readonly AggregatedDiscovery _discovery;
    private readonly AggregatedOpenApi _openApi;
    private readonly ExtensionApis _apis;
    private readonly ApiServiceRegistration _registration;

    public AggregationLayer(ApiServiceIndex services, IObjectReader objects, ObjectRegistry registry, Func<ResourceTable> resources, UpgradeRelay upgrades, ClusterPki pki, TimeProvider time, ILoggerFactory logs)
    {
        _services = services;
        _clients = new ExtensionClients(new ProxyTargets(objects, new NodeLocator(objects)), pki, time);
        _discovery = new AggregatedDiscovery(objects, _clients, time, logs.CreateLogger<AggregatedDiscovery>());
        _openApi = new AggregatedOpenApi(objects, _clients, time, logs.CreateLogger<AggregatedOpenApi>());
        var writer = new ApiServiceWriter(registry, resources);
        var availability = new ApiServiceAvailability(objects, new AvailabilityCheck(objects, _clients, time), writer, time, logs.CreateLogger<ApiServiceAvailability>());
        _apis = new ExtensionApis(objects, _clients, availability, _discovery, _openApi, time, logs.CreateLogger<ExtensionApis>());
        _registration = new ApiServiceRegistration(objects, writer, time, logs.CreateLogger<ApiServiceRegistration>());
        Proxy = new AggregationProxy(services, objects, _clients, upgrades, time);
    }

    public AggregationProxy Proxy { get; }

    public DiscoveryDocuments Discovery(Func<ResourceTable> resources) => new(resources, _services, _discovery);

    public OpenApiEndpoint OpenApi(Func<ResourceTable> resources) => new(resources, _openApi, Proxy);

    /// <summary>Once, before the server is ready.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => _registration.StartAsync(cancellationToken);

    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(_registration.RunAsync(cancellationToken), _apis.RunAsync(cancellationToken));

    public void Dispose() => _clients.Dispose();
}
