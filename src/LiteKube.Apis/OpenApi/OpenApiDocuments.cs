using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>OpenAPI v2 and v3 made from a catalog. Built on first use; callers cache by catalog.</summary>
public static class OpenApiDocuments
{
    private const string BearerToken = "BearerToken";

    /// <summary>/openapi/v2 as JSON.</summary>
    public static byte[] BuildV2Json(ResourceCatalog catalog) => ObjectWriter.Write(BuildV2(catalog));

    /// <summary>/openapi/v2 as gnostic's OpenAPIv2 Document (application/com.github.proto-openapi.spec.v2@v1.0+protobuf).</summary>
    public static byte[] BuildV2Protobuf(ResourceCatalog catalog) => GnosticEncoder.Encode(BuildV2(catalog));

    /// <summary>/openapi/v2 as a tree, for what is added to it (another server's paths and definitions).</summary>
    public static JsonObject BuildV2Tree(ResourceCatalog catalog) => BuildV2(catalog);

    /// <summary>Any OpenAPI v2 document in gnostic's form.</summary>
    /// <exception cref="InvalidOperationException">It is none: a field holds what it must not.</exception>
    public static byte[] EncodeV2(JsonObject document) => GnosticEncoder.Encode(document);

    /// <summary>/openapi/v3/apis/GROUP/VERSION (or /openapi/v3/api/v1) as JSON; null when the catalog has no such group version.</summary>
    public static byte[]? BuildV3Json(ResourceCatalog catalog, GroupVersion groupVersion) => BuildV3(catalog, groupVersion) is { } document ? ObjectWriter.Write(document) : null;

    /// <summary>The same as gnostic's OpenAPIv3 Document (application/com.github.proto-openapi.spec.v3.v1.0+protobuf).</summary>
    public static byte[]? BuildV3Protobuf(ResourceCatalog catalog, GroupVersion groupVersion) => BuildV3(catalog, groupVersion) is { } document ? GnosticV3Encoder.Encode(document) : null;

    /// <summary>Any OpenAPI v3 document in gnostic's form.</summary>
    /// <exception cref="InvalidOperationException">It is none: a field holds what it must not.</exception>
    public static byte[] EncodeV3(JsonObject document) => GnosticV3Encoder.Encode(document);

    private static JsonObject? BuildV3(ResourceCatalog catalog, GroupVersion groupVersion)
    {
        var resources = catalog.Resources.Where(r => r.Resource.GroupVersion == groupVersion).ToList();
        if (resources.Count == 0)
            return null;
        var (paths, schemas) = Build(resources, "#/components/schemas/", isV3: true);
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = Info(),
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas, ["securitySchemes"] = Security() },
        };
    }

    private static JsonObject BuildV2(ResourceCatalog catalog)
    {
        var (paths, definitions) = Build(catalog.Resources, "#/definitions/", isV3: false);
        return new JsonObject
        {
            ["swagger"] = "2.0",
            ["info"] = Info(),
            ["paths"] = paths,
            ["definitions"] = definitions,
            ["securityDefinitions"] = Security(),
            ["security"] = new JsonArray(new JsonObject { [BearerToken] = new JsonArray() }),
        };
    }

    private static (JsonObject Paths, JsonObject Schemas) Build(IEnumerable<ResourceInfo> resources, string referencePrefix, bool isV3)
    {
        var schemas = new OpenApiSchemas(referencePrefix);
        var paths = new OpenApiPaths(schemas, isV3);
        foreach (var resource in resources)
        {
            schemas.Add(resource);
            paths.Add(resource);
        }
        return (paths.Build(), schemas.Build());
    }

    /// <summary>By which generated clients know that they may send a token.</summary>
    private static JsonObject Security() => new()
    {
        [BearerToken] = new JsonObject { ["description"] = "Bearer Token authentication", ["type"] = "apiKey", ["name"] = "authorization", ["in"] = "header" },
    };

    private static JsonObject Info() => new() { ["title"] = "Kubernetes", ["version"] = "v1.37.0" };
}
