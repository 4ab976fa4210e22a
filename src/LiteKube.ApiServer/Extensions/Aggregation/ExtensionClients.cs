using System.Collections.Concurrent;
using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Proxy;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>A client for each service that APIServices name, as long as one of them does.</summary>
internal sealed class ExtensionClients(ProxyTargets services, ClusterPki pki, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<ExtensionTarget, Lazy<ExtensionClient>> _clients = new();

    /// <exception cref="ApiException">500: its bundle of authorities cannot be read.</exception>
    public ExtensionClient For(ExtensionTarget target) => _clients.GetOrAdd(target, t => new(() => new ExtensionClient(t, services, pki, time))).Value;

    /// <summary>Closes the connections to all others.</summary>
    public void Retain(IReadOnlySet<ExtensionTarget> used)
    {
        foreach (var target in _clients.Keys)
        {
            if (!used.Contains(target) && _clients.TryRemove(target, out var client)) Close(client);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values) Close(client);
        _clients.Clear();
    }

    private static void Close(Lazy<ExtensionClient> client)
    {
        if (client.IsValueCreated) client.Value.Dispose();
    }
}
