using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>
/// The table of resources with those that CRDs bring. A CRD's write is taken in before its writer gets an answer; a change
/// makes a new table and leaves whatever other CRDs brought as it is.
/// </summary>
internal sealed class CustomResourceSet : IDisposable
{
    private readonly ResourceTable _builtIn;
    private readonly IObjectReader _objects;
    private readonly ServingFactory _factory;
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Serving> _servings = new(StringComparer.Ordinal);
    // By name, the version on which an announced CRD stands that is on its way to the store.
    private readonly Dictionary<string, string> _announced = new(StringComparer.Ordinal);
    private volatile ResourceTable _table;

    public CustomResourceSet(ResourceTable builtIn, IObjectReader objects, ServingFactory factory)
    {
        (_builtIn, _objects, _factory, _table) = (builtIn, objects, factory, builtIn);
        lock (_lock)
        {
            foreach (var value in objects.List(Definition.Resource)) Apply(value.MetaName(), new Definition(value));
            Rebuild();
        }
    }

    public ResourceTable Table => _table;

    /// <summary>The CRD of this name was written: brings the table to what stands now.</summary>
    public void Refresh(string name)
    {
        IDisposable? withdrawn;
        lock (_lock)
        {
            // Read under the lock: whoever comes last has seen the newest.
            var value = _objects.Get(Definition.Resource, "", name);
            // An earlier writer comes late: what was announced since stays.
            if (value is not null && _announced.TryGetValue(name, out var version) && version == value.ResourceVersion()) return;
            _announced.Remove(name);
            withdrawn = Apply(name, value is null ? null : new Definition(value));
            if (withdrawn is not null) Rebuild();
        }
        withdrawn?.Dispose();
    }

    /// <summary>Serves the CRD as its controller is about to write it: it is served when the world reads that it is.</summary>
    public void Announce(JsonObject value)
    {
        IDisposable? withdrawn;
        lock (_lock)
        {
            _announced[value.MetaName()] = value.ResourceVersion();
            withdrawn = Apply(value.MetaName(), new Definition(value));
            if (withdrawn is not null) Rebuild();
        }
        withdrawn?.Dispose();
    }

    /// <summary>The resource in the version in which it is stored, served or not; null when its CRD is not served.</summary>
    public ServedResource? Stored(string name)
    {
        lock (_lock) return _servings.TryGetValue(name, out var serving) ? serving.Stored : null;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var serving in _servings.Values) serving.Dispose();
            _servings.Clear();
        }
    }

    /// <returns>Null: nothing changed. Otherwise what to dispose of once the new table stands.</returns>
    private IDisposable? Apply(string name, Definition? definition)
    {
        _servings.TryGetValue(name, out var standing);
        if (definition is null or { IsServed: false })
        {
            if (standing is null) return null;
            _servings.Remove(name);
            return standing;
        }
        if (standing is not null && standing.Definition.ServesAs(definition)) return null;
        // A CRD that is merely being deleted keeps its watches: they are to see its objects go.
        var isSame = standing is not null && standing.Definition.ServesAs(definition, exceptDeletion: true);
        _servings[name] = _factory.Create(definition, isSame ? standing!.TakeLife() : null);
        return standing ?? Serving.Nothing;
    }

    private void Rebuild()
    {
        var resources = _servings.Values.SelectMany(s => s.Served)
            .OrderBy(r => r.GroupResource.Group, StringComparer.Ordinal)
            .ThenBy(r => r.Info.Resource.Version, VersionPriority.PreferredFirst)
            .ThenBy(r => r.GroupResource.Resource, StringComparer.Ordinal)
            .ToList();
        _table = _builtIn.With(resources);
    }
}
