using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Jobs select their pods by labels that are generated from the job's uid, unless manualSelector says otherwise.</summary>
internal sealed class JobStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        base.PrepareForCreate(value, context);
        var spec = value.GetOrAdd("spec");
        if (spec.Bool("manualSelector"))
            return;
        var (uid, name) = (value.MetaUid(), value.MetaName());
        var labels = spec.GetOrAdd("template").GetOrAdd("metadata").GetOrAdd("labels");
        foreach (var (key, text) in ((string, string)[])[("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name), ("controller-uid", uid), ("job-name", name)])
            labels[key] = text;
        spec.GetOrAdd("selector").GetOrAdd("matchLabels")["batch.kubernetes.io/controller-uid"] = uid;
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        var spec = value.Obj("spec") ?? [];
        ValidateSpec(errors, spec, Spec);
        if (spec.Obj("selector") is not { } selector)
            errors.Required(Spec.Child("selector"), "");
        else if (!LabelSelection.Matches(selector, spec.Obj("template").Labels()))
            errors.Invalid(Spec.Child("template").Child("metadata").Child("labels"), spec.Obj("template").Meta()?["labels"], "`selector` does not match template `labels`");
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status")
            return;
        var (spec, before) = (value.Obj("spec") ?? [], old.Obj("spec") ?? []);
        ValidateSpec(errors, spec, Spec);
        // An indexed job may grow and shrink together with its parallelism.
        if (!(spec.Str("completionMode") == "Indexed" && spec["completions"].SameAs(spec["parallelism"])))
            Checks.Immutable(errors, spec["completions"], before["completions"], Spec.Child("completions"));
        foreach (var field in (string[])["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"])
            Checks.Immutable(errors, spec[field], before[field], Spec.Child(field));
        var template = spec["template"]?.DeepClone() as JsonObject;
        if (before.Bool("suspend") && !old.Obj("status").Has("startTime") && template is not null)
            AllowSchedulingChanges(template, before.Obj("template"));
        Checks.Immutable(errors, template, before["template"], Spec.Child("template"));
    }

    public static void ValidateSpec(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        Checks.NonNegative(errors, spec, field, "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes");
        Checks.OneOf(errors, spec, field, "completionMode", isRequired: false, "NonIndexed", "Indexed");
        if (spec.Str("completionMode") == "Indexed" && !spec.Has("completions"))
            errors.Required(field.Child("completions"), "when completion mode is Indexed");
        Checks.OneOf(errors, spec, field, "podReplacementPolicy", isRequired: false, "Failed", "TerminatingOrFailed");
        Checks.LabelSelector(errors, spec.Obj("selector"), field.Child("selector"));
        var template = spec.Obj("template") ?? [];
        WorkloadValidation.Template(errors, template, field.Child("template"), []);
        if (template.Obj("spec").Str("restartPolicy") is not ("OnFailure" or "Never"))
            errors.Required(field.Child("template").Child("spec").Child("restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
    }

    /// <summary>A suspended job that never ran may still be told where to run.</summary>
    private static void AllowSchedulingChanges(JsonObject template, JsonObject? before)
    {
        foreach (var field in (string[])["labels", "annotations"])
            template.GetOrAdd("metadata").SetOrRemove(field, before.Meta()?[field]);
        foreach (var field in (string[])["nodeSelector", "tolerations", "schedulingGates"])
            template.GetOrAdd("spec").SetOrRemove(field, before.Obj("spec")?[field]);
        if (template.Obj("spec", "affinity") is { } affinity)
            affinity.SetOrRemove("nodeAffinity", before.Obj("spec", "affinity")?["nodeAffinity"]);
    }
}
