using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Reads another server's discovery documents; whatever they hold, what comes out has the shape that clients rely on.</summary>
internal static class RemoteDocuments
{
    /// <summary>The resources of the group version in an APIGroupDiscoveryList; empty when it has no such version.</summary>
    public static JsonArray ResourcesOf(JsonObject list, GroupVersion groupVersion)
    {
        var group = list.Items("items").FirstOrDefault(g => g.MetaName() == groupVersion.Group);
        var version = group.Items("versions").FirstOrDefault(v => v.Str("version") == groupVersion.Version);
        var resources = new JsonArray();
        foreach (var resource in version.Items("resources"))
        {
            var copy = new JsonObject
            {
                ["resource"] = resource.Str("resource"),
                ["responseKind"] = KindOf(resource),
                ["scope"] = resource.Str("scope"),
                ["singularResource"] = resource.Str("singularResource"),
                ["verbs"] = Strings(resource, "verbs"),
            };
            AddNames(copy, resource);
            foreach (var subresource in resource.Items("subresources"))
                copy.GetOrAddArray("subresources").Add((JsonNode)new JsonObject { ["subresource"] = subresource.Str("subresource"), ["responseKind"] = KindOf(subresource), ["verbs"] = Strings(subresource, "verbs") });
            resources.Add((JsonNode)copy);
        }
        return resources;
    }

    /// <summary>The resources of an APIResourceList, in the newer form.</summary>
    /// <exception cref="InvalidDataException">A subresource has another scope than its resource.</exception>
    public static JsonArray Convert(JsonObject list)
    {
        var groupVersion = GroupVersion.Parse(list.Str("groupVersion"));
        var converted = new JsonArray();
        var byName = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var resource in list.Items("resources").Where(r => !r.Str("name").Contains('/', StringComparison.Ordinal)))
        {
            var entry = new JsonObject
            {
                ["resource"] = resource.Str("name"),
                ["responseKind"] = KindOf(resource, groupVersion),
                ["scope"] = ScopeOf(resource),
                ["singularResource"] = resource.Str("singularName"),
                ["verbs"] = Strings(resource, "verbs"),
            };
            AddNames(entry, resource);
            converted.Add((JsonNode)entry);
            byName[resource.Str("name")] = entry;
        }
        foreach (var subresource in list.Items("resources").Where(r => r.Str("name").Contains('/', StringComparison.Ordinal))) AddSubresource(converted, byName, subresource, groupVersion);
        return converted;
    }

    private static void AddSubresource(JsonArray converted, Dictionary<string, JsonObject> byName, JsonObject subresource, GroupVersion groupVersion)
    {
        var slash = subresource.Str("name").IndexOf('/', StringComparison.Ordinal);
        var (parentName, name) = (subresource.Str("name")[..slash], subresource.Str("name")[(slash + 1)..]);
        if (!byName.TryGetValue(parentName, out var parent))
        {
            parent = new JsonObject { ["resource"] = parentName, ["responseKind"] = Kind("", "", ""), ["scope"] = ScopeOf(subresource), ["singularResource"] = "", ["verbs"] = new JsonArray() };
            converted.Add((JsonNode)parent);
            byName[parentName] = parent;
        }
        if (parent.Str("scope") != ScopeOf(subresource)) throw new InvalidDataException($"{subresource.Str("name")} has another scope than {parentName}");
        parent.GetOrAddArray("subresources").Add((JsonNode)new JsonObject { ["subresource"] = name, ["responseKind"] = KindOf(subresource, groupVersion), ["verbs"] = Strings(subresource, "verbs") });
    }

    private static void AddNames(JsonObject entry, JsonObject resource)
    {
        if (resource.Arr("shortNames") is { Count: > 0 }) entry["shortNames"] = Strings(resource, "shortNames");
        if (resource.Arr("categories") is { Count: > 0 }) entry["categories"] = Strings(resource, "categories");
    }

    /// <summary>Never missing: clients of 1.26 fail without one.</summary>
    private static JsonObject KindOf(JsonObject resource)
    {
        var kind = resource.Obj("responseKind");
        return Kind(kind.Str("group"), kind.Str("version"), kind.Str("kind"));
    }

    /// <summary>The list's group version is meant where a resource names none.</summary>
    private static JsonObject KindOf(JsonObject resource, GroupVersion groupVersion) => resource.Str("kind").Length == 0 ? Kind("", "", "")
        : resource.Str("version").Length > 0 ? Kind(resource.Str("group"), resource.Str("version"), resource.Str("kind")) : Kind(groupVersion.Group, groupVersion.Version, resource.Str("kind"));

    private static JsonObject Kind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };

    private static string ScopeOf(JsonObject resource) => resource.Bool("namespaced") ? "Namespaced" : "Cluster";

    private static JsonArray Strings(JsonObject value, string field) => new([.. value.Strings(field).Select(s => (JsonNode)s)]);
}
