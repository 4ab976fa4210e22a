using Microsoft.AspNetCore.Http;

namespace LiteKube.Testing.Extensions;

/// <summary>What the fake extension server tells of itself.</summary>
internal static class FakeExtensionDocuments
{
    private const string Group = FakeExtensionServer.Group;
    private const string Version = FakeExtensionServer.Version;
    private const string Path = $"/apis/{Group}/{Version}";

    public static string? Discovery(string path) => path switch
    {
        "/apis" => Text("""{"kind":"APIGroupList","apiVersion":"v1","groups":[GROUPDOC]}"""),
        $"/apis/{Group}" => Text(GroupDocument),
        Path => Text("""
            {"kind":"APIResourceList","apiVersion":"v1","groupVersion":"GROUP/VERSION","resources":[
              {"name":"flunders","singularName":"flunder","namespaced":true,"kind":"Flunder","shortNames":["fl"],"verbs":["create","delete","deletecollection","get","list","patch","update","watch"]},
              {"name":"flunders/status","singularName":"","namespaced":true,"kind":"Flunder","verbs":["get","patch","update"]}]}
            """),
        _ => null,
    };

    public static Task AnswerAggregatedAsync(HttpContext context)
    {
        if (IsKnown(context, "\"discovery-1\"")) return Task.CompletedTask;
        return FakeExtensionServer.WriteAsync(context, 200, Text("""
            {"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[{"metadata":{"name":"GROUP","creationTimestamp":null},"versions":[{"version":"VERSION","freshness":"Current","resources":[
              {"resource":"flunders","responseKind":{"group":"GROUP","version":"VERSION","kind":"Flunder"},"scope":"Namespaced","singularResource":"flunder","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["fl"],
               "subresources":[{"subresource":"status","responseKind":{"group":"GROUP","version":"VERSION","kind":"Flunder"},"verbs":["get","patch","update"]}]}]}]}]}
            """), "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    }

    public static Task AnswerOpenApiAsync(HttpContext context, string path, bool hasV3) => path switch
    {
        "/openapi/v2" => IsKnown(context, "\"spec-1\"") ? Task.CompletedTask : FakeExtensionServer.WriteAsync(context, 200, Text(V2)),
        "/openapi/v3" when hasV3 => FakeExtensionServer.WriteAsync(context, 200, Text("""{"paths":{"apis/GROUP/VERSION":{"serverRelativeURL":"/openapi/v3/apis/GROUP/VERSION?hash=ABC"},"version":{"serverRelativeURL":"/openapi/v3/version?hash=DEF"}}}""")),
        $"/openapi/v3{Path}" when hasV3 => FakeExtensionServer.WriteAsync(context, 200, Text("""{"openapi":"3.0.0","info":{"title":"sample","version":"v3"},"paths":{"/apis/GROUP/VERSION/namespaces/{namespace}/flunders":{"get":{"description":"list flunders","operationId":"listFlunder","responses":{"200":{"description":"OK"}},"x-kubernetes-action":"list","x-kubernetes-group-version-kind":{"group":"GROUP","kind":"Flunder","version":"VERSION"}}}},"components":{"schemas":{"com.example.Flunder":{"type":"object","description":"from v3","properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"spec":{"type":"object","description":"what it is to be"}},"x-kubernetes-group-version-kind":[{"group":"GROUP","kind":"Flunder","version":"VERSION"}]}}}}""")),
        _ => FakeExtensionServer.WriteAsync(context, 404, "404 page not found\n", "text/plain"),
    };

    private const string GroupDocument = """{"kind":"APIGroup","apiVersion":"v1","name":"GROUP","versions":[{"groupVersion":"GROUP/VERSION","version":"VERSION"}],"preferredVersion":{"groupVersion":"GROUP/VERSION","version":"VERSION"}}""";

    /// <summary>With a shared parameter, a definition of another content than this cluster's own, paths of others, and a definition that nothing uses.</summary>
    private const string V2 = """
        {"swagger":"2.0","info":{"title":"sample","version":"v0"},
         "parameters":{"body-1":{"in":"body","name":"body","required":true,"schema":{"$ref":"#/definitions/com.example.Flunder"}}},
         "paths":{
           "/apis/GROUP/VERSION/namespaces/{namespace}/flunders":{"parameters":[{"in":"path","name":"namespace","required":true,"type":"string"}],
             "post":{"operationId":"createFlunder","consumes":["application/json"],"produces":["application/json"],"parameters":[{"$ref":"#/parameters/body-1"},{"in":"query","name":"dryRun","type":"string","uniqueItems":true}],
               "responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/com.example.Flunder"}}},"x-kubernetes-action":"post","x-kubernetes-group-version-kind":{"group":"GROUP","kind":"Flunder","version":"VERSION"}}},
           "/apis/elsewhere.example.com/v1/things":{"get":{"responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/com.example.Unused"}}}}},
           "/version/":{"get":{"responses":{"200":{"description":"OK"}}}}},
         "definitions":{
           "com.example.Flunder":{"description":"A flunder","type":"object","properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},"spec":{"$ref":"#/definitions/com.example.FlunderSpec"}},"x-kubernetes-group-version-kind":[{"group":"GROUP","kind":"Flunder","version":"VERSION"}]},
           "com.example.FlunderSpec":{"type":"object","properties":{"reference":{"type":"string","description":"what it refers to"}}},
           "com.example.Unused":{"type":"object"},
           "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta":{"type":"object","description":"as this server knows it","properties":{"name":{"type":"string"}}}}}
        """;

    private static string Text(string template) => template.Replace("GROUPDOC", GroupDocument, StringComparison.Ordinal).Replace("GROUP", Group, StringComparison.Ordinal).Replace("VERSION", Version, StringComparison.Ordinal);

    private static bool IsKnown(HttpContext context, string tag)
    {
        context.Response.Headers.ETag = tag;
        if (context.Request.Headers.IfNoneMatch != tag) return false;
        context.Response.StatusCode = 304;
        return true;
    }
}
