using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The kinds that make pods from a template: Deployment, ReplicaSet, DaemonSet, StatefulSet, ReplicationController.</summary>
internal static class WorkloadValidation
{
    private const string SelectorMismatch = "`selector` does not match template `labels`";
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly string[] MutableSetFields = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    public static void Deployment(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.NonNegative(errors, spec, Spec, "replicas");
        Selector(errors, spec, "empty selector is invalid for deployment");
        LabelsMatch(errors, spec);
        Template(errors, spec.Obj("template") ?? [], Spec.Child("template"));
        AlwaysRestarts(errors, spec, "activeDeadlineSeconds in ReplicaSet is not Supported");
        DeploymentStrategy(errors, spec.Obj("strategy") ?? [], Spec.Child("strategy"));
        Checks.NonNegative(errors, spec, Spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds");
        if (spec.LongOrNull("progressDeadlineSeconds") is { } deadline && deadline <= spec.Long("minReadySeconds"))
            errors.Invalid(Spec.Child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
        ImmutableSelector(errors, spec, old);
    }

    public static void ReplicaSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.NonNegative(errors, spec, Spec, "replicas", "minReadySeconds");
        Selector(errors, spec, "empty selector is invalid for deployment");
        LabelsMatch(errors, spec);
        Template(errors, spec.Obj("template") ?? [], Spec.Child("template"));
        AlwaysRestarts(errors, spec, "activeDeadlineSeconds in ReplicaSet is not Supported");
        ImmutableSelector(errors, spec, old);
    }

    public static void DaemonSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (old is not null && spec.LongOrNull("templateGeneration") is { } generation && generation < old.Obj("spec").Long("templateGeneration"))
            errors.Invalid(Spec.Child("templateGeneration"), generation, "must not be decremented");
        LabelsMatch(errors, spec, spec.Obj("selector") is not null);
        Selector(errors, spec, "empty selector is invalid for daemonset");
        Template(errors, spec.Obj("template") ?? [], Spec.Child("template"));
        AlwaysRestarts(errors, spec, "activeDeadlineSeconds in DaemonSet is not Supported");
        Checks.NonNegative(errors, spec, Spec, "minReadySeconds");
        DaemonSetStrategy(errors, spec.Obj("updateStrategy") ?? [], Spec.Child("updateStrategy"));
        Checks.NonNegative(errors, spec, Spec, "revisionHistoryLimit");
        ImmutableSelector(errors, spec, old);
    }

    public static void StatefulSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        StatefulSetSpec(errors, spec);
        if (old is null)
            return;
        var (now, before) = ((JsonObject)spec.DeepClone(), (JsonObject)(old.Obj("spec") ?? []).DeepClone());
        foreach (var field in MutableSetFields)
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
        Checks.NonNegative(errors, spec, Spec, "minReadySeconds");
        var selector = spec.StringMap("selector");
        if (selector.Count == 0)
            errors.Required(Spec.Child("selector"), "");
        Checks.NonNegative(errors, spec, Spec, "replicas");
        if (spec.Obj("template") is not { } template)
        {
            errors.Required(Spec.Child("template"), "");
            return;
        }
        var labels = template.Labels();
        if (selector.Any(p => !labels.TryGetValue(p.Key, out var v) || v != p.Value))
            errors.Invalid(Spec.Child("template", "metadata", "labels"), template.Meta()?["labels"], SelectorMismatch);
        Template(errors, template, Spec.Child("template"));
        AlwaysRestarts(errors, spec, "activeDeadlineSeconds in ReplicationController is not Supported");
    }

    public static void PodTemplate(FieldErrors errors, JsonObject value, JsonObject? old) => Template(errors, value.Obj("template") ?? [], FieldPath.Of("template"));

    public static void Template(FieldErrors errors, JsonObject template, FieldPath field)
    {
        var spec = template.Obj("spec") ?? [];
        Checks.Labels(errors, template.Meta().Obj("labels"), field.Child("labels"));
        if (template.Meta().Obj("annotations") is { Count: > 0 } annotations)
        {
            ObjectMetaRules.ValidateAnnotations(annotations, field.Child("annotations"), errors);
            PodAnnotations.Validate(errors, annotations, spec, field.Child("annotations"));
        }
        PodSpecValidation.Validate(errors, spec, field.Child("spec"));
        if (spec.Arr("ephemeralContainers") is { Count: > 0 })
            errors.Forbidden(field.Child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }

    /// <summary>Metadata of objects to be made of a template: only labels and annotations are taken.</summary>
    public static void TemplateMetadata(FieldErrors errors, JsonObject? metadata, FieldPath field)
    {
        foreach (var (name, node) in metadata ?? [])
        {
            if (name is not ("labels" or "annotations" or "creationTimestamp") && node is not null)
                errors.Forbidden(field.Child(name), "cannot be set");
        }
        ObjectMetaRules.ValidateAnnotations(metadata.Obj("annotations"), field.Child("annotations"), errors);
        Checks.Labels(errors, metadata.Obj("labels"), field.Child("labels"));
    }

    private static void StatefulSetSpec(FieldErrors errors, JsonObject spec)
    {
        if (Checks.Required(errors, spec, Spec, "podManagementPolicy") && spec.Str("podManagementPolicy") is not ("OrderedReady" or "Parallel"))
            errors.Invalid(Spec.Child("podManagementPolicy"), spec.Str("podManagementPolicy"), "must be 'OrderedReady' or 'Parallel'");
        StatefulSetStrategy(errors, spec, Spec.Child("updateStrategy"));
        if (spec.Obj("persistentVolumeClaimRetentionPolicy") is { } retention)
        {
            Checks.OneOf(errors, retention, Spec.Child("persistentVolumeClaimRetentionPolicy"), "whenDeleted", isRequired: true, "Retain", "Delete");
            Checks.OneOf(errors, retention, Spec.Child("persistentVolumeClaimRetentionPolicy"), "whenScaled", isRequired: true, "Retain", "Delete");
        }
        Checks.NonNegative(errors, spec, Spec, "replicas", "minReadySeconds");
        Checks.NonNegative(errors, spec.Obj("ordinals"), Spec.Child("ordinals"), "start");
        Selector(errors, spec, "empty selector is invalid for statefulset");
        LabelsMatch(errors, spec);
        // The pod's spec itself is judged when a pod is made: it may mount claims that only then become volumes.
        var (template, path) = (spec.Obj("template"), Spec.Child("template"));
        Checks.Labels(errors, template.Meta().Obj("labels"), path.Child("labels"));
        ObjectMetaRules.ValidateAnnotations(template.Meta().Obj("annotations"), path.Child("annotations"), errors);
        PodAnnotations.Validate(errors, template.Meta().Obj("annotations"), template.Obj("spec") ?? [], path.Child("annotations"));
        AlwaysRestarts(errors, spec, "activeDeadlineSeconds in StatefulSet is not Supported");
        Checks.OptionalName(errors, spec, Spec, "serviceName", NameChecks.DnsSubdomain);
    }

    private static void Selector(FieldErrors errors, JsonObject spec, string emptyMessage)
    {
        if (spec.Obj("selector") is not { } selector)
        {
            errors.Required(Spec.Child("selector"), "");
            return;
        }
        Checks.LabelSelector(errors, selector, Spec.Child("selector"));
        if (Checks.IsEmptySelector(selector))
            errors.Invalid(Spec.Child("selector"), selector, emptyMessage);
    }

    private static void LabelsMatch(FieldErrors errors, JsonObject spec, bool isAsked = true)
    {
        var selector = spec.Obj("selector");
        if (!isAsked || Checks.IsEmptySelector(selector) || LabelSelection.Matches(selector, spec.Obj("template").Labels()))
            return;
        errors.Invalid(Spec.Child("template", "metadata", "labels"), spec.Obj("template").Meta()?["labels"], SelectorMismatch);
    }

    private static void AlwaysRestarts(FieldErrors errors, JsonObject spec, string deadlineMessage)
    {
        var (pod, path) = (spec.Obj("template", "spec"), Spec.Child("template", "spec"));
        if (pod.Str("restartPolicy") != "Always")
            errors.NotSupported(path.Child("restartPolicy"), pod.Str("restartPolicy"), "Always");
        if (pod.Has("activeDeadlineSeconds"))
            errors.Forbidden(path.Child("activeDeadlineSeconds"), deadlineMessage);
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

    private static void DaemonSetStrategy(FieldErrors errors, JsonObject strategy, FieldPath field)
    {
        if (strategy.Str("type") is not ("RollingUpdate" or "OnDelete"))
            errors.NotSupported(field.Child("type"), strategy.Str("type"), "RollingUpdate", "OnDelete");
        if (strategy.Str("type") != "RollingUpdate")
            return;
        var path = field.Child("rollingUpdate");
        if (strategy.Obj("rollingUpdate") is not { } rolling)
        {
            errors.Required(path, "");
            return;
        }
        Bounds(errors, rolling, path);
        var (isUnavailable, hasSurge) = (!IsNone(rolling["maxUnavailable"]), !IsNone(rolling["maxSurge"]));
        if (isUnavailable && hasSurge)
            errors.Invalid(path.Child("maxSurge"), rolling["maxSurge"], "may not be set when maxUnavailable is non-zero");
        else if (!isUnavailable && !hasSurge)
            errors.Required(path.Child("maxUnavailable"), "cannot be 0 when maxSurge is 0");

        static bool IsNone(JsonNode? value) => value is null || Checks.IsZero(value);
    }

    private static void StatefulSetStrategy(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var rolling = spec.Obj("updateStrategy", "rollingUpdate");
        switch (spec.Obj("updateStrategy").Str("type"))
        {
            case "":
                errors.Required(field, "");
                break;
            case "OnDelete":
                if (rolling is not null)
                    errors.Invalid(field.Child("rollingUpdate"), rolling, "only allowed for updateStrategy 'RollingUpdate'");
                break;
            case "RollingUpdate":
                Checks.NonNegative(errors, rolling, field.Child("rollingUpdate"), "partition");
                if (!rolling.Has("maxUnavailable"))
                    break;
                Checks.IntOrPercent(errors, field.Child("rollingUpdate", "maxUnavailable"), rolling!["maxUnavailable"]);
                if (Checks.IsZero(rolling["maxUnavailable"]))
                    errors.Invalid(field.Child("rollingUpdate", "maxUnavailable"), rolling["maxUnavailable"], "cannot be 0");
                Checks.NotOverHundredPercent(errors, field.Child("rollingUpdate", "maxUnavailable"), rolling["maxUnavailable"]);
                break;
            default:
                errors.Invalid(field, spec["updateStrategy"], "must be 'RollingUpdate' or 'OnDelete'");
                break;
        }
    }

    private static void Bounds(FieldErrors errors, JsonObject rolling, FieldPath field)
    {
        foreach (var name in (ReadOnlySpan<string>)["maxUnavailable", "maxSurge"])
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
