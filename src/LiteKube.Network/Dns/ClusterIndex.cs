using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Network.Dns;

/// <summary>Services, EndpointSlices and Namespaces arranged for DNS questions; kept by informer handlers, read without locks.</summary>
internal sealed class ClusterIndex
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";

    private readonly ConcurrentDictionary<ObjectKey, V1Service> _services = [];
    private readonly ConcurrentDictionary<string, ObjectKey> _servicesByIp = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _namespaces = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ObjectKey, ImmutableDictionary<string, V1EndpointSlice>> _slices = [];
    private readonly ConcurrentDictionary<string, ImmutableHashSet<ObjectKey>> _servicesByEndpoint = new(StringComparer.Ordinal);

    public InformerHandler<V1Service> ServiceHandler => new(SetService, (old, now) => { RemoveService(old, now); SetService(now); }, old => RemoveService(old, null));
    public InformerHandler<V1Namespace> NamespaceHandler => new(n => _namespaces[n.Metadata.Name] = 0, (_, n) => _namespaces[n.Metadata.Name] = 0, n => _namespaces.TryRemove(n.Metadata.Name, out _));
    public InformerHandler<V1EndpointSlice> SliceHandler => new(s => SetSlice(null, s), SetSlice, s => SetSlice(s, null));

    public bool HasNamespace(string name) => _namespaces.ContainsKey(name);
    public V1Service? Service(string ns, string name) => _services.GetValueOrDefault(new ObjectKey(ns, name));
    public V1Service? ServiceOf(IPAddress clusterIp) => _servicesByIp.TryGetValue(clusterIp.ToString(), out var key) ? _services.GetValueOrDefault(key) : null;
    public IEnumerable<V1EndpointSlice> Slices(V1Service service) => _slices.GetValueOrDefault(ObjectKey.Of(service))?.Values ?? [];

    /// <summary>The Services that list the address among their endpoints.</summary>
    public IEnumerable<V1Service> ServicesWithEndpoint(IPAddress address) =>
        (_servicesByEndpoint.GetValueOrDefault(address.ToString()) ?? []).Select(key => _services.GetValueOrDefault(key)).OfType<V1Service>();

    private void SetService(V1Service service)
    {
        _services[ObjectKey.Of(service)] = service;
        foreach (var ip in Addresses(service))
            _servicesByIp[ip] = ObjectKey.Of(service);
    }

    private void RemoveService(V1Service old, V1Service? now)
    {
        var key = ObjectKey.Of(old);
        if (now is null)
            _services.TryRemove(key, out _);
        // Only while the address is still this Service's: it may have been given to another already.
        foreach (var ip in Addresses(old).Except(now is null ? [] : Addresses(now), StringComparer.Ordinal))
            _servicesByIp.TryRemove(new KeyValuePair<string, ObjectKey>(ip, key));
    }

    private static IEnumerable<string> Addresses(V1Service service) =>
        (service.Spec?.ClusterIPs ?? (service.Spec?.ClusterIP is { Length: > 0 } ip ? [ip] : [])).Where(text => IPAddress.TryParse(text, out _));

    // Handlers of one informer run one after another, so that read-modify-write is safe here.
    private void SetSlice(V1EndpointSlice? old, V1EndpointSlice? now)
    {
        if (old is not null && ServiceKey(old) is { } oldKey)
        {
            var rest = _slices.GetValueOrDefault(oldKey, ImmutableDictionary<string, V1EndpointSlice>.Empty).Remove(old.Metadata.Name);
            if (rest.IsEmpty && now is null)
                _slices.TryRemove(oldKey, out _);
            else
                _slices[oldKey] = rest;
            var kept = rest.Values.SelectMany(Endpoints).ToHashSet(StringComparer.Ordinal);
            foreach (var address in Endpoints(old).Where(a => !kept.Contains(a)))
            {
                var services = _servicesByEndpoint.GetValueOrDefault(address, []).Remove(oldKey);
                if (services.IsEmpty)
                    _servicesByEndpoint.TryRemove(address, out _);
                else
                    _servicesByEndpoint[address] = services;
            }
        }
        if (now is not null && ServiceKey(now) is { } key)
        {
            _slices[key] = _slices.GetValueOrDefault(key, ImmutableDictionary<string, V1EndpointSlice>.Empty).SetItem(now.Metadata.Name, now);
            foreach (var address in Endpoints(now))
                _servicesByEndpoint[address] = _servicesByEndpoint.GetValueOrDefault(address, []).Add(key);
        }
    }

    private static ObjectKey? ServiceKey(V1EndpointSlice slice) =>
        slice.Metadata.Labels?.TryGetValue(ServiceNameLabel, out var name) == true ? new ObjectKey(slice.Metadata.NamespaceProperty, name) : null;

    private static IEnumerable<string> Endpoints(V1EndpointSlice slice) => (slice.Endpoints ?? []).SelectMany(e => e.Addresses ?? []);
}
