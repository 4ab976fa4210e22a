using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints.Subresources;

/// <summary>autoscaling/v1 Scale of Deployments, ReplicaSets, StatefulSets and ReplicationControllers: their replicas in one shape for all.</summary>
internal sealed class ScaleEndpoint(ObjectRegistry registry, AdmissionRunner admission, ObjectResponder responder, TimeProvider time) : ISubresource
{
    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ScaleChanges.Accepted(request);
        switch (request.Info.Verb)
        {
            case "get":
                return Answer(request, accepted, resource, registry.Get(resource, request.Info.Namespace, request.Info.Name));
            case "update":
                var given = await BodyDecoder.DecodeAsync(request, ResourceCatalog.BuiltIn, ScaleChanges.Kind, cancellationToken);
                if (given.Name() != request.Info.Name) throw ApiException.BadRequest($"the name of the object ({given.Name()}) does not match the name on the URL ({request.Info.Name})");
                return Answer(request, accepted, resource, await WriteAsync(request, resource, ScaleChanges.Updated(_ => given, time), cancellationToken));
            case "patch" when WriteOptions.IsApply(request):
                var applied = await ApplyPatch.ReadAsync(request, cancellationToken);
                return Answer(request, accepted, resource, await WriteAsync(request, resource, ScaleChanges.Applied(request, applied, time), cancellationToken));
            case "patch":
                var patch = await ObjectPatch.ReadAsync(request, cancellationToken);
                return Answer(request, accepted, resource, await WriteAsync(request, resource, ScaleChanges.Updated(scale => patch.Apply(request, scale, ScaleChanges.Schema, ScaleChanges.Kind), time), cancellationToken));
            default:
                throw ApiException.MethodNotAllowed();
        }
    }

    private async ValueTask<StoredValue> WriteAsync(ApiRequest request, ServedResource resource, ScaleChange change, CancellationToken cancellationToken)
    {
        var (write, admitted) = (WriteEndpoints.WriteFor(request, resource, skipsAdmission: true), WriteEndpoints.WriteFor(request, resource));
        var owners = new ScaleOwnership(apiVersion => GroupVersion.Parse(apiVersion).Group == resource.Info.GroupVersionKind.Group ? "spec.replicas" : null);
        var (written, _) = await registry.UpdateAsync(write, async (current, standing, cancellation) =>
        {
            var managed = ObjectView.Of(standing!).ManagedFields;
            var tracking = new FieldTracking(write.Fields!.Manager);
            var shown = ToScale(current!);
            var scale = await admission.AdmitAsync(admitted, AdmissionOperation.Update, change(shown, owners.ToScale(managed), tracking), shown, cancellation);
            write.Fields.Outcome = owners.ToParent(managed, tracking.Outcome!, resource.ApiVersion);
            return WithScale(request, current!, scale);
        }, null, cancellationToken);
        return written;
    }

    private static JsonObject WithScale(ApiRequest request, JsonObject current, JsonObject scale)
    {
        var replicas = (scale["spec"] as JsonObject)?.Number("replicas") ?? 0;
        if (replicas < 0)
        {
            var errors = new FieldErrors();
            errors.Invalid(FieldPath.Of("spec").Child("replicas"), replicas, "must be greater than or equal to 0");
            throw ApiException.Invalid(ScaleChanges.Kind, request.Info.Name, errors);
        }
        var value = (JsonObject)current.DeepClone();
        // The conditions of the request are those of the scale.
        SetOrRemove(value.Metadata(), "resourceVersion", scale.ResourceVersion());
        if (scale.Uid().Length > 0) value.Metadata()["uid"] = scale.Uid();
        if (value["spec"] is not JsonObject spec) value["spec"] = spec = [];
        spec["replicas"] = (int)Math.Min(replicas, int.MaxValue);
        return value;
    }

    private static void SetOrRemove(JsonObject value, string field, string text)
    {
        if (text.Length > 0) value[field] = text;
        else value.Remove(field);
    }

    private ApiResult Answer(ApiRequest request, AcceptedType accepted, ServedResource resource, StoredValue value) =>
        responder.Scale(request, accepted, ScaleChanges.Info, ToScale(resource.Decode(value)));

    private static JsonObject ToScale(JsonObject value)
    {
        var metadata = new JsonObject();
        foreach (var field in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
        {
            if (value.Metadata()[field] is { } node) metadata[field] = node.DeepClone();
        }
        var spec = value["spec"] as JsonObject;
        var scaleSpec = new JsonObject();
        // Go leaves a zero out.
        if (spec?.Number("replicas") is { } wanted and not 0) scaleSpec["replicas"] = wanted;
        var status = new JsonObject { ["replicas"] = (value["status"] as JsonObject)?.Number("replicas") ?? 0 };
        if (SelectorText.Of(spec?["selector"] as JsonObject) is { Length: > 0 } selector) status["selector"] = selector;
        return new JsonObject { ["kind"] = "Scale", ["apiVersion"] = "autoscaling/v1", ["metadata"] = metadata, ["spec"] = scaleSpec, ["status"] = status };
    }
}

/// <summary>An object's selector in the text form of a labelSelector parameter.</summary>
internal static class SelectorText
{
    /// <param name="selector">A LabelSelector, or a ReplicationController's plain map.</param>
    public static string Of(JsonObject? selector)
    {
        if (selector is null) return "";
        var parts = new List<string>();
        var isPlain = !selector.ContainsKey("matchLabels") && !selector.ContainsKey("matchExpressions");
        foreach (var (key, node) in (isPlain ? selector : selector["matchLabels"] as JsonObject) ?? [])
            parts.Add($"{key}={node}");
        foreach (var expression in (selector["matchExpressions"] as JsonArray)?.OfType<JsonObject>() ?? [])
        {
            var key = expression.Text("key");
            var values = string.Join(",", ((expression["values"] as JsonArray)?.Select(v => v?.ToString() ?? "") ?? []).Order(StringComparer.Ordinal));
            parts.Add(expression.Text("operator") switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "Exists" => key,
                _ => "!" + key,
            });
        }
        parts.Sort(StringComparer.Ordinal);
        return string.Join(",", parts);
    }
}
