using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>autoscaling/v1 Scale of custom resources whose CRD says where replicas and selector stand.</summary>
internal sealed class CustomScaleEndpoint(ObjectRegistry registry) : ISubresource
{
    private static readonly GroupVersionKind Kind = new("autoscaling", "v1", "Scale");
    private static readonly TypeSchema Schema = ResourceCatalog.BuiltIn.FindType("autoscaling/v1", "Scale")!;

    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var paths = resource.Custom?.Scale ?? throw new UnknownPathException();
        switch (request.Info.Verb)
        {
            case "get":
                var value = registry.Get(resource, request.Info.Namespace, request.Info.Name);
                await resource.PrepareAsync([value], cancellationToken);
                var tree = resource.Decode(value);
                if (Reading(() => paths.SpecReplicas(tree)) is null) throw ApiException.Internal($"the spec replicas field \"{paths.SpecPath}\" does not exist");
                return ObjectResponder.Plain(request, ToScale(tree, paths));
            case "update":
                var given = await BodyDecoder.DecodeAsync(request, ResourceCatalog.BuiltIn, Kind, cancellationToken);
                if (given.Name() != request.Info.Name) throw ApiException.BadRequest($"the name of the object ({given.Name()}) does not match the name on the URL ({request.Info.Name})");
                return await WriteAsync(request, resource, paths, _ => given, cancellationToken);
            case "patch":
                var patch = await ObjectPatch.ReadAsync(request, cancellationToken);
                return await WriteAsync(request, resource, paths, current => patch.Apply(request, current, Schema, Kind), cancellationToken);
            default:
                throw ApiException.MethodNotAllowed();
        }
    }

    private async ValueTask<ApiResult> WriteAsync(ApiRequest request, ServedResource resource, ScalePaths paths, Func<JsonObject, JsonObject> change, CancellationToken cancellationToken)
    {
        var write = WriteEndpoints.WriteFor(request, resource);
        var (written, _) = await registry.UpdateAsync(write, (current, _) => ValueTask.FromResult(Change(request, current!, paths, change)), null, cancellationToken);
        await resource.PrepareAsync([written], cancellationToken);
        return ObjectResponder.Plain(request, ToScale(resource.Decode(written), paths));
    }

    private static JsonObject Change(ApiRequest request, JsonObject current, ScalePaths paths, Func<JsonObject, JsonObject> change)
    {
        var scale = change(ToScale(current, paths));
        var replicas = scale.Obj("spec").LongOrNull("replicas");
        if (replicas is null && Reading(() => paths.SpecReplicas(current)) is null) throw ApiException.BadRequest($"the spec replicas field \"{paths.SpecPath}\" cannot be empty");
        if (replicas < 0)
        {
            var errors = new FieldErrors();
            errors.Invalid(FieldPath.Of("spec").Child("replicas"), replicas, "should be a non-negative integer");
            throw ApiException.Invalid(Kind, request.Info.Name, errors);
        }
        var value = (JsonObject)current.DeepClone();
        // Without a version of its own the scale is written over whatever stands.
        if (scale.ResourceVersion().Length > 0) value.Metadata()["resourceVersion"] = scale.ResourceVersion();
        if (scale.Uid().Length > 0) value.Metadata()["uid"] = scale.Uid();
        paths.SetSpecReplicas(value, replicas ?? 0);
        return value;
    }

    private static JsonObject ToScale(JsonObject value, ScalePaths paths)
    {
        var metadata = new JsonObject();
        foreach (var field in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
        {
            if (value.Metadata()[field] is { } node) metadata[field] = node.DeepClone();
        }
        var spec = new JsonObject();
        if (Reading(() => paths.SpecReplicas(value)) is { } wanted and not 0) spec["replicas"] = wanted;
        var status = new JsonObject { ["replicas"] = Reading(() => (long?)paths.StatusReplicas(value)) ?? 0 };
        if (Reading(() => paths.Selector(value)) is { Length: > 0 } selector) status["selector"] = selector;
        return new JsonObject { ["kind"] = "Scale", ["apiVersion"] = "autoscaling/v1", ["metadata"] = metadata, ["spec"] = spec, ["status"] = status };
    }

    private static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException exception)
        {
            throw ApiException.Internal(exception.Message);
        }
    }
}
