using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>POST, PUT and PATCH of every stored kind, and of its /status and other subresources of the kind itself.</summary>
internal sealed class WriteEndpoints(ObjectRegistry registry, ObjectResponder responder, IAuthorizer authorizer, TimeProvider time)
{
    public async ValueTask<ApiResult> CreateAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var write = WriteFor(request, resource);
        var value = await BodyDecoder.DecodeAsync(request, resource, cancellationToken);
        var created = await registry.CreateAsync(write, value, cancellationToken);
        return await responder.ObjectAsync(request, accepted, resource, created, cancellationToken, 201);
    }

    public async ValueTask<ApiResult> UpdateAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var write = WriteFor(request, resource);
        var value = await BodyDecoder.DecodeAsync(request, resource, cancellationToken);
        CheckName(value, request.Info);
        var isFirst = true;
        var (written, created) = await registry.UpdateAsync(write, Updated, () => AuthorizeCreate(request), cancellationToken);
        return await responder.ObjectAsync(request, accepted, resource, written, cancellationToken, created ? 201 : 200);

        // The registry changes what it gets; only a lost race asks a second time.
        ValueTask<JsonObject> Updated(JsonObject? current, StoredValue? standing, CancellationToken _)
        {
            var copy = isFirst ? value : null;
            isFirst = false;
            return copy is null ? Again() : ValueTask.FromResult(copy);
        }

        async ValueTask<JsonObject> Again() => await BodyDecoder.DecodeAsync(request, resource, cancellationToken);
    }

    public async ValueTask<ApiResult> PatchAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        request.Audit?.SetRequestBody(await request.ReadBodyAsync(cancellationToken));
        if (WriteOptions.IsApply(request)) return await ApplyAsync(request, resource, cancellationToken);
        var accepted = ObjectResponder.Accepted(request, resource);
        var write = WriteFor(request, resource);
        var patch = await ObjectPatch.ReadAsync(request, cancellationToken, isCustom: resource.Custom is not null);
        var (written, _) = await registry.UpdateAsync(write, (current, _, _) => ValueTask.FromResult(patch.Apply(request, current!, resource.Info.Schema, resource.Info.GroupVersionKind)), null, cancellationToken);
        return await responder.ObjectAsync(request, accepted, resource, written, cancellationToken);
    }

    private async ValueTask<ApiResult> ApplyAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var patch = await ApplyPatch.ReadAsync(request, cancellationToken);
        var write = WriteFor(request, resource);
        var target = ApplyTarget.Of(resource, request.Info.Subresource);
        var (written, created) = await registry.UpdateAsync(write, Applied, () => AuthorizeCreate(request), cancellationToken, alwaysCreates: true);
        return await responder.ObjectAsync(request, accepted, resource, written, cancellationToken, created ? 201 : 200);

        ValueTask<JsonObject> Applied(JsonObject? current, StoredValue? standing, CancellationToken _)
        {
            var owners = standing is null ? ManagedFieldsList.Empty : ObjectView.Of(standing).ManagedFields;
            return ValueTask.FromResult(patch.Apply(request, target, write.Fields!, current, owners, time.GetUtcNow()));
        }
    }

    /// <param name="skipsAdmission">What admission sees is something else than the object that is written.</param>
    public static WriteRequest WriteFor(ApiRequest request, ServedResource resource, bool skipsAdmission = false) => new()
    {
        SkipAdmission = skipsAdmission,
        Resource = resource,
        Info = request.Info,
        User = request.User,
        DryRun = request.RawQuery.Length > 0 && BodyDecoder.IsDryRun(request),
        Warnings = request.Warnings,
        Audit = request.Audit,
        Fields = WriteOptions.TrackingOf(request),
        Options = request,
    };

    /// <summary>What is not stored, for admission: a binding, an eviction, a token, the options of a connect.</summary>
    public static WriteRequest AdmissionFor(ApiRequest request, ServedResource resource, bool isConnect = false) => new()
    {
        Resource = resource,
        Info = request.Info,
        User = request.User,
        // The query of a connect is its own affair.
        DryRun = !isConnect && request.RawQuery.Length > 0 && BodyDecoder.IsDryRun(request),
        Warnings = request.Warnings,
        Audit = request.Audit,
        Options = isConnect ? null : request,
    };

    /// <summary>The name and namespace in the body are those of the path.</summary>
    public static void CheckName(JsonObject value, RequestInfo info)
    {
        var name = value.Name();
        if (name.Length == 0) throw ApiException.BadRequest($"the name of the object ({info.Name} based on URL) was undeterminable: name must be provided");
        if (name != info.Name) throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({info.Name})");
        var ns = value.Namespace();
        if (info.Namespace.Length > 0 && ns.Length > 0 && ns != info.Namespace && info.Resource != "namespaces")
            throw ApiException.BadRequest($"the namespace of the object ({ns}) does not match the namespace on the URL ({info.Namespace})");
    }

    private void AuthorizeCreate(ApiRequest request)
    {
        var info = request.Info with { Verb = "create" };
        var decision = authorizer.Authorize(request.User, info);
        if (!decision.Allowed) throw ForbiddenStatus.For(request.User, info, decision.Reason);
    }
}
