using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Audit;

/// <summary>Events of audit.k8s.io/v1 as lines of JSON (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/).</summary>
internal static class AuditEvents
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="result">The answer where it is a whole one.</param>
    /// <param name="statusCode">0: none yet.</param>
    public static byte[] Write(AuditedRequest audited, AuditStages stage, ApiResult? result, int statusCode, DateTimeOffset now)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("kind"u8, "Event"u8);
            writer.WriteString("apiVersion"u8, "audit.k8s.io/v1"u8);
            writer.WriteString("level"u8, audited.Decision.Level.ToString());
            writer.WriteString("auditID"u8, audited.Id);
            writer.WriteString("stage"u8, stage.ToString());
            WriteRequest(writer, audited);
            if (stage != AuditStages.RequestReceived)
                WriteAnswer(writer, audited, result, statusCode);
            writer.WriteString("requestReceivedTimestamp"u8, Time(audited.Received));
            writer.WriteString("stageTimestamp"u8, Time(now));
            WriteAnnotations(writer, audited);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A copy of an object, or of a list of them, without the owners of their fields.</summary>
    public static JsonObject WithoutManagedFields(JsonObject value)
    {
        var copy = (JsonObject)value.DeepClone();
        copy.Meta()?.Remove("managedFields");
        foreach (var item in copy.Items("items"))
            item.Meta()?.Remove("managedFields");
        return copy;
    }

    private static void WriteRequest(Utf8JsonWriter writer, AuditedRequest audited)
    {
        var request = audited.Request;
        writer.WriteString("requestURI"u8, request.RequestUri);
        writer.WriteString("verb"u8, request.Info.Verb);
        WriteUser(writer, "user", request.IsAuthenticated ? request.OriginalUser ?? request.User : null);
        if (request.OriginalUser is not null)
            WriteUser(writer, "impersonatedUser", request.User);
        if (request.ImpersonationConstraint.Length > 0)
        {
            writer.WriteStartObject("authenticationMetadata"u8);
            writer.WriteString("impersonationConstraint"u8, request.ImpersonationConstraint);
            writer.WriteEndObject();
        }
        writer.WriteStartArray("sourceIPs"u8);
        foreach (var address in request.SourceAddresses)
            writer.WriteStringValue(address);
        writer.WriteEndArray();
        if (request.UserAgent is { Length: > 0 } agent)
            writer.WriteString("userAgent"u8, agent);
        if (request.Info.IsResourceRequest)
            WriteReference(writer, audited);
    }

    private static void WriteUser(Utf8JsonWriter writer, string name, UserInfo? user)
    {
        writer.WritePropertyName(name);
        if (user is null)
            writer.WriteRawValue("{}"u8, skipInputValidation: true);
        else
            TokenReviews.UserJson(user).WriteTo(writer);
    }

    private static void WriteReference(Utf8JsonWriter writer, AuditedRequest audited)
    {
        var (info, sent) = (audited.Request.Info, audited.Sent);
        writer.WriteStartObject("objectRef"u8);
        WriteField(writer, "resource", info.Resource);
        WriteField(writer, "namespace", info.Namespace.Length > 0 ? info.Namespace : sent.Namespace);
        WriteField(writer, "name", info.Name.Length > 0 ? info.Name : sent.Name);
        WriteField(writer, "uid", sent.Uid);
        WriteField(writer, "apiGroup", info.Group);
        WriteField(writer, "apiVersion", info.Version);
        WriteField(writer, "resourceVersion", sent.ResourceVersion);
        WriteField(writer, "subresource", info.Subresource);
        writer.WriteEndObject();
    }

    private static void WriteField(Utf8JsonWriter writer, string name, string value)
    {
        if (value.Length > 0)
            writer.WriteString(name, value);
    }

    private static void WriteAnswer(Utf8JsonWriter writer, AuditedRequest audited, ApiResult? result, int statusCode)
    {
        var (level, wantsBody) = (audited.Decision.Level, audited.Decision.Level == AuditLevel.RequestResponse && audited.Request.Info.IsResourceRequest);
        var answer = statusCode >= 400 || wantsBody ? Json(result) : null;
        var status = answer is not null && answer.Str("kind") == "Status" ? answer : null;
        writer.WriteStartObject("responseStatus"u8);
        writer.WriteStartObject("metadata"u8);
        writer.WriteEndObject();
        foreach (var field in (ReadOnlySpan<string>)["status", "message", "reason", "details"])
        {
            if (status?[field] is not { } node)
                continue;
            writer.WritePropertyName(field);
            node.WriteTo(writer);
        }
        writer.WriteNumber("code"u8, statusCode);
        writer.WriteEndObject();
        if (level >= AuditLevel.Request && !audited.RequestBody.IsEmpty)
        {
            writer.WritePropertyName("requestObject"u8);
            writer.WriteRawValue(audited.RequestBody.Span, skipInputValidation: true);
        }
        if (!wantsBody || answer is null)
            return;
        writer.WritePropertyName("responseObject"u8);
        (audited.Decision.OmitsManagedFields ? WithoutManagedFields(answer) : answer).WriteTo(writer);
    }

    private static void WriteAnnotations(Utf8JsonWriter writer, AuditedRequest audited)
    {
        if (audited.Annotations is not { Count: > 0 } annotations)
            return;
        writer.WriteStartObject("annotations"u8);
        foreach (var (key, value) in annotations)
            writer.WriteString(key, value);
        writer.WriteEndObject();
    }

    /// <summary>The answer's object whatever its encoding; null when it is no object (text, an unknown kind in protobuf).</summary>
    private static JsonObject? Json(ApiResult? result)
    {
        var body = result switch
        {
            BytesResult bytes => bytes.Body,
            ListResult list => list.ToArray(),
            _ => default,
        };
        if (body.IsEmpty)
            return null;
        try
        {
            switch (MediaTypes.Bare(result!.ContentType))
            {
                case ApiResult.Json: return ObjectDecoder.ParseJson(body.Span) as JsonObject;
                case "application/yaml": return ObjectDecoder.ParseYaml(body.Span) as JsonObject;
                case ProtobufEnvelope.ContentType:
                    var envelope = ProtobufEnvelope.Read(body.Span);
                    return ResourceCatalog.BuiltIn.FindType(envelope.ApiVersion, envelope.Kind) is { } schema ? ObjectDecoder.DecodeProtobuf(envelope, schema) : null;
                default: return null;
            }
        }
        catch (DecodeException)
        {
            // Text that only says it is JSON; it has no place in an event.
            return null;
        }
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
