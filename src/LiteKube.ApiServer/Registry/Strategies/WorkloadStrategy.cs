using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>A kind that makes pods from spec.template: as <see cref="ValidatedStrategy"/>, and it warns of what the template should not say.</summary>
/// <param name="use">What its name becomes part of, for the warning of names that are no DNS labels; null: none is given.</param>
internal class WorkloadStrategy(ResourceInfo resource, Validation validate, Validation? validateStatus, string? use) : ValidatedStrategy(resource, validate, validateStatus)
{
    private static readonly FieldPath Template = FieldPath.Of("spec").Child("template");

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        base.Validate(value, errors, context);
        if (use is not null)
            PodWarnings.OfName(context.Warnings, value.MetaName(), use);
        Warn(context, value);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        base.ValidateUpdate(value, old, errors, context);
        if (context.Subresource.Length == 0 && !value.Obj("spec", "template").SameAs(old.Obj("spec", "template")))
            Warn(context, value);
    }

    private static void Warn(StrategyContext context, JsonObject value)
    {
        if (value.Obj("spec", "template") is { } template)
            PodWarnings.OfSpec(context.Warnings, template.Meta(), template.Obj("spec") ?? [], Template.Child("spec"), Template.Child("metadata"));
    }
}
