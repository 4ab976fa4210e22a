using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Patching;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>The body of a PATCH, ready to be applied to whatever stands when its turn comes (https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply).</summary>
internal sealed class ObjectPatch
{
    private const string CustomTypes = $"{MediaTypes.JsonPatch}, {MediaTypes.MergePatch}, {MediaTypes.ApplyPatch}";
    private const string AcceptedTypes = $"{MediaTypes.JsonPatch}, {MediaTypes.MergePatch}, {MediaTypes.StrategicMergePatch}, {MediaTypes.ApplyPatch}";

    private readonly ReadOnlyMemory<byte> _body;
    private readonly string _type;

    private readonly bool _speaksOfOwners;

    private ObjectPatch(ReadOnlyMemory<byte> body, string type)
    {
        (_body, _type) = (body, type);
        // A name may be written in escapes.
        _speaksOfOwners = body.Span.IndexOf("managedFields"u8) >= 0 || body.Span.IndexOf("\\u"u8) >= 0 || type == MediaTypes.JsonPatch;
    }

    /// <exception cref="ApiException">415: a kind of patch that this server does not take.</exception>
    /// <param name="isCustom">The resource is a CRD's: no Go type says how its lists merge.</param>
    public static async ValueTask<ObjectPatch> ReadAsync(ApiRequest request, CancellationToken cancellationToken, bool isCustom = false)
    {
        var type = MediaTypes.Bare(request.ContentType);
        if (isCustom && type == MediaTypes.StrategicMergePatch) throw BodyDecoder.UnsupportedMediaType(CustomTypes);
        if (type is not (MediaTypes.JsonPatch or MediaTypes.MergePatch or MediaTypes.StrategicMergePatch))
            throw BodyDecoder.UnsupportedMediaType(AcceptedTypes);
        var body = await request.ReadBodyAsync(cancellationToken);
        // client-go sends patches as JSON whatever their form; YAML is taken as upstream takes it.
        if (body.Length > 0 && body.Span.TrimStart(" \t\r\n"u8) is not [(byte)'{' or (byte)'[', ..]) body = ToJson(body);
        return new(body, type);
    }

    /// <param name="current">Read-only.</param>
    /// <returns>The patched object, canonical and defaulted.</returns>
    public JsonObject Apply(ApiRequest request, JsonObject current, TypeSchema schema, GroupVersionKind kind)
    {
        var merged = Merge(current, schema);
        // The owners that the object has stand beside it; most patches do not speak of them, and they are much to copy.
        var isReset = false;
        if (merged["metadata"] is JsonObject metadata)
        {
            if (!_speaksOfOwners) metadata.Remove("managedFields");
            isReset = metadata["managedFields"] is JsonArray { Count: 0 };
        }
        var value = BodyDecoder.Canonicalize(request, merged, schema, kind);
        if (isReset) value.Metadata()["managedFields"] = new JsonArray();
        return value;
    }

    private JsonObject Merge(JsonObject current, TypeSchema schema)
    {
        try
        {
            return _type switch
            {
                MediaTypes.JsonPatch => JsonPatch.Apply(current, _body.Span) as JsonObject ?? throw ApiException.BadRequest("the patched document is not an object"),
                MediaTypes.MergePatch => MergePatch.Apply(current, _body.Span),
                _ => StrategicMergePatch.Apply(current, _body.Span, schema),
            };
        }
        catch (PatchException exception)
        {
            if (exception.IsTooLarge) throw ApiException.TooLarge(exception.Message);
            throw exception.IsUnprocessable
                // Upstream keeps the reason to itself, and scripts compare the whole text.
                ? new ApiException(422, "Invalid", "the server rejected our request due to an error in our request")
                : ApiException.BadRequest(exception.Message);
        }
        catch (DecodeException exception)
        {
            throw ApiException.BadRequest("error decoding patch: " + exception.Message);
        }
    }

    private static ReadOnlyMemory<byte> ToJson(ReadOnlyMemory<byte> body)
    {
        try
        {
            return ObjectDecoder.YamlToJson(body.Span);
        }
        catch (DecodeException exception)
        {
            throw ApiException.BadRequest("error decoding patch: " + exception.Message);
        }
    }
}
