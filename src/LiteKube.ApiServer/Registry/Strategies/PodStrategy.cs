using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Pods: most of the spec never changes; status begins Pending; deletion is graceful.</summary>
internal sealed class PodStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly FieldPath Annotations = FieldPath.Of("metadata").Child("annotations");

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        var status = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QualityOfService.Of(value.Obj("spec")) };
        if (value.Obj("spec").Arr("schedulingGates") is { Count: > 0 })
        {
            status["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "PodScheduled",
                ["status"] = "False",
                ["reason"] = "SchedulingGated",
                ["message"] = "Scheduling is blocked due to non-empty scheduling gates",
            });
        }
        value["status"] = status;
        PodLabelKeys.Merge(value);
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        switch (context.Subresource)
        {
            case "status":
                KeepAllButStatus(value, old);
                value.GetOrAdd("status").SetOrRemove("qosClass", old.Obj("status")?["qosClass"]);
                break;
            case "binding":
                // The server itself made the object: node and condition change together.
                break;
            case "ephemeralcontainers":
                var ephemeral = value.Obj("spec")?["ephemeralContainers"]?.DeepClone();
                KeepField(value, old, "spec");
                KeepField(value, old, "status");
                KeepMetadata(value, old);
                value.GetOrAdd("spec").SetOrRemove("ephemeralContainers", ephemeral);
                break;
            case "resize":
                KeepField(value, old, "status");
                KeepMetadata(value, old);
                ReduceToResources(value, old);
                break;
            default:
                KeepField(value, old, "status");
                // They have a door of their own.
                value.GetOrAdd("spec").SetOrRemove("ephemeralContainers", old.Obj("spec")?["ephemeralContainers"]);
                break;
        }
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        var spec = value.Obj("spec") ?? [];
        PodAnnotations.Validate(errors, value.Meta().Obj("annotations"), spec, Annotations);
        PodSpecValidation.Validate(errors, spec, Spec, value.MetaName());
        if (spec.Arr("ephemeralContainers") is { Count: > 0 })
            errors.Forbidden(Spec.Child("ephemeralContainers"), "cannot be set on create");
        if (spec.Str("nodeName").Length > 0 && spec.Arr("schedulingGates") is { Count: > 0 })
            errors.Forbidden(Spec.Child("nodeName"), "cannot be set until all schedulingGates have been cleared");
        PodWarnings.OfName(context.Warnings, value.MetaName(), "this is used in the Pod's hostname, which can result in surprising behavior");
        PodWarnings.OfSpec(context.Warnings, value.Meta(), spec, Spec, FieldPath.Of("metadata"));
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        switch (context.Subresource)
        {
            case "status":
                PodStatusValidation.Validate(errors, value, old);
                return;
            case "binding":
                return;
        }
        var spec = value.Obj("spec") ?? [];
        PodAnnotations.Validate(errors, value.Meta().Obj("annotations"), spec, Annotations);
        PodAnnotations.ValidateUpdate(errors, value, old, Annotations);
        PodSpecValidation.Validate(errors, spec, Spec, value.MetaName());
        switch (context.Subresource)
        {
            case "ephemeralcontainers":
                PodUpdateValidation.ValidateEphemeralContainers(errors, value, old);
                break;
            case "resize":
                PodResizeValidation.Validate(errors, value, old);
                break;
            default:
                PodUpdateValidation.Validate(errors, value, old);
                break;
        }
    }

    public override long? GracePeriodSeconds(JsonObject value, long? requested)
    {
        var (spec, phase) = (value.Obj("spec"), value.Obj("status").Str("phase"));
        // Nothing runs that would have to end in order.
        if (spec.Str("nodeName").Length == 0 || phase is "Failed" or "Succeeded")
            return 0;
        var seconds = requested ?? spec.LongOrNull("terminationGracePeriodSeconds") ?? 0;
        return seconds < 0 ? 1 : seconds;
    }

    /// <summary>Only the containers' resources may differ (and what the kubelet may do about them).</summary>
    private static void ReduceToResources(JsonObject value, JsonObject old)
    {
        var asked = value.Obj("spec");
        var spec = (JsonObject?)old.Obj("spec")?.DeepClone() ?? [];
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            // With a container more or less there is no telling which is which: validation says so.
            if (asked.Arr(list)?.Count != spec.Arr(list)?.Count)
            {
                spec.SetOrRemove(list, asked?[list]);
                continue;
            }
            foreach (var (wanted, container) in asked.Items(list).Zip(spec.Items(list)))
            {
                container.SetOrRemove("resources", wanted["resources"]);
                container.SetOrRemove("resizePolicy", wanted["resizePolicy"]);
            }
        }
        value["spec"] = spec;
    }

    private static void KeepMetadata(JsonObject value, JsonObject old)
    {
        // What a resize or a debug container brings along of metadata is not theirs to change; the rest is checked already.
        if (value["metadata"] is not JsonObject metadata || old["metadata"] is not JsonObject before)
            return;
        foreach (var field in (ReadOnlySpan<string>)["labels", "annotations", "ownerReferences", "finalizers"])
            KeepField(metadata, before, field);
    }
}
