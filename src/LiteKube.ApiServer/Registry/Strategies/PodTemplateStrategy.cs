using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>PodTemplates: nothing but a pod template, and warnings of what it should not say.</summary>
internal sealed class PodTemplateStrategy(ResourceInfo resource) : ValidatedStrategy(resource, WorkloadValidation.PodTemplate)
{
    private static readonly FieldPath Template = FieldPath.Of("template");

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        base.Validate(value, errors, context);
        Warn(context, value);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        base.ValidateUpdate(value, old, errors, context);
        Warn(context, value);
    }

    private static void Warn(StrategyContext context, JsonObject value)
    {
        if (value.Obj("template") is { } template)
            PodWarnings.OfSpec(context.Warnings, template.Meta(), template.Obj("spec") ?? [], Template.Child("spec"), Template.Child("metadata"));
    }
}
