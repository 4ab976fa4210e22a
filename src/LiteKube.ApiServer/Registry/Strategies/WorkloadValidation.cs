using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The kinds that make pods from a template: Deployment, ReplicaSet, DaemonSet, StatefulSet, ReplicationController.</summary>
internal static class WorkloadValidation
{
    private const string SelectorMismatch = "`selector` does not match template `labels`";
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Deployment(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.NonNegative(errors, spec, Spec, "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds");
        SelectorAndTemplate(errors, spec, "deployment", ["Always"]);
        DeploymentStrategy(errors, spec.Obj("strategy") ?? [], Spec.Child("strategy"));
        if (spec.LongOrNull("progressDeadlineSeconds") is { } deadline && deadline <= spec.Long("minReadySeconds"))
            errors.Invalid(Spec.Child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
        ImmutableSelector(errors, spec, old);
    }

    public static void ReplicaSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.NonNegative(errors, spec, Spec, "replicas", "minReadySeconds");
        SelectorAndTemplate(errors, spec, "deployment", ["Always"]);
        ImmutableSelector(errors, spec, old);
    }

    public static void DaemonSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.NonNegative(errors, spec, Spec, "minReadySeconds", "revisionHistoryLimit");
        SelectorAndTemplate(errors, spec, "daemonset", ["Always"]);
        var (strategy, path) = (spec.Obj("updateStrategy") ?? [], Spec.Child("updateStrategy"));
        Checks.OneOf(errors, strategy, path, "type", isRequired: true, "RollingUpdate", "OnDelete");
        if (strategy.Str("type") == "RollingUpdate")
        {
            if (strategy.Obj("rollingUpdate") is not { } rolling)
            {
                errors.Required(path.Child("rollingUpdate"), "");
            }
            else
            {
                path = path.Child("rollingUpdate");
                Bounds(errors, rolling, path);
                var (none, noSurge) = (Checks.IsZero(rolling["maxUnavailable"]), rolling["maxSurge"] is null || Checks.IsZero(rolling["maxSurge"]));
                if (none && noSurge)
                    errors.Required(path.Child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
                else if (!none && !noSurge)
                    errors.Invalid(path.Child("maxSurge"), rolling["maxSurge"], "may not be set when maxUnavailable is non-zero");
            }
        }
        ImmutableSelector(errors, spec, old);
    }

    public static void StatefulSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (Checks.Required(errors, spec, Spec, "podManagementPolicy") && spec.Str("podManagementPolicy") is not ("OrderedReady" or "Parallel"))
            errors.Invalid(Spec.Child("podManagementPolicy"), spec.Str("podManagementPolicy"), "must be 'OrderedReady' or 'Parallel'");
        var type = spec.Obj("updateStrategy").Str("type");
        if (type.Length == 0)
            errors.Required(Spec.Child("updateStrategy"), "");
        else if (type is not ("RollingUpdate" or "OnDelete"))
            errors.Invalid(Spec.Child("updateStrategy"), spec["updateStrategy"], "must be 'RollingUpdate' or 'OnDelete'");
        else if (type == "OnDelete" && spec.Obj("updateStrategy").Has("rollingUpdate"))
            errors.Invalid(Spec.Child("updateStrategy").Child("rollingUpdate"), spec.Obj("updateStrategy", "rollingUpdate"), "only allowed for updateStrategy 'RollingUpdate'");
        Checks.NonNegative(errors, spec.Obj("updateStrategy", "rollingUpdate"), Spec.Child("updateStrategy").Child("rollingUpdate"), "partition");
        Checks.NonNegative(errors, spec, Spec, "replicas", "minReadySeconds", "revisionHistoryLimit");
        SelectorAndTemplate(errors, spec, "statefulset", ["Always"]);
        if (old is null)
            return;
        var (now, before) = ((JsonObject)spec.DeepClone(), (JsonObject)(old.Obj("spec") ?? []).DeepClone());
        foreach (var field in (string[])["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"])
        {
            now.Remove(field);
            before.Remove(field);
        }
        if (!now.SameAs(before))
            errors.Forbidden(Spec, "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }

    public static void ReplicationController(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.NonNegative(errors, spec, Spec, "replicas", "minReadySeconds");
        var selector = spec.StringMap("selector");
        if (selector.Count == 0)
            errors.Required(Spec.Child("selector"), "");
        if (spec.Obj("template") is not { } template)
        {
            errors.Required(Spec.Child("template"), "");
            return;
        }
        var labels = template.Labels();
        if (selector.Any(p => !labels.TryGetValue(p.Key, out var v) || v != p.Value))
            errors.Invalid(Spec.Child("template").Child("metadata").Child("labels"), template.Meta()?["labels"], SelectorMismatch);
        Template(errors, template, Spec.Child("template"), ["Always"]);
    }

    public static void PodTemplate(FieldErrors errors, JsonObject value, JsonObject? old) => Template(errors, value.Obj("template") ?? [], FieldPath.Of("template"), []);

    /// <param name="restartPolicies">Those that the workload allows; empty: any.</param>
    public static void Template(FieldErrors errors, JsonObject template, FieldPath field, string[] restartPolicies)
    {
        Checks.Labels(errors, template.Meta().Obj("labels"), field.Child("metadata").Child("labels"));
        var spec = template.Obj("spec") ?? [];
        PodSpecValidation.Validate(errors, spec, field.Child("spec"));
        if (restartPolicies.Length > 0 && !restartPolicies.Contains(spec.Str("restartPolicy")))
            errors.NotSupported(field.Child("spec").Child("restartPolicy"), spec.Str("restartPolicy"), restartPolicies);
        if (restartPolicies.Length > 0 && spec.Has("activeDeadlineSeconds"))
            errors.Forbidden(field.Child("spec").Child("activeDeadlineSeconds"), "activeDeadlineSeconds in ReplicaSet is not Supported");
        if (spec.Arr("ephemeralContainers") is { Count: > 0 })
            errors.Forbidden(field.Child("spec").Child("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }

    private static void SelectorAndTemplate(FieldErrors errors, JsonObject spec, string kind, string[] restartPolicies)
    {
        var (selector, template) = (spec.Obj("selector"), spec.Obj("template") ?? []);
        if (selector is null)
            errors.Required(Spec.Child("selector"), "");
        else
        {
            Checks.LabelSelector(errors, selector, Spec.Child("selector"));
            if (Checks.IsEmptySelector(selector))
                errors.Invalid(Spec.Child("selector"), selector, $"empty selector is invalid for {kind}");
            else if (!LabelSelection.Matches(selector, template.Labels()))
                errors.Invalid(Spec.Child("template").Child("metadata").Child("labels"), template.Meta()?["labels"] ?? new JsonObject(), SelectorMismatch);
        }
        Template(errors, template, Spec.Child("template"), restartPolicies);
    }

    private static void DeploymentStrategy(FieldErrors errors, JsonObject strategy, FieldPath field)
    {
        Checks.OneOf(errors, strategy, field, "type", isRequired: true, "Recreate", "RollingUpdate");
        var rolling = strategy.Obj("rollingUpdate");
        if (strategy.Str("type") == "Recreate" && rolling is not null)
            errors.Forbidden(field.Child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
        if (strategy.Str("type") != "RollingUpdate")
            return;
        var path = field.Child("rollingUpdate");
        if (rolling is null)
        {
            errors.Required(path, "this should be defaulted and never be nil");
            return;
        }
        Bounds(errors, rolling, path);
        if (Checks.IsZero(rolling["maxUnavailable"]) && Checks.IsZero(rolling["maxSurge"]))
            errors.Invalid(path.Child("maxUnavailable"), rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0");
    }

    private static void Bounds(FieldErrors errors, JsonObject rolling, FieldPath field)
    {
        foreach (var name in (string[])["maxUnavailable", "maxSurge"])
        {
            if (rolling.Has(name))
                Checks.IntOrPercent(errors, field.Child(name), rolling[name]);
        }
        Checks.NotOverHundredPercent(errors, field.Child("maxUnavailable"), rolling["maxUnavailable"]);
    }

    private static void ImmutableSelector(FieldErrors errors, JsonObject spec, JsonObject? old)
    {
        if (old is not null)
            Checks.Immutable(errors, spec["selector"], old.Obj("spec")?["selector"], Spec.Child("selector"));
    }
}
