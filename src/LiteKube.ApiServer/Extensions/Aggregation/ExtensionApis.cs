using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>
/// Follows APIServices: looks after those of other servers, and after what belongs to them, from their first write to
/// their end. Services and endpoints are only followed while there is one.
/// </summary>
internal sealed class ExtensionApis(
    IObjectReader objects, ExtensionClients clients, ApiServiceAvailability availability, AggregatedDiscovery discovery, AggregatedOpenApi openApi, TimeProvider time, ILogger<ExtensionApis> logger)
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";

    private readonly SyncQueue _queue = new(time);
    private readonly Dictionary<string, ExtensionApi> _apis = new(StringComparer.Ordinal);
    private volatile ExtensionApi[] _following = [];
    private readonly List<IDisposable> _subscriptions = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var services = objects.Subscribe(ApiService.Resource, (value, old) => _queue.Add((value ?? old!).MetaName()));
        try
        {
            await _queue.RunAsync(SyncAsync, (name, pause, reason) => AggregationLog.CheckFailed(logger, name, pause, reason), cancellationToken);
        }
        finally
        {
            Unsubscribe();
            foreach (var api in _apis.Values) await api.DisposeAsync();
        }
    }

    private async Task SyncAsync(string name, CancellationToken cancellationToken)
    {
        var standing = objects.Get(ApiService.Resource, "", name);
        var service = standing is null ? null : ApiService.Read(standing);
        if (service?.Target is not null)
        {
            if (_apis.TryGetValue(name, out var known)) known.Follow(service, availability.IsAsFound(standing!));
            else _apis[name] = new ExtensionApi(service, availability, discovery, openApi, time, logger, cancellationToken);
        }
        else if (_apis.Remove(name, out var gone))
        {
            await gone.DisposeAsync();
            availability.Forget(name);
            discovery.Forget(gone.Service.GroupVersion);
            openApi.Forget(gone.Service.GroupVersion);
        }
        // One that was another server's until now is not the check's any more.
        if (service is { Target: null } && !AvailableCondition.Local.IsSaidBy(standing!)) await availability.CheckAsync(name, cancellationToken);
        _following = [.. _apis.Values];
        clients.Retain(_apis.Values.Select(a => a.Service.Target!).ToHashSet());
        if (_apis.Count == 0) Unsubscribe();
        else if (_subscriptions.Count == 0) Subscribe();
    }

    private void Subscribe()
    {
        _subscriptions.Add(objects.Subscribe(CoreResources.Services, (value, old) => EndpointsChanged(value ?? old!, (value ?? old!).MetaName())));
        _subscriptions.Add(objects.Subscribe(CoreResources.EndpointSlices, (value, old) =>
        {
            if ((value ?? old!).Labels().TryGetValue(ServiceNameLabel, out var service)) EndpointsChanged(value ?? old!, service);
        }));
    }

    private void Unsubscribe()
    {
        foreach (var subscription in _subscriptions) subscription.Dispose();
        _subscriptions.Clear();
    }

    private void EndpointsChanged(JsonObject changed, string service)
    {
        var ns = changed.MetaNamespace();
        foreach (var api in _following)
        {
            if (api.Service.Target is { } target && target.Name == service && target.Namespace == ns) api.EndpointsChanged();
        }
    }
}
