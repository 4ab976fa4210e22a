using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>OpenAPI v2 and v3 made from a catalog. Built on first use; callers cache by catalog.</summary>
public static class OpenApiDocuments
{
    /// <summary>/openapi/v2 as JSON.</summary>
    public static byte[] BuildV2Json(ResourceCatalog catalog) => throw new NotImplementedException();

    /// <summary>/openapi/v2 as gnostic's OpenAPIv2 Document (application/com.github.proto-openapi.spec.v2@v1.0+protobuf).</summary>
    public static byte[] BuildV2Protobuf(ResourceCatalog catalog) => throw new NotImplementedException();

    /// <summary>/openapi/v3/apis/GROUP/VERSION (or /openapi/v3/api/v1) as JSON; null when the catalog has no such group version.</summary>
    public static byte[]? BuildV3Json(ResourceCatalog catalog, GroupVersion groupVersion) => throw new NotImplementedException();
}
