using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Tables;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Objects and lists in the representation that the client accepts. JSON is the stored bytes; the others are made from them.</summary>
internal sealed class ObjectResponder(TimeProvider time)
{
    public async ValueTask<ApiResult> ObjectAsync(ApiRequest request, ServedResource resource, StoredValue value, CancellationToken cancellationToken, int statusCode = 200)
    {
        await resource.PrepareAsync([value], cancellationToken);
        return Object(request, resource, value, statusCode);
    }

    private ApiResult Object(ApiRequest request, ServedResource resource, StoredValue value, int statusCode = 200)
    {
        var accepted = MediaTypes.Negotiate(request.Accept);
        if (accepted.Representation == Representation.Json && !request.Query.Flag("pretty"))
            return new BytesResult(resource.Represent(value)) { StatusCode = statusCode };
        return Tree(request, accepted, resource, resource.Decode(value), statusCode);
    }

    /// <summary>An object that no resource stores: a Status, a Scale, a review. It has no table.</summary>
    public static ApiResult Plain(ApiRequest request, JsonObject value, int statusCode = 200)
    {
        var accepted = MediaTypes.Negotiate(request.Accept, hasTable: false);
        return accepted.Representation == Representation.Yaml ? Yaml(value, statusCode) : Json(request, value, statusCode);
    }

    public ApiResult Tree(ApiRequest request, AcceptedType accepted, ServedResource resource, JsonObject value, int statusCode = 200) => accepted.Representation switch
    {
        Representation.Table => Json(request, Table(request, accepted, resource, [value], value.ResourceVersion(), null), statusCode),
        Representation.PartialMetadata => Json(request, PartialMetadata(value, accepted.Version), statusCode),
        Representation.Yaml => Yaml(value, statusCode),
        _ => Json(request, value, statusCode),
    };

    /// <param name="continueFields">metadata of the list beside its resourceVersion.</param>
    public JsonObject Table(ApiRequest request, AcceptedType accepted, ServedResource resource, IEnumerable<JsonObject> items, string resourceVersion, JsonObject? continueFields, bool withColumns = true)
    {
        var include = ParseInclude(request.Query.Get("includeObject"));
        var now = time.GetUtcNow();
        var rows = new JsonArray();
        foreach (var item in items)
            rows.Add((JsonNode)TableConverter.Row(resource.Info, item, include, $"meta.k8s.io/{accepted.Version}", now));
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = $"meta.k8s.io/{accepted.Version}",
            ["metadata"] = ListMeta(resourceVersion, continueFields),
            ["columnDefinitions"] = withColumns ? TableConverter.Columns(resource.Info) : new JsonArray(),
            ["rows"] = rows,
        };
    }

    public static JsonObject PartialMetadata(JsonObject value, string version) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = $"meta.k8s.io/{version}",
        ["metadata"] = value["metadata"]?.DeepClone() ?? new JsonObject(),
    };

    public static JsonObject ListMeta(string resourceVersion, JsonObject? continueFields)
    {
        var metadata = new JsonObject { ["resourceVersion"] = resourceVersion };
        foreach (var (name, node) in continueFields ?? []) metadata[name] = node?.DeepClone();
        return metadata;
    }

    public static ApiResult Json(ApiRequest request, JsonObject value, int statusCode = 200) =>
        new BytesResult(request.Query.Flag("pretty") ? Pretty(value) : ObjectWriter.Write(value)) { StatusCode = statusCode };

    public static ApiResult Yaml(JsonObject value, int statusCode = 200) =>
        new BytesResult(System.Text.Encoding.UTF8.GetBytes(ObjectWriter.WriteYaml(value))) { StatusCode = statusCode, ContentType = "application/yaml" };

    private static byte[] Pretty(JsonObject value)
    {
        using var buffer = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer, new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            value.WriteTo(writer);
        return buffer.ToArray();
    }

    private static IncludeObject ParseInclude(string? text) => text switch
    {
        null or "" or "Metadata" => IncludeObject.Metadata,
        "Object" => IncludeObject.Object,
        "None" => IncludeObject.None,
        _ => throw ApiException.BadRequest($"unrecognized includeObject value: \"{text}\""),
    };
}
