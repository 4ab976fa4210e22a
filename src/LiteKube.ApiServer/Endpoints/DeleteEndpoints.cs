using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>DELETE of one object and of a collection.</summary>
internal sealed class DeleteEndpoints(ObjectRegistry registry, ObjectResponder responder, ReadEndpoints reader)
{
    /// <summary>Objects of a collection that are deleted at the same time: enough to fill the writer's batches.</summary>
    private const int Parallelism = 32;

    public async ValueTask<ApiResult> DeleteAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var options = await ReadOptionsAsync(request, cancellationToken);
        var write = WriteFor(request, resource, request.Info, options);
        var result = await registry.DeleteAsync(write, options, cancellationToken);
        var statusCode = !result.Removed && options.AsksForAccepted ? 202 : 200;
        if (!result.Removed || resource.Strategy.ReturnsDeletedObject) return await responder.ObjectAsync(request, accepted, resource, result.Value, cancellationToken, statusCode);
        var removed = ObjectView.Of(result.Value).Decode();
        return ObjectResponder.Unstored(accepted, StatusObjects.Success(resource.GroupResource.Group, resource.GroupResource.Resource, removed.Name(), removed.Uid()));
    }

    public async ValueTask<ApiResult> DeleteCollectionAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var options = await ReadOptionsAsync(request, cancellationToken);
        var listOptions = ListOptions.Parse(request, resource);
        var page = await reader.ReadPageAsync(resource, listOptions, cancellationToken);
        await Parallel.ForEachAsync(page.Values, new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken }, async (value, cancellation) =>
        {
            var key = value.Key;
            var info = request.Info with { Verb = "delete", Namespace = resource.NamespaceOf(key), Name = resource.NameOf(key) };
            try
            {
                var write = WriteFor(request, resource, info, options);
                await registry.DeleteAsync(write, options, cancellation);
                if (write.Warnings.Count == 0) return;
                lock (request.Warnings) request.Warnings.AddRange(write.Warnings);
            }
            catch (ApiException exception) when (exception.Reason == "NotFound")
            {
                // Someone else deleted it meanwhile: it is gone, as asked.
                return;
            }
        });
        // The answer is the list of what there was, with where the next one would begin.
        return await reader.PageAsync(request, accepted, resource, page, listOptions, cancellationToken);
    }

    private static WriteRequest WriteFor(ApiRequest request, ServedResource resource, RequestInfo info, DeleteOptions options) => new()
    {
        Resource = resource,
        Info = info,
        User = request.User,
        DryRun = options.DryRun,
        // A collection's deletes run at the same time; each keeps its own.
        Audit = request.Audit,
        Warnings = ReferenceEquals(info, request.Info) ? request.Warnings : [],
        Options = options,
        IsOfCollection = !ReferenceEquals(info, request.Info),
    };

    /// <summary>From the body, or from the query when there is no body.</summary>
    public static async ValueTask<DeleteOptions> ReadOptionsAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var body = await request.ReadBodyAsync(cancellationToken);
        if (!BodyDecoder.IsProtobuf(request)) request.Audit?.SetRequestBody(body);
        return body.Length > 0 ? FromBody(request, body) : FromQuery(request);
    }

    public static DeleteOptions FromObject(JsonObject value)
    {
        var preconditions = value["preconditions"] as JsonObject;
        var dryRun = value["dryRun"] as JsonArray;
        return Checked(
            value.Number("gracePeriodSeconds"),
            value.Text("propagationPolicy"),
            value["orphanDependents"] is null ? null : value.Flag("orphanDependents"),
            preconditions?["uid"] is null ? null : preconditions.Text("uid"),
            preconditions?["resourceVersion"] is null ? null : preconditions.Text("resourceVersion"),
            dryRun is null ? [] : [.. dryRun.Select(d => d is JsonValue v && v.TryGetValue<string>(out var s) ? s : "")]);
    }

    private static DeleteOptions FromBody(ApiRequest request, ReadOnlyMemory<byte> body)
    {
        try
        {
            if (BodyDecoder.IsProtobuf(request)) return FromProtobuf(body);
            var isYaml = BodyDecoder.IsYaml(request);
            if ((isYaml ? ObjectDecoder.ParseYaml(body.Span) : ObjectDecoder.ParseJson(body.Span)) is not JsonObject value)
                throw ApiException.BadRequest("the body of a delete must be a DeleteOptions");
            var kind = value.Text("kind");
            // Clients send DeleteOptions in the version of the resource's group; all mean the same.
            if (kind.Length > 0 && kind != "DeleteOptions") throw ApiException.BadRequest($"decoded object cannot be converted to DeleteOptions: it is a {kind}");
            var options = FromObject(value);
            return options.DryRun ? options : options with { DryRun = BodyDecoder.IsDryRun(request) };
        }
        catch (DecodeException exception)
        {
            throw ApiException.BadRequest($"DeleteOptions cannot be read: {exception.Message}");
        }
    }

    private static DeleteOptions FromProtobuf(ReadOnlyMemory<byte> body)
    {
        var envelope = ProtobufEnvelope.Read(body.Span);
        if (envelope.Kind is not ("DeleteOptions" or "")) throw ApiException.BadRequest($"decoded object cannot be converted to DeleteOptions: it is a {envelope.Kind}");
        return FromObject(ObjectDecoder.DecodeProtobuf(envelope, ResourceCatalog.BuiltIn.FindType("meta.k8s.io/v1", "DeleteOptions")!));
    }

    private static DeleteOptions FromQuery(ApiRequest request)
    {
        var query = request.Query;
        return Checked(query.Number("gracePeriodSeconds"), query.Get("propagationPolicy"), query.Has("orphanDependents") ? query.Flag("orphanDependents") : null, null, null, query.All("dryRun"));
    }

    private static DeleteOptions Checked(long? grace, string? policy, bool? orphans, string? uid, string? version, List<string> dryRun)
    {
        var errors = new FieldErrors();
        if (orphans is not null && !string.IsNullOrEmpty(policy))
            errors.Invalid(FieldPath.Of("propagationPolicy"), policy, "orphanDependents and deletionPropagation cannot be both set");
        if (!string.IsNullOrEmpty(policy) && policy is not ("Foreground" or "Background" or "Orphan"))
            errors.NotSupported(FieldPath.Of("propagationPolicy"), policy, "Foreground", "Background", "Orphan", "nil");
        BodyDecoder.CheckDryRun(errors, dryRun);
        if (errors.Count > 0) throw ApiException.Invalid(new("meta.k8s.io", "v1", "DeleteOptions"), "", errors);
        var propagation = string.IsNullOrEmpty(policy) ? orphans switch { true => "Orphan", false => "Background", null => null } : policy;
        return new DeleteOptions(grace, propagation, uid, version, dryRun.Count > 0) { AsksForAccepted = orphans == false };
    }
}
