using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Tables;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Objects in the representation that the client accepts. JSON is the stored bytes; the others are made from them.</summary>
internal sealed class ObjectResponder(TimeProvider time)
{
    /// <summary>Asked for before a write is done: what cannot be answered must not happen.</summary>
    /// <exception cref="ApiException">406.</exception>
    public static AcceptedType Accepted(ApiRequest request, ServedResource resource) =>
        MediaTypes.Negotiate(request, resource.Custom is null ? Offers.Resource : Offers.CustomResource);

    public ValueTask<ApiResult> ObjectAsync(ApiRequest request, ServedResource resource, StoredValue value, CancellationToken cancellationToken, int statusCode = 200) =>
        ObjectAsync(request, Accepted(request, resource), resource, value, cancellationToken, statusCode);

    public async ValueTask<ApiResult> ObjectAsync(ApiRequest request, AcceptedType accepted, ServedResource resource, StoredValue value, CancellationToken cancellationToken, int statusCode = 200)
    {
        await resource.PrepareAsync([value], cancellationToken);
        return Object(request, accepted, resource, value, statusCode);
    }

    private ApiResult Object(ApiRequest request, AcceptedType accepted, ServedResource resource, StoredValue value, int statusCode)
    {
        if (accepted.IsPlainJson) return new BytesResult(resource.Represent(value)) { StatusCode = statusCode };
        if (accepted is { Format: BodyFormat.Protobuf, Shape: BodyShape.Whole })
            return new BytesResult(resource.RepresentProtobuf(value).Bytes) { StatusCode = statusCode, ContentType = ProtobufEnvelope.ContentType };
        var kind = resource.Info.GroupVersionKind;
        return accepted.Shape switch
        {
            BodyShape.Whole => BodyEncoder.Encode(accepted, resource.Represent(value), kind.ApiVersion, kind.Kind, statusCode),
            BodyShape.PartialMetadata => BodyEncoder.Encode(accepted, PartialMetadata.Of(resource.Represent(value).Span, accepted.Version), PartialMetadata.ApiVersion(accepted.Version), PartialMetadata.Kind, statusCode),
            _ => Tree(request, accepted, resource, resource.Decode(value), statusCode),
        };
    }

    /// <summary>As <see cref="Accepted"/> for what no resource stores: a review, a token, the Status that answers a binding. None has a table.</summary>
    /// <exception cref="ApiException">406.</exception>
    public static AcceptedType AcceptedUnstored(ApiRequest request) => MediaTypes.Negotiate(request, Offers.Protobuf | Offers.PartialMetadata);

    /// <summary>An object that no resource stores. A Status is what it is in every shape.</summary>
    public static ApiResult Unstored(AcceptedType accepted, JsonObject value, int statusCode = 200)
    {
        var isWhole = accepted.Shape == BodyShape.Whole || value["kind"]?.GetValue<string>() == "Status";
        return Whole(accepted, isWhole ? value : PartialMetadata.Of(value, accepted.Version), statusCode);
    }

    /// <summary>A Scale: no resource of its own, but with a table.</summary>
    public ApiResult Scale(ApiRequest request, AcceptedType accepted, ResourceInfo info, JsonObject scale) => accepted.Shape == BodyShape.Table
        ? Whole(accepted, Table(request, accepted, info, [scale], scale.ResourceVersion(), null))
        : Unstored(accepted, scale);

    /// <summary>A single object that is a tree.</summary>
    public ApiResult Tree(ApiRequest request, AcceptedType accepted, ServedResource resource, JsonObject value, int statusCode = 200) => accepted.Shape switch
    {
        BodyShape.Table => Whole(accepted, Table(request, accepted, resource.Info, [value], value.ResourceVersion(), null), statusCode),
        BodyShape.PartialMetadata => Whole(accepted, PartialMetadata.Of(value, accepted.Version), statusCode),
        BodyShape.PartialMetadataList => throw MediaTypes.NotAcceptable($"you requested PartialObjectMetadataList, but the requested object is not a list ({resource.GoType})"),
        _ => Whole(accepted, value, statusCode),
    };

    /// <param name="continueFields">metadata of the list beside its resourceVersion.</param>
    public JsonObject Table(ApiRequest request, AcceptedType accepted, ResourceInfo info, IEnumerable<JsonObject> items, string resourceVersion, JsonObject? continueFields, bool withColumns = true, IncludeObject? include = null)
    {
        var included = include ?? IncludeOf(request);
        var now = time.GetUtcNow();
        var rows = new JsonArray();
        foreach (var item in TableConverter.Order(info, items))
            rows.Add((JsonNode)TableConverter.Row(info, item, included, $"meta.k8s.io/{accepted.Version}", now));
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = $"meta.k8s.io/{accepted.Version}",
            ["metadata"] = ListMeta(resourceVersion, continueFields),
            ["columnDefinitions"] = withColumns ? TableConverter.Columns(info) : new JsonArray(),
            ["rows"] = rows,
        };
    }

    public static JsonObject ListMeta(string resourceVersion, JsonObject? continueFields)
    {
        var metadata = new JsonObject { ["resourceVersion"] = resourceVersion };
        foreach (var (name, node) in continueFields ?? []) metadata[name] = node?.DeepClone();
        return metadata;
    }

    public static ApiResult Whole(AcceptedType accepted, JsonObject value, int statusCode = 200) => BodyEncoder.Encode(accepted, value, statusCode);

    /// <exception cref="ApiException">400: no such value.</exception>
    public static IncludeObject IncludeOf(ApiRequest request) => request.Query.Get("includeObject") switch
    {
        null or "" or "Metadata" => IncludeObject.Metadata,
        "Object" => IncludeObject.Object,
        "None" => IncludeObject.None,
        var other => throw ApiException.BadRequest($"Unable to convert to Table as requested: includeObject: Invalid value: \"{other}\": must be 'Metadata', 'Object', 'None', or empty"),
    };
}
