using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Testing;

public sealed partial class InMemoryKube
{
    private static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    private readonly List<Served> _served = [];

    /// <summary>Lets discovery name a kind; what is not named is served all the same.</summary>
    public InMemoryKube Serve<T>(bool namespaced = true) where T : IKubernetesObject<V1ObjectMeta>
    {
        var target = RequestTarget.Of<T>(null, null);
        return Serve(target.Group, target.Version, target.Resource, RequestTarget.KindOf<T>(), namespaced);
    }

    public InMemoryKube Serve(string group, string version, string resource, string kind, bool namespaced = true)
    {
        lock (_lock)
            _served.Add(new Served(group, version, resource, kind, namespaced));
        return this;
    }

    private KubeResponse? Discover(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["apis"] => Ok(new JsonObject { ["kind"] = "APIGroupList", ["groups"] = new JsonArray([.. _served.Where(s => s.Group.Length > 0).GroupBy(s => s.Group).Select(Group)]) }),
            ["api", var version] => Resources("", version),
            ["apis", var group, var version] => Resources(group, version),
            _ => null,
        };
    }

    private static JsonNode Group(IGrouping<string, Served> group)
    {
        var versions = group.Select(s => s.Version).Distinct().Select(JsonNode? (v) => new JsonObject { ["groupVersion"] = $"{group.Key}/{v}", ["version"] = v }).ToArray();
        return new JsonObject { ["name"] = group.Key, ["preferredVersion"] = versions[0]!.DeepClone(), ["versions"] = new JsonArray(versions) };
    }

    private KubeResponse Resources(string group, string version) => Ok(new JsonObject
    {
        ["kind"] = "APIResourceList",
        ["resources"] = new JsonArray([.. _served.Where(s => s.Group == group && s.Version == version).Select(JsonNode? (s) => new JsonObject
        {
            ["name"] = s.Resource,
            ["kind"] = s.Kind,
            ["namespaced"] = s.Namespaced,
            ["verbs"] = new JsonArray([.. AllVerbs.Select(v => (JsonNode?)v)]),
        })]),
    });

    /// <summary>Stores an object of a kind without a model, as its JSON.</summary>
    public void SeedJson(string group, string version, string resource, string? ns, string json)
    {
        var node = (JsonObject)JsonNode.Parse(json)!;
        var target = new RequestTarget(group, version, resource, ns, node["metadata"]!["name"]!.GetValue<string>(), null);
        lock (_lock)
        {
            StampNew(target, node);
            Store(target.Key, node, null);
        }
    }

    private sealed record Served(string Group, string Version, string Resource, string Kind, bool Namespaced);
}
