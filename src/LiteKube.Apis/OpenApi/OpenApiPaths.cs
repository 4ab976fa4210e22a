using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>
/// The paths of resources with their operations, bodies and query parameters (kubectl looks for dryRun and
/// fieldValidation on the PATCH operation of a kind).
/// </summary>
internal sealed class OpenApiPaths(OpenApiSchemas schemas, bool isV3)
{
    private static readonly (string, string)[] Pretty = [("pretty", "string")];
    private static readonly (string, string)[] Write = [.. Pretty, ("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];
    private static readonly (string, string)[] Patch = [.. Write, ("force", "boolean")];
    private static readonly (string, string)[] Delete = [.. Pretty, ("dryRun", "string"), ("gracePeriodSeconds", "integer"), ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"), ("orphanDependents", "boolean"), ("propagationPolicy", "string")];

    private static readonly (string, string)[] List =
    [
        .. Pretty, ("allowWatchBookmarks", "boolean"), ("continue", "string"), ("fieldSelector", "string"), ("labelSelector", "string"), ("limit", "integer"), ("resourceVersion", "string"), ("resourceVersionMatch", "string"),
        ("sendInitialEvents", "boolean"), ("timeoutSeconds", "integer"), ("watch", "boolean"),
    ];

    private static readonly string[] Connects = ["attach", "exec", "portforward", "proxy"];

    private readonly JsonObject _paths = [];

    public JsonObject Build() => _paths;

    public void Add(ResourceInfo resource)
    {
        var root = resource.Resource.Group.Length == 0 ? "/api/" + resource.Resource.Version : $"/apis/{resource.Resource.GroupVersion}";
        var name = resource.Resource.Resource;
        var collection = root + (resource.Namespaced ? "/namespaces/{namespace}/" : "/") + name;
        if (resource.Namespaced && resource.Supports("list"))
            Add($"{root}/{name}", ("get", Of(resource, "list", "ForAllNamespaces")));
        Add(collection, ("get", Of(resource, "list")), ("post", Of(resource, "create")), ("delete", Of(resource, "deletecollection")));
        Add(collection + "/{name}", ("get", Of(resource, "get")), ("put", Of(resource, "update")), ("patch", Of(resource, "patch")), ("delete", Of(resource, "delete")));
        foreach (var subresource in resource.Subresources)
        {
            var path = $"{collection}/{{name}}/{subresource.Name}";
            if (Connects.Contains(subresource.Name))
                Add(path, [.. subresource.Verbs.Select(v => MethodOf(v)).Select(m => (m, (OpenApiOperation?)Connect(resource, subresource, m)))]);
            else
                Add(path, [.. subresource.Verbs.Select(v => (MethodOf(v), (OpenApiOperation?)Of(resource, subresource, v)))]);
        }
    }

    private void Add(string path, params (string Method, OpenApiOperation? Operation)[] operations)
    {
        var item = new JsonObject();
        foreach (var (method, operation) in operations)
        {
            if (operation is not null)
                item[method] = operation.ToJson(isV3);
        }
        if (item.Count == 0)
            return;
        var parameters = new JsonArray();
        foreach (var name in (ReadOnlySpan<string>)["name", "namespace"])
        {
            if (path.Contains($"{{{name}}}", StringComparison.Ordinal))
                parameters.Add((JsonNode)OpenApiOperation.Parameter(name, "path", "string", isV3));
        }
        if (parameters.Count > 0)
            item["parameters"] = parameters;
        _paths[path] = item;
    }

    private OpenApiOperation? Of(ResourceInfo resource, string verb, string suffix = "")
    {
        if (!resource.Supports(verb))
            return null;
        var own = schemas.Reference(resource.Schema);
        var list = resource.Schema.Structural is null ? OpenApiSchemas.ListOf(resource) is { } type ? schemas.Reference(type) : null : schemas.ReferenceTo(CustomSchemas.ListName(resource));
        var answer = verb switch { "list" => list, "delete" or "deletecollection" => Meta("Status"), _ => own };
        return Operation(resource, verb, resource.GroupVersionKind, resource.Kind, suffix, own, answer);
    }

    private OpenApiOperation Of(ResourceInfo resource, SubresourceInfo subresource, string verb)
    {
        var own = subresource.Kind == resource.GroupVersionKind ? resource.Schema : SchemaTable.BuiltIn.Find(subresource.Kind.ApiVersion, subresource.Kind.Kind) ?? resource.Schema;
        if (!ReferenceEquals(own, resource.Schema))
            schemas.Add(own, subresource.Kind);
        var reference = schemas.Reference(own);
        // A log is text.
        var answer = subresource.Name == "log" ? null : reference;
        return Operation(resource, verb, subresource.Kind, resource.Kind, Upper(subresource.Name), reference, answer);
    }

    private OpenApiOperation Operation(ResourceInfo resource, string verb, GroupVersionKind kind, string name, string suffix, JsonObject own, JsonObject? answer)
    {
        var (action, word, text) = verb switch
        {
            "get" => ("get", "read", "read the specified"),
            "list" => ("list", "list", "list or watch objects of kind"),
            "create" => ("post", "create", "create a"),
            "update" => ("put", "replace", "replace the specified"),
            "patch" => ("patch", "patch", "partially update the specified"),
            "delete" => ("delete", "delete", "delete a"),
            _ => ("deletecollection", "delete", "delete collection of"),
        };
        var (group, tag) = GroupOf(resource);
        var scope = resource.Namespaced && suffix != "ForAllNamespaces" ? "Namespaced" : "";
        var id = $"{word}{group}{Upper(resource.Resource.Version)}{(verb == "deletecollection" ? "Collection" : "")}{scope}{name}{suffix}";
        var query = verb switch
        {
            "get" => Pretty,
            "list" => List,
            "create" or "update" => Write,
            "patch" => Patch,
            "delete" => Delete,
            _ => [.. List.Where(p => p.Item1 is not ("watch" or "allowWatchBookmarks" or "pretty")), .. Delete],
        };
        var body = verb switch { "create" or "update" => own, "patch" => Meta("Patch"), "delete" or "deletecollection" => Meta("DeleteOptions"), _ => null };
        int[] codes = verb switch { "create" => [200, 201, 202], "update" or "patch" => [200, 201], "delete" => [200, 202], _ => [200] };
        return new(action, id, tag, $"{text} {kind.Kind}", kind, query, body, verb is "create" or "update" or "patch", answer, codes) { IsCustom = resource.Schema.Structural is not null };
    }

    /// <summary>A stream, whose query is the fields of the options' type.</summary>
    private static OpenApiOperation Connect(ResourceInfo resource, SubresourceInfo subresource, string method)
    {
        var (group, tag) = GroupOf(resource);
        var options = SchemaTable.BuiltIn.Find(subresource.Kind.ApiVersion, subresource.Kind.Kind);
        var query = options?.Fields.Where(f => f.ProtoNumber > 0).Select(f => (f.Name, f.Kind switch { ValueKind.Boolean => "boolean", ValueKind.Int32 or ValueKind.Int64 => "integer", _ => "string" })) ?? [];
        var id = $"connect{group}{Upper(resource.Resource.Version)}{Upper(method)}{(resource.Namespaced ? "Namespaced" : "")}{resource.Kind}{Upper(subresource.Name)}";
        return new("connect", id, tag, $"connect {method.ToUpperInvariant()} requests to {subresource.Name} of {resource.Kind}", subresource.Kind, [.. query], null, false, null, [200]);
    }

    private JsonObject Meta(string kind)
    {
        var type = SchemaTable.BuiltIn.Find("meta.k8s.io/v1", kind)!;
        schemas.Add(type);
        return schemas.Reference(type);
    }

    private static string MethodOf(string verb) => verb switch { "create" => "post", "update" => "put", "deletecollection" => "delete", _ => verb };

    /// <summary>"RbacAuthorization" and "rbacAuthorization_v1" of rbac.authorization.k8s.io/v1.</summary>
    private static (string Name, string Tag) GroupOf(ResourceInfo resource)
    {
        var group = resource.Resource.Group;
        var words = group.Length == 0 ? ["core"] : (group.EndsWith(".k8s.io", StringComparison.Ordinal) ? group[..^7] : group).Split('.', '-');
        var name = string.Concat(words.Select(Upper));
        return (name, char.ToLower(name[0], CultureInfo.InvariantCulture) + name[1..] + "_" + resource.Resource.Version);
    }

    private static string Upper(string word) => word.Length == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..];
}
