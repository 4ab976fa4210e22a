using System.Collections.Concurrent;
using LiteKube.Apis;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry;

/// <summary>
/// The strategy of each resource: the registered one, or <see cref="DefaultStrategy"/>. One instance per storage
/// resource, so that what a strategy allocates is counted once.
/// </summary>
public sealed class StrategyRegistry : IStrategyRegistry
{
    private readonly Dictionary<GroupResource, Func<ResourceInfo, IStrategy>> _registered = [];
    private readonly ConcurrentDictionary<GroupVersionResource, IStrategy> _made = [];

    /// <summary>Before the first request: how to make the strategy of one resource.</summary>
    public void Register(string group, string resource, Func<ResourceInfo, IStrategy> make) => _registered.Add(new(group, resource), make);

    public IStrategy For(ResourceInfo resource) => _made.GetOrAdd(resource.Resource, static (_, state) => state.Self.Make(state.Resource), (Self: this, Resource: resource));

    private IStrategy Make(ResourceInfo resource) =>
        _registered.TryGetValue(resource.GroupResource, out var make) ? make(resource) : new DefaultStrategy(resource);
}
