using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Pods: most of the spec never changes; status begins Pending; deletion is graceful.</summary>
internal sealed class PodStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        var status = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QualityOfService.Of(value.Obj("spec")) };
        if (value.Obj("spec").Items("schedulingGates").Any())
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
                value.GetOrAdd("spec").SetOrRemove("ephemeralContainers", ephemeral);
                break;
            default:
                KeepField(value, old, "status");
                // A pod that is going is not resurrected by a client that has not seen it.
                value.GetOrAdd("spec").SetOrRemove("ephemeralContainers", old.Obj("spec")?["ephemeralContainers"]);
                break;
        }
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        PodSpecValidation.Validate(errors, value.Obj("spec") ?? [], Spec);
        if (value.Obj("spec").Arr("ephemeralContainers") is { Count: > 0 })
            errors.Forbidden(Spec.Child("ephemeralContainers"), "cannot be set on create");
        if (value.Obj("spec").Str("nodeName").Length > 0 && value.Obj("spec").Items("schedulingGates").Any())
            errors.Forbidden(Spec.Child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        switch (context.Subresource)
        {
            case "status":
                if (old.Obj("spec").Str("nodeName") != value.Obj("spec").Str("nodeName"))
                    errors.Forbidden(FieldPath.Of("status").Child("nodeName"), "may not be changed directly");
                break;
            case "ephemeralcontainers":
                PodSpecValidation.Validate(errors, value.Obj("spec") ?? [], Spec);
                PodUpdateValidation.ValidateEphemeralContainers(errors, value, old);
                break;
            case "resize":
                PodSpecValidation.Validate(errors, value.Obj("spec") ?? [], Spec);
                PodUpdateValidation.ValidateResize(errors, value, old);
                break;
            case "binding":
                break;
            default:
                PodSpecValidation.Validate(errors, value.Obj("spec") ?? [], Spec);
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
}
