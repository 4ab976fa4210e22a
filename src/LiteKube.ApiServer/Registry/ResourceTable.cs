using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Registry;

/// <summary>Every served resource by group, version and name. Immutable: a new catalog (a CRD came) makes a new table.</summary>
internal sealed class ResourceTable
{
    private readonly FrozenDictionary<(string Group, string Version, string Resource), ServedResource> _byName;
    private readonly FrozenDictionary<GroupResource, ServedResource> _byGroupResource;
    private readonly Dictionary<(string Group, string Version, string Resource), ServedResource> _customByName = [];
    private readonly Dictionary<GroupResource, ServedResource> _customByGroupResource = [];

    public ResourceTable(ResourceCatalog catalog, IStrategyRegistry strategies)
    {
        Catalog = catalog;
        var byName = new Dictionary<(string, string, string), ServedResource>();
        var byGroupResource = new Dictionary<GroupResource, ServedResource>();
        foreach (var info in catalog.Resources)
        {
            var at = info.StorageResource;
            var stored = at.Resource is { Length: > 0 } && at != info.Resource && catalog.TryFind(at.Group, at.Version, at.Resource, out var other) ? other : info;
            var converter = ReferenceEquals(stored, info) ? null : VersionConverters.Between(stored.GroupVersionKind, info.GroupVersionKind);
            var served = new ServedResource(info, stored, strategies, converter);
            byName[(info.Resource.Group, info.Resource.Version, info.Resource.Resource)] = served;
            // Of several versions the stored one stands for the resource.
            if (converter is null || !byGroupResource.ContainsKey(info.GroupResource)) byGroupResource[info.GroupResource] = served;
        }
        foreach (var versions in byName.Values.GroupBy(r => r.Stored).Where(g => g.Count() > 1).Select(g => g.ToArray()))
        {
            var all = new ServedVersions(versions);
            foreach (var served in versions) (served.Versions, served.Siblings) = (all, versions);
        }
        _byName = byName.ToFrozenDictionary();
        _byGroupResource = byGroupResource.ToFrozenDictionary();
        GroupVersions = catalog.Groups.SelectMany(g => g.Versions.Select(v => new GroupVersion(g.Group, v))).ToFrozenSet();
    }

    private ResourceTable(ResourceTable builtIn, IReadOnlyList<ServedResource> custom)
    {
        (_byName, _byGroupResource) = (builtIn._byName, builtIn._byGroupResource);
        Catalog = custom.Count == 0 ? builtIn.Catalog : builtIn.Catalog.With(custom.Select(r => r.Info));
        GroupVersions = Catalog.Groups.SelectMany(g => g.Versions.Select(v => new GroupVersion(g.Group, v))).ToFrozenSet();
        foreach (var resource in custom)
        {
            var at = resource.Info.Resource;
            _customByName[(at.Group, at.Version, at.Resource)] = resource;
            if (at == resource.Info.StorageResource || !_customByGroupResource.ContainsKey(resource.GroupResource)) _customByGroupResource[resource.GroupResource] = resource;
        }
    }

    public ResourceCatalog Catalog { get; }

    /// <summary>This table, which is of built-in resources, with custom ones beside them.</summary>
    public ResourceTable With(IReadOnlyList<ServedResource> custom)
    {
        // A CRD over a built-in resource would hide it.
        return new(this, [.. custom.Where(r => !_byName.ContainsKey((r.Info.Resource.Group, r.Info.Resource.Version, r.Info.Resource.Resource)))]);
    }

    public FrozenSet<GroupVersion> GroupVersions { get; }

    public bool TryFind(string group, string version, string resource, [NotNullWhen(true)] out ServedResource? served) =>
        _byName.TryGetValue((group, version, resource), out served) || (_customByName.Count > 0 && _customByName.TryGetValue((group, version, resource), out served));

    public bool TryFind(GroupResource resource, [NotNullWhen(true)] out ServedResource? served) =>
        _byGroupResource.TryGetValue(resource, out served) || _customByGroupResource.TryGetValue(resource, out served);

    /// <summary>The resource of an object by its apiVersion and kind.</summary>
    public ServedResource FindKind(string apiVersion, string kind)
    {
        var (group, version) = GroupVersion.Parse(apiVersion);
        if (Catalog.TryFindKind(group, version, kind, out var info) && TryFind(group, version, info.Resource.Resource, out var served)) return served;
        throw new ApiException(404, "NotFound", $"no matches for kind \"{kind}\" in version \"{apiVersion}\"");
    }
}
