using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <param name="Body">Null: none.</param>
internal sealed record FuzzedRequest(HttpMethod Method, string Path, byte[]? Body, string ContentType, string? Accept)
{
    public override string ToString() => $"{Method} {Path} {ContentType} {Accept}\n{(Body is null ? "" : Encoding.Latin1.GetString(Body))}";
}

/// <summary>Requests that are nearly right, as a function of a seed: the right fields with wrong values, the right values in wrong places.</summary>
/// <param name="applies">Whether patches are applied as well, as those of some seeds are.</param>
internal sealed class RequestMaker(int seed, bool applies = false)
{
    public const string Namespace = "fuzz";

    private static readonly IReadOnlyList<ResourceInfo> Resources = [.. ResourceCatalog.BuiltIn.Resources.Where(r => r.Resource.Resource is not "namespaces")];
    private static readonly string[] PatchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];
    private static readonly string[] PatchAndApplyTypes = [.. PatchTypes, "application/apply-patch+yaml", "application/apply-patch+yaml"];

    private static readonly string[] Accepts =
    [
        "application/json", "*/*", "application/yaml", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "application/json;as=Table;v=v9;g=x", "application/vnd.kubernetes.protobuf", "", "foo", ";;q=x", "application/cbor",
    ];

    private static readonly string[] Parameters =
    [
        "labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "resourceVersionMatch", "timeoutSeconds", "dryRun", "fieldValidation", "fieldManager", "force",
        "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "pretty", "sendInitialEvents", "allowWatchBookmarks", "includeObject",
    ];

    private static readonly string[] ParameterValues =
    [
        "", "1", "-1", "0", "a", "All", "Strict", "Warn", "Ignore", "true", "%00", "%ff", "%", "%C3%28", "a%3Db", "a+in+(b", "a+notin+(b,,)", "!a", "!", "a,,b", "a%3E1", "a%3Cx", "metadata.name%3Dx", "metadata.name!%3Dx",
        "metadata.name%3D%5C,", "%5C", "99999999999999999999", "Exact", "NotOlderThan", "Foreground", "Orphan", "{}", "application%2Fjson%3Bas%3DTable", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0",
    ];

    private static readonly string[] Tokens =
    [
        """{"v":"meta.k8s.io/v1","rv":1,"rv":2,"start":"a"}""", """{"v":"meta.k8s.io/v1","rv":-1,"start":"../../secrets"}""", """{"v":"meta.k8s.io/v1","rv":1,"start":"\ud800"}""",
        """{"v":1}""", "[]", "null", "{", """{"v":"meta.k8s.io/v1","rv":-1,"start":"zzzz"}""", """{"v":"meta.k8s.io/v1","rv":1.5,"start":"a"}""", """{"v":"meta.k8s.io/v1","rv":-1,"start":"fuzz/a\u0000"}""",
    ];

    // Each has been the downfall of some decoder or validator.
    private static readonly string[] Strings =
    [
        "", "a", "A_b", "-", "\0", "\\ud800", "é", "../x", "/", "a/b/c", "%s", "{{", "$(X)", "${", "*", "0", "-1", "1e9", "99999999999999999999", "1Gi", "-5m", "1e", "100%", "-1%", "10.1.1.1", "::1", "10.0.0.0/8", "1.2.3.4/99", "None",
        "2026-01-01T00:00:00Z", "2026-13-45", "* * * * *", "@every 0s", "TZ=x * * * * *", "x.example.com/y", "pods", "Always", "TCP", "ClusterIP", "Equal", "In", "Exists", "http", "kubernetes.io/service-account-token", "system:masters", "LS0tLS1CRUdJTg==",
    ];

    private readonly Random _random = new(seed);

    public FuzzedRequest Next()
    {
        var resource = Pick(Resources);
        var collection = PathOf(resource);
        var name = "f" + _random.Next(8);
        var subresource = resource.Subresources.Where(s => s.Name is not ("proxy" or "exec" or "attach" or "portforward" or "log")).Select(s => "/" + s.Name).Append("").ToArray();
        var item = $"{collection}/{name}{Pick(subresource)}";
        var query = Query();
        return _random.Next(10) switch
        {
            <= 2 => Write(HttpMethod.Post, (_random.Next(8) == 0 ? item : collection) + query, resource, name),
            3 => Write(HttpMethod.Put, item + query, resource, name),
            4 or 5 => Patch(item + query, resource, name),
            6 => new(HttpMethod.Delete, (_random.Next(10) == 0 && resource.Resource.Group != "rbac.authorization.k8s.io" ? collection : $"{collection}/{name}") + query, DeleteOptions(), "application/json", null),
            _ => new(HttpMethod.Get, (_random.Next(2) == 0 ? collection : item) + query, null, "", Pick(Accepts)),
        };
    }

    private FuzzedRequest Write(HttpMethod method, string path, ResourceInfo resource, string name)
    {
        var body = _random.Next(12) == 0 ? Bytes() : Text(ObjectOf(resource, name));
        return new(method, path, body, Pick("application/json", "application/json", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain"), null);
    }

    private FuzzedRequest Patch(string path, ResourceInfo resource, string name)
    {
        var type = Pick(applies ? PatchAndApplyTypes : PatchTypes);
        if (type == "application/apply-patch+yaml" && _random.Next(8) != 0) path += (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "fieldManager=" + Pick("a", "b") + Pick("", "", "&force=true");
        if (_random.Next(12) == 0) return new(HttpMethod.Patch, path, Bytes(), type, null);
        if (type == PatchTypes[0]) return new(HttpMethod.Patch, path, Text(JsonPatch(resource)), type, null);
        var value = ObjectOf(resource, name);
        if (_random.Next(2) == 0) AddDirectives(value);
        return new(HttpMethod.Patch, path, Text(value), type, null);
    }

    private byte[] Text(JsonNode? value)
    {
        var text = (value?.ToJsonString() ?? "null").Replace("\\\\ud800", "\\ud800", StringComparison.Ordinal);
        if (_random.Next(15) == 0) text = text[.._random.Next(text.Length)];
        return Encoding.UTF8.GetBytes(text);
    }

    private byte[] Bytes()
    {
        var bytes = new byte[_random.Next(80)];
        const string likely = "{}[]\":,\\-?&*!|>#%@`\n\t abc1e.+k8s\0";
        for (var i = 0; i < bytes.Length; i++) bytes[i] = _random.Next(2) == 0 ? (byte)_random.Next(256) : (byte)Pick(likely.ToCharArray());
        if (_random.Next(3) == 0) "k8s\0"u8[..Math.Min(4, bytes.Length)].CopyTo(bytes);
        return bytes;
    }

    private byte[]? DeleteOptions() => _random.Next(3) switch
    {
        0 => null,
        1 => Bytes(),
        _ => Text(new JsonObject { ["kind"] = "DeleteOptions", [Pick("propagationPolicy", "gracePeriodSeconds", "preconditions", "dryRun", "orphanDependents")] = Any(2) }),
    };

    private JsonObject ObjectOf(ResourceInfo resource, string name)
    {
        var value = Typed(resource.Schema, 0);
        if (_random.Next(30) != 0) (value["apiVersion"], value["kind"]) = (resource.GroupVersionKind.ApiVersion, resource.Kind);
        if (_random.Next(20) == 0) return value;
        var metadata = value["metadata"] as JsonObject ?? [];
        metadata["name"] = name;
        if (_random.Next(10) != 0)
        {
            foreach (var field in (string[])["namespace", "resourceVersion", "uid", "deletionTimestamp"]) metadata.Remove(field);
        }
        value["metadata"] = metadata.Parent is null ? metadata : metadata.DeepClone();
        return value;
    }

    private JsonObject Typed(TypeSchema type, int depth)
    {
        var value = new JsonObject();
        foreach (var field in type.Fields)
        {
            if (_random.NextDouble() < (field.IsRequired ? 0.9 : depth == 0 ? 0.6 : 0.25)) value[field.Name] = FieldValue(field, depth);
        }
        return value;
    }

    private JsonNode? FieldValue(FieldSchema field, int depth)
    {
        if (_random.Next(25) == 0) return Any(0);
        switch (field.Cardinality)
        {
            case Cardinality.List:
                return new JsonArray([.. Enumerable.Range(0, _random.Next(3)).Select(_ => One(field, depth))]);
            case Cardinality.Map:
                var map = new JsonObject();
                for (var i = _random.Next(3); i > 0; i--) map[Pick(Strings)] = One(field, depth);
                return map;
            default:
                return One(field, depth);
        }
    }

    private JsonNode? One(FieldSchema field, int depth) => field.Kind switch
    {
        ValueKind.Object when field.Type is { } type => depth > 6 ? [] : Typed(type, depth + 1),
        ValueKind.Boolean => _random.Next(2) == 0,
        ValueKind.Int32 or ValueKind.Int64 => Pick(0, 1, -1, 2, 80, 65536, int.MaxValue, int.MinValue),
        ValueKind.Double => 0.5,
        ValueKind.IntOrString => _random.Next(2) == 0 ? Pick(0, 1, -1, 70000) : Pick(Strings),
        ValueKind.Quantity => Pick("1", "0", "-1", "1Gi", "1e99", "0.0000000001", "x", "1E"),
        ValueKind.RawObject or ValueKind.AnyJson => Any(0),
        _ => Pick(Strings),
    };

    private JsonNode? Any(int depth) => _random.Next(depth > 3 ? 8 : 12) switch
    {
        0 => null,
        1 => true,
        2 => _random.Next(-2, 3),
        3 => 1e300,
        4 => long.MinValue,
        5 => 1.5,
        <= 7 => Pick(Strings),
        8 => new JsonArray(),
        9 => new JsonArray(Any(depth + 1), Any(depth + 1)),
        10 => new JsonObject(),
        _ => new JsonObject { [Pick("a", "name", "spec", "", "$patch")] = Any(depth + 1) },
    };

    private JsonArray JsonPatch(ResourceInfo resource)
    {
        var operations = new JsonArray();
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            operations.Add((JsonNode)new JsonObject
            {
                ["op"] = Pick("add", "remove", "replace", "test", "move", "copy", "x"),
                ["path"] = _random.Next(20) == 0 ? Any(0) : Pointer(resource),
                ["from"] = Pointer(resource),
                ["value"] = Any(0),
            });
        }
        return operations;
    }

    private string Pointer(ResourceInfo resource)
    {
        var path = new StringBuilder();
        var type = resource.Schema;
        for (var i = _random.Next(4); i > 0 && type is { Fields.Count: > 0 }; i--)
        {
            var field = type.Fields[_random.Next(type.Fields.Count)];
            path.Append('/').Append(field.Name);
            if (field.Cardinality != Cardinality.One) path.Append(Pick("", "/0", "/-", "/-1", "/99999999999", "/a~1b", "/~2", "/"));
            type = field.Type;
        }
        return path.ToString();
    }

    private void AddDirectives(JsonObject value)
    {
        foreach (var (name, child) in value.ToArray())
        {
            if (_random.Next(4) == 0) value[Pick("$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys", "$patch") + (_random.Next(4) == 0 ? "" : name)] = Any(1);
            switch (child)
            {
                case JsonObject inner:
                    if (_random.Next(4) == 0) inner["$patch"] = Pick("delete", "replace", "merge", "x");
                    AddDirectives(inner);
                    break;
                case JsonArray list:
                    foreach (var element in list.OfType<JsonObject>()) AddDirectives(element);
                    break;
            }
        }
    }

    private string Query()
    {
        if (_random.Next(3) != 0) return "";
        var query = new StringBuilder("?");
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            var parameter = Pick(Parameters);
            var value = parameter == "continue" && _random.Next(2) == 0 ? Convert.ToBase64String(Encoding.UTF8.GetBytes(Pick(Tokens))).TrimEnd('=').Replace('+', '-').Replace('/', '_') : Pick(ParameterValues);
            query.Append(parameter).Append('=').Append(value).Append('&');
        }
        return query.ToString();
    }

    private static string PathOf(ResourceInfo resource)
    {
        var version = resource.Resource.Group.Length == 0 ? $"/api/{resource.Resource.Version}" : $"/apis/{resource.Resource.GroupVersion}";
        return $"{version}{(resource.Namespaced ? "/namespaces/" + Namespace : "")}/{resource.Resource.Resource}";
    }

    private T Pick<T>(params IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];
}
