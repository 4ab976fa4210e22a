using System.Collections.Immutable;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Extensions.Aggregation;

namespace LiteKube.ApiServer.Discovery;

/// <summary>A group version in discovery, with its place among the others.</summary>
/// <param name="IsLocal">This server has its resources.</param>
/// <param name="Remote">What another server has of it; null: it is no other server's.</param>
internal sealed record ListedVersion(GroupVersion GroupVersion, int GroupPriority, int VersionPriority, bool IsLocal, RemoteVersion? Remote)
{
    private static readonly HashSet<GroupVersion> BuiltIn = [.. ResourceCatalog.BuiltIn.Resources.Select(r => r.Resource.GroupVersion)];

    /// <summary>What is served here, where APIServices do not say otherwise, and what they add. In no order.</summary>
    public static List<ListedVersion> Of(ResourceCatalog catalog, ApiServiceTable services, ImmutableDictionary<GroupVersion, RemoteVersion> remote)
    {
        var listed = new List<ListedVersion>();
        var served = catalog.Groups.SelectMany(g => g.Versions.Select(v => new GroupVersion(g.Group, v))).ToHashSet();
        foreach (var groupVersion in served)
        {
            services.TryFind(groupVersion, out var service);
            if (service is { Target: not null }) continue;
            var (group, version) = service is not null ? (service.GroupPriority, service.VersionPriority)
                : BuiltIn.Contains(groupVersion) ? ApiServicePriorities.BuiltIn(groupVersion) : ApiServicePriorities.Custom;
            listed.Add(new ListedVersion(groupVersion, group, version, IsLocal: true, null));
        }
        foreach (var service in services.All)
        {
            if (service.Target is not null) listed.Add(Place(service, remote.GetValueOrDefault(service.GroupVersion, RemoteVersion.Unknown)));
            // The server's own one of a CRD that just went goes as well.
            else if (!service.IsAutomanaged && !served.Contains(service.GroupVersion)) listed.Add(Place(service, null));
        }
        listed.Sort((a, b) => string.CompareOrdinal(ApiService.NameOf(a.GroupVersion), ApiService.NameOf(b.GroupVersion)));
        return listed;
    }

    /// <summary>The groups as the legacy documents order them: by their highest priority, then by the names of their APIServices.</summary>
    public static IEnumerable<(string Group, List<ListedVersion> Versions)> ByPriorityAndName(IReadOnlyList<ListedVersion> versions) => versions
        .OrderByDescending(v => v.GroupPriority).ThenBy(v => ApiService.NameOf(v.GroupVersion), StringComparer.Ordinal)
        .GroupBy(v => v.GroupVersion.Group, StringComparer.Ordinal)
        .Select(g => (g.Key, Preferred(g)));

    /// <summary>As the aggregated document orders them: by their highest priority, then by name; only what has resources to tell of.</summary>
    public static IEnumerable<(string Group, List<ListedVersion> Versions)> ByPriority(IReadOnlyList<ListedVersion> versions) => versions
        .Where(v => v.IsLocal || v.Remote is not null)
        .GroupBy(v => v.GroupVersion.Group, StringComparer.Ordinal)
        .OrderByDescending(g => g.Max(v => v.GroupPriority)).ThenBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => (g.Key, Preferred(g)));

    private static ListedVersion Place(ApiService service, RemoteVersion? remote) => new(service.GroupVersion, service.GroupPriority, service.VersionPriority, IsLocal: false, remote);

    private static List<ListedVersion> Preferred(IEnumerable<ListedVersion> versions) =>
        [.. versions.OrderByDescending(v => v.VersionPriority).ThenBy(v => v.GroupVersion.Version, Extensions.CustomResources.VersionPriority.PreferredFirst)];
}
