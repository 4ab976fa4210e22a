using System.Diagnostics.CodeAnalysis;

namespace LiteKube.Apis.Schema;

/// <summary>One resource that the API serves, as discovery describes it.</summary>
public sealed class ResourceInfo
{
    public required GroupVersionResource Resource { get; init; }
    public required string Kind { get; init; }
    /// <summary>Of a list of such objects.</summary>
    public string ListKind { get => field ??= Kind + "List"; init; }
    public required string Singular { get; init; }
    public required bool Namespaced { get; init; }
    /// <summary>create delete deletecollection get list patch update watch, or fewer.</summary>
    public required IReadOnlyList<string> Verbs { get; init; }
    /// <summary>The verbs that discovery names; fewer than are served while a CRD is being deleted.</summary>
    public IReadOnlyList<string> DiscoveredVerbs { get => field ?? Verbs; init; }
    public required TypeSchema Schema { get; init; }
    public IReadOnlyList<string> ShortNames { get; init; } = [];
    public IReadOnlyList<string> Categories { get; init; } = [];
    public IReadOnlyList<SubresourceInfo> Subresources { get; init; } = [];

    /// <summary>Kinds served by two groups over one storage (events) or several versions (autoscaling) share one: the resource whose prefix and version is stored.</summary>
    public GroupVersionResource StorageResource { get; init; }

    public bool HasStatus { get; init; }

    /// <summary>The columns that a CRD declares; null for built-in kinds, whose columns are known by their name.</summary>
    public IReadOnlyList<Tables.PrinterColumn>? Columns { get; init; }

    /// <summary>Dotted paths of the fields that a CRD lets selectors name.</summary>
    public IReadOnlyList<string> SelectableFields { get; init; } = [];
    public GroupVersionKind GroupVersionKind => new(Resource.Group, Resource.Version, Kind);
    public GroupResource GroupResource => Resource.GroupResource;
    public bool Supports(string verb) => Verbs.Contains(verb);
    public override string ToString() => $"{Resource.GroupVersion}/{Resource.Resource}";
}

/// <param name="Name">"status", "scale", "log", ...</param>
/// <param name="Kind">The kind of its body, with its own group and version where that differs (policy/v1 Eviction).</param>
public sealed record SubresourceInfo(string Name, GroupVersionKind Kind, IReadOnlyList<string> Verbs);

/// <summary>Every group, version and resource served. The built-in part is compiled in; CRDs add to a copy at run time. Immutable.</summary>
public sealed class ResourceCatalog
{
    private static readonly Lazy<ResourceCatalog> Default = new(() => new ResourceCatalog(ResourceTable.Read()));

    private readonly Dictionary<GroupVersionResource, ResourceInfo> _byResource = [];
    private readonly Dictionary<GroupVersionKind, ResourceInfo> _byKind = [];

    private ResourceCatalog(List<ResourceInfo> resources)
    {
        Resources = resources;
        var groups = new List<(string Group, List<string> Versions)>();
        foreach (var info in resources)
        {
            _byResource.Add(info.Resource, info);
            _byKind.TryAdd(info.GroupVersionKind, info);
            var versions = groups.Find(g => g.Group == info.Resource.Group).Versions;
            if (versions is null)
                groups.Add((info.Resource.Group, versions = []));
            if (!versions.Contains(info.Resource.Version))
                versions.Add(info.Resource.Version);
        }

        Groups = [.. groups.Select(g => (g.Group, (IReadOnlyList<string>)g.Versions))];
    }

    /// <summary>The resources of Kubernetes v1.37 that LiteKube serves.</summary>
    public static ResourceCatalog BuiltIn => Default.Value;

    public IReadOnlyList<ResourceInfo> Resources { get; }

    /// <summary>Groups in discovery order with their versions, preferred first. The core group is "".</summary>
    public IReadOnlyList<(string Group, IReadOnlyList<string> Versions)> Groups { get; }

    /// <summary>A catalog with these resources as well, after the ones here.</summary>
    public ResourceCatalog With(IEnumerable<ResourceInfo> added) => new([.. Resources, .. added]);

    public bool TryFind(string group, string version, string resource, [NotNullWhen(true)] out ResourceInfo? info) =>
        _byResource.TryGetValue(new(group, version, resource), out info);

    public bool TryFindKind(string group, string version, string kind, [NotNullWhen(true)] out ResourceInfo? info) =>
        _byKind.TryGetValue(new(group, version, kind), out info);

    /// <summary>The schema of any type by group-version and type name, also of ones that are no resource: ("meta.k8s.io/v1", "DeleteOptions"), ("v1", "PodTemplateSpec").</summary>
    /// <remarks>The types of meta.k8s.io/v1 (options, Status, List, Table, WatchEvent) are found in every group version.</remarks>
    public TypeSchema? FindType(string apiVersion, string typeName)
    {
        var groupVersion = GroupVersion.Parse(apiVersion);
        return TryFindKind(groupVersion.Group, groupVersion.Version, typeName, out var info) ? info.Schema : SchemaTable.BuiltIn.Find(apiVersion, typeName);
    }

    /// <summary>The schema of a type by its OpenAPI name: "io.k8s.api.core.v1.PodSpec".</summary>
    public static TypeSchema? FindType(string openApiName) => SchemaTable.BuiltIn.Find(openApiName);
}
