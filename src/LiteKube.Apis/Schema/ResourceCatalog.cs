using System.Diagnostics.CodeAnalysis;

namespace LiteKube.Apis.Schema;

/// <summary>One resource that the API serves, as discovery describes it.</summary>
public sealed class ResourceInfo
{
    public required GroupVersionResource Resource { get; init; }
    public required string Kind { get; init; }
    public required string Singular { get; init; }
    public required bool Namespaced { get; init; }
    /// <summary>create delete deletecollection get list patch update watch, or fewer.</summary>
    public required IReadOnlyList<string> Verbs { get; init; }
    public required TypeSchema Schema { get; init; }
    public IReadOnlyList<string> ShortNames { get; init; } = [];
    public IReadOnlyList<string> Categories { get; init; } = [];
    public IReadOnlyList<SubresourceInfo> Subresources { get; init; } = [];

    /// <summary>Kinds served by two groups over one storage (events) or several versions (autoscaling) share one: the resource whose prefix and version is stored.</summary>
    public GroupVersionResource StorageResource { get; init; }

    public bool HasStatus { get; init; }
    public GroupVersionKind GroupVersionKind => new(Resource.Group, Resource.Version, Kind);
    public GroupResource GroupResource => Resource.GroupResource;
    public bool Supports(string verb) => Verbs.Contains(verb);
}

/// <param name="Name">"status", "scale", "log", ...</param>
/// <param name="Kind">The kind of its body, with its own group and version where that differs (policy/v1 Eviction).</param>
public sealed record SubresourceInfo(string Name, GroupVersionKind Kind, IReadOnlyList<string> Verbs);

/// <summary>Every group, version and resource served. The built-in part is compiled in; CRDs add to a copy at run time.</summary>
public sealed class ResourceCatalog
{
    /// <summary>The resources of Kubernetes v1.37 that LiteKube serves.</summary>
    public static ResourceCatalog BuiltIn => throw new NotImplementedException();

    public IReadOnlyList<ResourceInfo> Resources => throw new NotImplementedException();

    /// <summary>Groups in discovery order with their versions, preferred first. The core group is "".</summary>
    public IReadOnlyList<(string Group, IReadOnlyList<string> Versions)> Groups => throw new NotImplementedException();

    public bool TryFind(string group, string version, string resource, [NotNullWhen(true)] out ResourceInfo? info) => throw new NotImplementedException();

    public bool TryFindKind(string group, string version, string kind, [NotNullWhen(true)] out ResourceInfo? info) => throw new NotImplementedException();

    /// <summary>The schema of any type by group-version and type name, also of ones that are no resource: ("meta.k8s.io/v1", "DeleteOptions"), ("v1", "PodTemplateSpec").</summary>
    public TypeSchema? FindType(string apiVersion, string typeName) => throw new NotImplementedException();
}
