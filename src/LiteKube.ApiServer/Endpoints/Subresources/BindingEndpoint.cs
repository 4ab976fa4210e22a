using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints.Subresources;

/// <summary>Assigns a pod to a node, once: the scheduler's last word. Serves pods/NAME/binding and the older bindings collection.</summary>
internal sealed class BindingEndpoint(ObjectRegistry registry, AdmissionRunner admission, Func<ResourceTable> resources, TimeProvider time) : ISubresource
{
    private static readonly GroupVersionKind Kind = new("", "v1", "Binding");

    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        if (request.Info.Verb != "create") throw ApiException.MethodNotAllowed();
        var accepted = ObjectResponder.AcceptedUnstored(request);
        var table = resources();
        var binding = await BodyDecoder.DecodeAsync(request, table.Catalog, Kind, cancellationToken);
        binding = await admission.AdmitAsync(WriteEndpoints.AdmissionFor(request, resource), AdmissionOperation.Create, binding, null, cancellationToken);
        var name = binding.Name();
        if (request.Info.Name.Length > 0 && name.Length > 0 && name != request.Info.Name) throw ApiException.BadRequest("name in URL does not match name in Binding object");
        if (name.Length == 0) name = request.Info.Name;
        var node = TargetOf(binding, name);

        if (!table.TryFind("", "v1", "pods", out var pods)) throw new UnknownPathException();
        var write = new WriteRequest
        {
            Resource = pods,
            Info = request.Info with { Resource = "pods", Subresource = "binding", Name = name },
            User = request.User,
            DryRun = BodyDecoder.IsDryRun(request),
            // The binding has passed it; the pod is only where it is noted.
            SkipAdmission = true,
            Warnings = request.Warnings,
        };
        await registry.UpdateAsync(write, (pod, _, _) => ValueTask.FromResult(Bind(pod!, binding, name, node)), null, cancellationToken);
        return ObjectResponder.Unstored(accepted, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
    }

    private static string TargetOf(JsonObject binding, string name)
    {
        var target = binding["target"] as JsonObject;
        var errors = new FieldErrors();
        if (target?.Text("kind") is { Length: > 0 } kind and not "Node") errors.NotSupported(FieldPath.Of("target").Child("kind"), kind, "Node", "<empty>");
        var node = target?.Text("name") ?? "";
        if (node.Length == 0) errors.Required(FieldPath.Of("target").Child("name"), "");
        if (errors.Count > 0) throw ApiException.Invalid(Kind, name, errors);
        return node;
    }

    private JsonObject Bind(JsonObject current, JsonObject binding, string name, string node)
    {
        var resource = CoreResources.Pods;
        if (binding.Uid() is { Length: > 0 } uid && uid != current.Uid())
            throw ApiException.Conflict(resource, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid()}");
        if (current.IsBeingDeleted()) throw ApiException.Conflict(resource, name, $"pod {name} is being deleted, cannot be assigned to a host");
        var pod = (JsonObject)current.DeepClone();
        if (pod["spec"] is not JsonObject spec) pod["spec"] = spec = [];
        if (spec.Text("nodeName") is { Length: > 0 } taken) throw ApiException.Conflict(resource, name, $"pod {name} is already assigned to node \"{taken}\"");
        if (spec["schedulingGates"] is JsonArray { Count: > 0 }) throw ApiException.Conflict(resource, name, $"pod {name} has non-empty .spec.schedulingGates");
        spec["nodeName"] = node;
        Copy(binding, pod, "annotations");
        Copy(binding, pod, "labels");
        if (pod["status"] is not JsonObject status) pod["status"] = status = [];
        // A nomination ends with the binding: what is nominated besides holds room for nobody.
        status.Remove("nominatedNodeName");
        if (status["conditions"] is not JsonArray conditions) status["conditions"] = conditions = [];
        foreach (var old in conditions.OfType<JsonObject>().Where(c => c.Text("type") == "PodScheduled").ToList()) conditions.Remove(old);
        conditions.Add((JsonNode)new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastProbeTime"] = null, ["lastTransitionTime"] = ObjectFields.FormatTime(time.GetUtcNow()) });
        return pod;
    }

    private static void Copy(JsonObject binding, JsonObject pod, string field)
    {
        if (binding["metadata"]?[field] is not JsonObject { Count: > 0 } entries) return;
        if (pod.Metadata()[field] is not JsonObject target) pod.Metadata()[field] = target = [];
        foreach (var (key, value) in entries) target[key] = value?.DeepClone();
    }
}
