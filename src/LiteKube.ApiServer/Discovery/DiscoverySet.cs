using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Extensions.Aggregation;

namespace LiteKube.ApiServer.Discovery;

/// <summary>The discovery documents of one catalog, as bytes by path.</summary>
internal sealed class DiscoverySet
{
    /// <summary>The Kubernetes version whose API is served; clients compare it as a semantic version.</summary>
    public const string GitVersion = "v1.37.0";

    private static readonly string[] FixedPaths =
        ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/readyz", "/version"];

    /// <param name="versions">Every group version that is told of.</param>
    public DiscoverySet(ResourceCatalog catalog, IReadOnlyList<ListedVersion> versions)
    {
        (Catalog, Versions) = (catalog, versions);
        ByPath["/version"] = ObjectWriter.Write(VersionInfo());
        ByPath["/api"] = ObjectWriter.Write(new JsonObject
        {
            ["kind"] = "APIVersions",
            ["versions"] = new JsonArray("v1"),
            ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = "" }),
        });
        var groups = new JsonArray();
        var paths = new List<string>(FixedPaths);
        foreach (var (group, listed) in ListedVersion.ByPriorityAndName(versions))
        {
            var names = listed.ConvertAll(v => v.GroupVersion.Version);
            if (group.Length > 0)
            {
                groups.Add((JsonNode)Group([], group, names));
                ByPath[$"/apis/{group}"] = ObjectWriter.Write(Group(new() { ["kind"] = "APIGroup", ["apiVersion"] = "v1" }, group, names));
                paths.Add($"/apis/{group}");
            }
            foreach (var version in listed)
            {
                var path = ApiService.PathOf(version.GroupVersion);
                // Another server's document is its own to give.
                if (version.IsLocal) ByPath[path] = ObjectWriter.Write(ResourceList(version.GroupVersion));
                if (group.Length > 0) paths.Add(path);
            }
        }
        ByPath["/apis"] = ObjectWriter.Write(new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = groups });
        paths.Sort(StringComparer.Ordinal);
        ByPath["/"] = ObjectWriter.Write(new JsonObject { ["paths"] = Strings(paths) });
        AggregatedCore = Aggregated(g => g.Length == 0);
        AggregatedGroups = Aggregated(g => g.Length > 0);
    }

    public ResourceCatalog Catalog { get; }
    public IReadOnlyList<ListedVersion> Versions { get; }
    public Dictionary<string, byte[]> ByPath { get; } = new(StringComparer.Ordinal);
    public (byte[] Body, string Tag) AggregatedCore { get; }
    public (byte[] Body, string Tag) AggregatedGroups { get; }

    private static JsonObject VersionInfo() => new()
    {
        ["major"] = "1",
        ["minor"] = "37",
        ["emulationMajor"] = "1",
        ["emulationMinor"] = "37",
        ["minCompatibilityMajor"] = "1",
        ["minCompatibilityMinor"] = "36",
        ["gitVersion"] = GitVersion,
        ["gitCommit"] = BuildInfo.Commit,
        ["gitTreeState"] = "clean",
        ["buildDate"] = BuildInfo.Date,
        // Not Go, and not claimed: clients only print it.
        ["goVersion"] = RuntimeInformation.FrameworkDescription,
        ["compiler"] = "ilc",
        ["platform"] = $"linux/{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64")}",
    };

    private static JsonObject Group(JsonObject document, string group, IReadOnlyList<string> versions)
    {
        document["name"] = group;
        document["versions"] = new JsonArray([.. versions.Select(v => (JsonNode)GroupVersionOf(group, v))]);
        document["preferredVersion"] = GroupVersionOf(group, versions[0]);
        return document;
    }

    private static JsonObject GroupVersionOf(string group, string version) => new() { ["groupVersion"] = $"{group}/{version}", ["version"] = version };

    private JsonObject ResourceList(GroupVersion groupVersion)
    {
        var list = new JsonArray();
        foreach (var info in Of(groupVersion))
        {
            list.Add((JsonNode)Resource(info));
            foreach (var subresource in info.Subresources) list.Add((JsonNode)Subresource(info, subresource));
        }
        return new JsonObject { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = groupVersion.ToString(), ["resources"] = list };
    }

    private static JsonObject Resource(ResourceInfo info)
    {
        var entry = new JsonObject
        {
            ["name"] = info.Resource.Resource,
            ["singularName"] = info.Singular,
            ["namespaced"] = info.Namespaced,
            ["kind"] = info.Kind,
            ["verbs"] = Strings(info.DiscoveredVerbs),
        };
        AddNames(entry, info);
        if (info.Supports("create") && info.Supports("get")) entry["storageVersionHash"] = StorageVersionHash(info);
        return entry;
    }

    private static JsonObject Subresource(ResourceInfo info, SubresourceInfo subresource)
    {
        var entry = new JsonObject { ["name"] = $"{info.Resource.Resource}/{subresource.Name}", ["singularName"] = "", ["namespaced"] = info.Namespaced };
        if (subresource.Kind.GroupVersion != info.Resource.GroupVersion)
        {
            entry["group"] = subresource.Kind.Group;
            entry["version"] = subresource.Kind.Version;
        }
        entry["kind"] = subresource.Kind.Kind;
        entry["verbs"] = Strings(subresource.Verbs);
        return entry;
    }

    private (byte[] Body, string Tag) Aggregated(Func<string, bool> includes)
    {
        var items = new JsonArray();
        foreach (var (group, versions) in ListedVersion.ByPriority(Versions))
        {
            if (!includes(group)) continue;
            var metadata = new JsonObject();
            if (group.Length > 0) metadata["name"] = group;
            metadata["creationTimestamp"] = null;
            items.Add((JsonNode)new JsonObject { ["metadata"] = metadata, ["versions"] = new JsonArray([.. versions.Select(v => (JsonNode)AggregatedVersion(v))]) });
        }
        var body = ObjectWriter.Write(new JsonObject { ["kind"] = "APIGroupDiscoveryList", ["apiVersion"] = "apidiscovery.k8s.io/v2", ["metadata"] = new JsonObject(), ["items"] = items });
        return (body, $"\"{Convert.ToHexString(SHA512.HashData(body))}\"");
    }

    private JsonObject AggregatedVersion(ListedVersion version)
    {
        if (version.Remote is { } remote)
            return new JsonObject { ["version"] = version.GroupVersion.Version, ["resources"] = remote.Resources.DeepClone(), ["freshness"] = remote.IsStale ? "Stale" : "Current" };
        var groupVersion = version.GroupVersion;
        var list = new JsonArray();
        foreach (var info in Of(groupVersion))
        {
            var entry = new JsonObject
            {
                ["resource"] = info.Resource.Resource,
                ["responseKind"] = ResponseKind(info.GroupVersionKind),
                ["scope"] = info.Namespaced ? "Namespaced" : "Cluster",
                ["singularResource"] = info.Singular,
                ["verbs"] = Strings(info.DiscoveredVerbs),
            };
            AddNames(entry, info);
            if (info.Subresources.Count > 0)
            {
                entry["subresources"] = new JsonArray([.. info.Subresources.Select(s => (JsonNode)new JsonObject
                {
                    ["subresource"] = s.Name,
                    ["responseKind"] = ResponseKind(s.Kind),
                    ["verbs"] = Strings(s.Verbs),
                })]);
            }
            list.Add((JsonNode)entry);
        }
        return new JsonObject { ["version"] = groupVersion.Version, ["resources"] = list, ["freshness"] = "Current" };
    }

    private static void AddNames(JsonObject entry, ResourceInfo info)
    {
        if (info.ShortNames.Count > 0) entry["shortNames"] = Strings(info.ShortNames);
        if (info.Categories.Count > 0) entry["categories"] = Strings(info.Categories);
    }

    private static JsonObject ResponseKind(GroupVersionKind kind) => new() { ["group"] = kind.Group, ["version"] = kind.Version, ["kind"] = kind.Kind };

    private IEnumerable<ResourceInfo> Of(GroupVersion groupVersion) => Catalog.Resources.Where(r => r.Resource.GroupVersion == groupVersion);

    private static JsonArray Strings(IReadOnlyList<string> values) => new([.. values.Select(v => (JsonNode)v)]);

    private static string StorageVersionHash(ResourceInfo info)
    {
        var stored = info.StorageResource.Resource is { Length: > 0 } ? info.StorageResource : info.Resource;
        return Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{stored.Group}/{stored.Version}/{info.Kind}")).AsSpan(0, 8));
    }
}
