using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Tables;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Endpoints.Subresources;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>autoscaling/v1 Scale of custom resources whose CRD says where replicas and selector stand.</summary>
internal sealed class CustomScaleEndpoint(ObjectRegistry registry, AdmissionRunner admission, ObjectResponder responder, TimeProvider time) : ISubresource
{
    /// <summary>Shown as custom resources are, with columns of their own.</summary>
    private static readonly ResourceInfo ScaleInfo = ScaleChanges.InfoWith(
    [
        new("Desired", "integer", "", "Number of desired replicas", 0, PrinterPath.Parse(".spec.replicas")),
        new("Available", "integer", "", "Number of actual replicas", 0, PrinterPath.Parse(".status.replicas")),
        PrinterColumn.Age,
    ]);

    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var paths = resource.Custom?.Scale ?? throw new UnknownPathException();
        var accepted = ScaleChanges.Accepted(request);
        switch (request.Info.Verb)
        {
            case "get":
                var value = registry.Get(resource, request.Info.Namespace, request.Info.Name);
                await resource.PrepareAsync([value], cancellationToken);
                var tree = resource.Decode(value);
                if (Reading(() => paths.SpecReplicas(tree)) is null) throw ApiException.Internal($"the spec replicas field \"{paths.SpecPath}\" does not exist");
                return responder.Scale(request, accepted, ScaleInfo, ToScale(tree, paths));
            case "update":
                var given = await BodyDecoder.DecodeAsync(request, ResourceCatalog.BuiltIn, ScaleChanges.Kind, cancellationToken);
                if (given.Name() != request.Info.Name) throw ApiException.BadRequest($"the name of the object ({given.Name()}) does not match the name on the URL ({request.Info.Name})");
                return await WriteAsync(request, accepted, resource, paths, ScaleChanges.Updated(_ => given, time), cancellationToken);
            case "patch" when WriteOptions.IsApply(request):
                var applied = await ApplyPatch.ReadAsync(request, cancellationToken);
                return await WriteAsync(request, accepted, resource, paths, ScaleChanges.Applied(request, applied, time), cancellationToken);
            case "patch":
                var patch = await ObjectPatch.ReadAsync(request, cancellationToken);
                return await WriteAsync(request, accepted, resource, paths, ScaleChanges.Updated(current => patch.Apply(request, current, ScaleChanges.Schema, ScaleChanges.Kind), time), cancellationToken);
            default:
                throw ApiException.MethodNotAllowed();
        }
    }

    private async ValueTask<ApiResult> WriteAsync(ApiRequest request, AcceptedType accepted, ServedResource resource, ScalePaths paths, ScaleChange change, CancellationToken cancellationToken)
    {
        var (write, admitted) = (WriteEndpoints.WriteFor(request, resource, skipsAdmission: true), WriteEndpoints.WriteFor(request, resource));
        var owners = new ScaleOwnership(apiVersion => GroupVersion.Parse(apiVersion).Group == resource.Info.GroupVersionKind.Group ? paths.SpecPath : null);
        var (written, _) = await registry.UpdateAsync(write, async (current, standing, cancellation) =>
        {
            var managed = ObjectView.Of(standing!).ManagedFields;
            var tracking = new FieldTracking(write.Fields!.Manager);
            var shown = ToScale(current!, paths);
            var scale = await admission.AdmitAsync(admitted, AdmissionOperation.Update, change(shown, owners.ToScale(managed), tracking), shown, cancellation);
            write.Fields.Outcome = owners.ToParent(managed, tracking.Outcome!, resource.ApiVersion);
            return WithScale(request, current!, paths, scale);
        }, null, cancellationToken);
        await resource.PrepareAsync([written], cancellationToken);
        return responder.Scale(request, accepted, ScaleInfo, ToScale(resource.Decode(written), paths));
    }

    private static JsonObject WithScale(ApiRequest request, JsonObject current, ScalePaths paths, JsonObject scale)
    {
        var replicas = scale.Obj("spec").LongOrNull("replicas");
        if (replicas is null && Reading(() => paths.SpecReplicas(current)) is null) throw ApiException.BadRequest($"the spec replicas field \"{paths.SpecPath}\" cannot be empty");
        if (replicas < 0)
        {
            var errors = new FieldErrors();
            errors.Invalid(FieldPath.Of("spec").Child("replicas"), replicas, "should be a non-negative integer");
            throw ApiException.Invalid(ScaleChanges.Kind, request.Info.Name, errors);
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
