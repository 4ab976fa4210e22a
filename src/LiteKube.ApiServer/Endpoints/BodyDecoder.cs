using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Request bodies to canonical, defaulted objects of the kind that the path promises.</summary>
internal static class BodyDecoder
{
    public const string AcceptedTypes = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

    /// <summary>The object of a POST or PUT on the resource itself or its /status.</summary>
    public static async ValueTask<JsonObject> DecodeAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var body = await request.ReadBodyAsync(cancellationToken);
        if (resource.Custom is not null && IsProtobuf(request)) throw HasNoProtobuf(body, resource.Info.GroupVersionKind);
        return Recorded(request, Decode(request, body, resource.Info.Schema, resource.Info.GroupVersionKind));
    }

    /// <summary>An object of a subresource's kind: Scale, Binding, Eviction.</summary>
    public static async ValueTask<JsonObject> DecodeAsync(ApiRequest request, ResourceCatalog catalog, GroupVersionKind kind, CancellationToken cancellationToken)
    {
        var schema = catalog.FindType(kind.ApiVersion, kind.Kind) ?? throw ApiException.Internal($"no schema for {kind}");
        var body = await request.ReadBodyAsync(cancellationToken);
        return Recorded(request, Decode(request, body, schema, kind));
    }

    private static JsonObject Recorded(ApiRequest request, JsonObject value)
    {
        request.Audit?.SetRequestObject(value);
        return value;
    }

    public static JsonObject Decode(ApiRequest request, ReadOnlyMemory<byte> body, TypeSchema schema, GroupVersionKind kind)
    {
        if (IsProtobuf(request)) return DecodeProtobuf(body, schema, kind);
        var isYaml = IsYaml(request);
        if (body.Length == 0) throw ApiException.BadRequest($"{kind.Kind} in version \"{kind.Version}\" cannot be handled as a {kind.Kind}: the request has no body");
        var validation = ValidationOf(request);
        try
        {
            var decoded = isYaml ? ObjectDecoder.DecodeYaml(body.Span, schema, validation) : ObjectDecoder.DecodeJson(body.Span, schema, validation);
            if (decoded.Warnings.Count > 0) request.Warnings.AddRange(decoded.Warnings);
            KeepReset(body, isYaml, decoded.Object);
            return Finish(decoded.Object, schema, kind);
        }
        catch (DecodeException exception)
        {
            // An object of another kind is refused for its kind, not for the fields that ours lacks.
            CheckKind(body, isYaml, kind);
            throw CannotBeHandled(kind, kind, exception.Message);
        }
    }

    /// <summary>What client-go's typed clients send; kubectl create among them.</summary>
    private static JsonObject DecodeProtobuf(ReadOnlyMemory<byte> body, TypeSchema schema, GroupVersionKind kind)
    {
        try
        {
            var envelope = ProtobufEnvelope.Read(body.Span);
            Compare(envelope.ApiVersion, envelope.Kind, kind);
            return Finish(ObjectDecoder.DecodeProtobuf(envelope, schema), schema, kind);
        }
        catch (DecodeException exception)
        {
            throw CannotBeHandled(kind, kind, exception.Message);
        }
    }

    /// <summary>Upstream takes the envelope of a custom resource and then finds that nothing in it can be read.</summary>
    private static ApiException HasNoProtobuf(ReadOnlyMemory<byte> body, GroupVersionKind kind)
    {
        try
        {
            var envelope = ProtobufEnvelope.Read(body.Span);
            var given = new GroupVersionKind("", envelope.ApiVersion.Length > 0 ? GroupVersion.Parse(envelope.ApiVersion).Version : kind.Version, envelope.Kind.Length > 0 ? envelope.Kind : kind.Kind);
            return CannotBeHandled(given, kind, "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message");
        }
        catch (DecodeException exception)
        {
            return CannotBeHandled(kind, kind, exception.Message);
        }
    }

    /// <summary>A patched tree back to a canonical, defaulted object.</summary>
    public static JsonObject Canonicalize(ApiRequest request, JsonObject value, TypeSchema schema, GroupVersionKind kind) =>
        Canonicalize(request, value, schema, kind, ValidationOf(request));

    public static JsonObject Canonicalize(ApiRequest request, JsonObject value, TypeSchema schema, GroupVersionKind kind, FieldValidation validation)
    {
        try
        {
            var decoded = ObjectDecoder.Canonicalize(value, schema, validation);
            if (decoded.Warnings.Count > 0) request.Warnings.AddRange(decoded.Warnings);
            return Finish(decoded.Object, schema, kind);
        }
        catch (DecodeException exception)
        {
            throw CannotBeHandled(kind, kind, exception.Message);
        }
    }

    public static bool IsProtobuf(ApiRequest request) => MediaTypes.Bare(request.ContentType) == ProtobufEnvelope.ContentType;

    /// <exception cref="ApiException">415: neither JSON nor YAML.</exception>
    public static bool IsYaml(ApiRequest request) => MediaTypes.Bare(request.ContentType) switch
    {
        "" or "application/json" => false,
        "application/yaml" => true,
        _ => throw UnsupportedMediaType(AcceptedTypes),
    };

    public static ApiException UnsupportedMediaType(string accepted) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - accepted media types include: {accepted}");

    public static bool IsDryRun(ApiRequest request)
    {
        var values = request.Query.All("dryRun");
        var errors = new FieldErrors();
        CheckDryRun(errors, values);
        if (errors.Count > 0) throw ApiException.Invalid(new("meta.k8s.io", "v1", WriteOptions.OptionsKind(request)), "", errors);
        return values.Count > 0;
    }

    public static void CheckDryRun(FieldErrors errors, List<string> values)
    {
        if (!values.TrueForAll(v => v == "All")) errors.NotSupported(FieldPath.Of("dryRun"), new JsonArray([.. values.Select(v => (JsonNode)v)]), "All");
    }

    public static FieldValidation ValidationOf(ApiRequest request)
    {
        switch (request.Query.Get("fieldValidation"))
        {
            case null or "" or "Warn": return FieldValidation.Warn;
            case "Strict": return FieldValidation.Strict;
            case "Ignore": return FieldValidation.Ignore;
            case var other:
                var errors = new FieldErrors();
                errors.NotSupported(FieldPath.Of("fieldValidation"), other, "", "Ignore", "Strict", "Warn");
                throw ApiException.Invalid(new("meta.k8s.io", "v1", WriteOptions.OptionsKind(request)), "", errors);
        }
    }

    /// <summary>The path stands in for a kind and version that the body leaves out.</summary>
    private static JsonObject Finish(JsonObject value, TypeSchema schema, GroupVersionKind kind)
    {
        var (apiVersion, name) = (value.Text("apiVersion"), value.Text("kind"));
        if (apiVersion != kind.ApiVersion || name != kind.Kind)
        {
            Compare(apiVersion, name, kind);
            value["kind"] = kind.Kind;
            value["apiVersion"] = kind.ApiVersion;
        }
        Defaulter.Apply(schema, kind, value);
        if (kind is { Group: "", Kind: "Secret" }) SecretStrategy.MergeStringData(value);
        return value;
    }

    /// <summary>
    /// An empty list of managedFields asks to forget the owners, and is what no list is once the object is canonical:
    /// it is put back where the body has one.
    /// </summary>
    private static void KeepReset(ReadOnlyMemory<byte> body, bool isYaml, JsonObject value)
    {
        if (body.Span.IndexOf("managedFields"u8) < 0 || value["metadata"] is not JsonObject metadata || metadata.ContainsKey("managedFields")) return;
        var sent = ObjectDecoder.ParseLenient(isYaml ? ObjectDecoder.YamlToJson(body.Span) : body.Span);
        if (sent is JsonObject root && root["metadata"] is JsonObject asSent && asSent["managedFields"] is JsonArray { Count: 0 }) metadata["managedFields"] = new JsonArray();
    }

    private static void CheckKind(ReadOnlyMemory<byte> body, bool isYaml, GroupVersionKind kind)
    {
        JsonObject value;
        try
        {
            if (ObjectDecoder.ParseLenient(isYaml ? ObjectDecoder.YamlToJson(body.Span) : body.Span) is not JsonObject any) return;
            value = any;
        }
        catch (DecodeException)
        {
            // Neither JSON nor YAML: the decoder's own complaint says it better.
            return;
        }
        Compare(value.Text("apiVersion"), value.Text("kind"), kind);
    }

    private static void Compare(string apiVersion, string name, GroupVersionKind kind)
    {
        if (name.Length > 0 && name != kind.Kind)
            throw CannotBeHandled(new GroupVersionKind("", GroupVersion.Parse(apiVersion.Length > 0 ? apiVersion : kind.ApiVersion).Version, name), kind, null);
        if (apiVersion.Length > 0 && apiVersion != kind.ApiVersion && !IsOldEviction(apiVersion, kind))
            throw ApiException.BadRequest($"the API version in the data ({apiVersion}) does not match the expected API version ({kind.ApiVersion})");
    }

    /// <summary>Evictions are still taken as clients before v1.22 send them; only the version's name differs.</summary>
    private static bool IsOldEviction(string apiVersion, GroupVersionKind kind) => apiVersion == "policy/v1beta1" && kind is { Group: "policy", Version: "v1", Kind: "Eviction" };

    private static ApiException CannotBeHandled(GroupVersionKind given, GroupVersionKind expected, string? why) =>
        ApiException.BadRequest($"{given.Kind} in version \"{given.Version}\" cannot be handled as a {expected.Kind}" + (why is null ? "" : $": {why}"));
}
