using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>
/// The paths of a group version as far as clients read them: which verbs a kind has, and which query parameters
/// (kubectl looks for dryRun and fieldValidation on the PATCH operation of the kind).
/// </summary>
internal static class OpenApiPaths
{
    private static readonly string[] WriteParameters = ["dryRun", "fieldManager", "fieldValidation", "pretty"];
    private static readonly string[] ListParameters = ["allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch", "pretty"];
    private static readonly string[] DeleteParameters = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy", "pretty"];

    public static void Add(JsonObject paths, ResourceInfo resource, bool isV3)
    {
        var root = resource.Resource.Group.Length == 0 ? "/api/" + resource.Resource.Version : $"/apis/{resource.Resource.GroupVersion}";
        var collection = root + (resource.Namespaced ? "/namespaces/{namespace}/" : "/") + resource.Resource.Resource;
        var kind = resource.GroupVersionKind;
        Add(paths, collection, isV3, kind, resource.Verbs, ("get", "list", ListParameters), ("post", "create", WriteParameters), ("delete", "deletecollection", [.. ListParameters, .. DeleteParameters]));
        Add(paths, collection + "/{name}", isV3, kind, resource.Verbs, ("get", "get", ["pretty"]), ("put", "update", WriteParameters), ("patch", "patch", [.. WriteParameters, "force"]), ("delete", "delete", DeleteParameters));
        foreach (var subresource in resource.Subresources)
            Add(paths, $"{collection}/{{name}}/{subresource.Name}", isV3, subresource.Kind, subresource.Verbs, ("get", "get", ["pretty"]), ("post", "create", WriteParameters), ("put", "update", WriteParameters), ("patch", "patch", [.. WriteParameters, "force"]), ("delete", "delete", ["path"]));
    }

    private static void Add(JsonObject paths, string path, bool isV3, GroupVersionKind kind, IReadOnlyList<string> verbs, params (string Method, string Verb, string[] Parameters)[] operations)
    {
        var item = new JsonObject();
        foreach (var (method, verb, parameters) in operations)
        {
            if (verbs.Contains(verb))
                item[method] = Operation(verb, parameters, kind, isV3);
        }
        if (item.Count == 0)
            return;
        var pathParameters = new JsonArray();
        if (path.Contains("{name}", StringComparison.Ordinal))
            pathParameters.Add((JsonNode)Parameter("name", "path", isV3));
        if (path.Contains("{namespace}", StringComparison.Ordinal))
            pathParameters.Add((JsonNode)Parameter("namespace", "path", isV3));
        if (pathParameters.Count > 0)
            item["parameters"] = pathParameters;
        paths[path] = item;
    }

    private static JsonObject Operation(string verb, string[] parameters, GroupVersionKind kind, bool isV3) => new()
    {
        ["parameters"] = new JsonArray([.. parameters.Select(p => (JsonNode)Parameter(p, "query", isV3))]),
        ["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } },
        ["x-kubernetes-action"] = verb == "create" ? "post" : verb == "update" ? "put" : verb,
        ["x-kubernetes-group-version-kind"] = OpenApiSchemas.KindExtension(kind),
    };

    private static JsonObject Parameter(string name, string place, bool isV3)
    {
        var type = name is "watch" or "allowWatchBookmarks" or "force" or "orphanDependents" or "sendInitialEvents" ? "boolean" : name is "limit" or "timeoutSeconds" or "gracePeriodSeconds" ? "integer" : "string";
        var parameter = new JsonObject { ["name"] = name, ["in"] = place };
        if (place == "path")
            parameter["required"] = true;
        if (isV3)
            parameter["schema"] = new JsonObject { ["type"] = type };
        else
            parameter["type"] = type;
        return parameter;
    }
}
