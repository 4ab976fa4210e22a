using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Patching;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>The body of a PATCH, ready to be applied to whatever stands when its turn comes (https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply).</summary>
internal sealed class ObjectPatch
{
    private const string CustomTypes = $"{MediaTypes.JsonPatch}, {MediaTypes.MergePatch}, {MediaTypes.ApplyPatch}";
    private const string AcceptedTypes = $"{MediaTypes.JsonPatch}, {MediaTypes.MergePatch}, {MediaTypes.StrategicMergePatch}";

    private readonly ReadOnlyMemory<byte> _body;
    private readonly string _type;

    private ObjectPatch(ReadOnlyMemory<byte> body, string type) => (_body, _type) = (body, type);

    /// <exception cref="ApiException">415: a kind of patch that this server does not take; server-side apply is one.</exception>
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
    public JsonObject Apply(ApiRequest request, JsonObject current, TypeSchema schema, GroupVersionKind kind) =>
        BodyDecoder.Canonicalize(request, Merge(current, schema), schema, kind);

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
