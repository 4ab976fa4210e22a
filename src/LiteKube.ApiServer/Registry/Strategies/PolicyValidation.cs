using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The small kinds: budgets, autoscalers, classes, quotas, limits, leases, events, revisions.</summary>
internal static class PolicyValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void PodDisruptionBudget(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.Has("minAvailable") && spec.Has("maxUnavailable"))
            errors.Invalid(Spec, spec, "minAvailable and maxUnavailable cannot be both set");
        foreach (var field in (string[])["minAvailable", "maxUnavailable"])
        {
            if (!spec.Has(field))
                continue;
            Checks.IntOrPercent(errors, Spec.Child(field), spec[field]);
            Checks.NotOverHundredPercent(errors, Spec.Child(field), spec[field]);
        }
        Checks.LabelSelector(errors, spec.Obj("selector"), Spec.Child("selector"));
        Checks.OneOf(errors, spec, Spec, "unhealthyPodEvictionPolicy", isRequired: false, "IfHealthyBudget", "AlwaysAllow");
    }

    public static void HorizontalPodAutoscaler(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.LongOrNull("minReplicas") is { } min && min < 1)
            errors.Invalid(Spec.Child("minReplicas"), min, "must be greater than or equal to 1");
        if (spec.Long("maxReplicas") < 1)
            errors.Invalid(Spec.Child("maxReplicas"), spec.Long("maxReplicas"), "must be greater than 0");
        if (spec.LongOrNull("minReplicas") is { } floor && spec.Long("maxReplicas") < floor)
            errors.Invalid(Spec.Child("maxReplicas"), spec.Long("maxReplicas"), "must be greater than or equal to `minReplicas`");
        Checks.RequiredName(errors, spec.Obj("scaleTargetRef"), Spec.Child("scaleTargetRef"), "kind", NameChecks.PathSegment);
        Checks.RequiredName(errors, spec.Obj("scaleTargetRef"), Spec.Child("scaleTargetRef"), "name", NameChecks.PathSegment);
        var index = 0;
        foreach (var metric in spec.Items("metrics"))
        {
            var path = Spec.Child("metrics").Index(index++);
            Checks.OneOf(errors, metric, path, "type", isRequired: true, "ContainerResource", "External", "Object", "Pods", "Resource");
        }
    }

    public static void PriorityClass(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        const long MaxUserValue = 1_000_000_000;
        var (name, priority) = (value.MetaName(), value.Long("value"));
        if (name.StartsWith("system-", StringComparison.Ordinal))
        {
            var known = name switch { "system-node-critical" => 2_000_001_000, "system-cluster-critical" => 2_000_000_000, _ => -1L };
            if (known != priority || value.Bool("globalDefault"))
                errors.Forbidden(FieldPath.Of("metadata").Child("name"), "priority class names with 'system-' prefix are reserved for system use only. error: " + (known < 0 ? $"{name} is not a known system priority class" : $"value of {name} PriorityClass must be {known}"));
        }
        else if (priority > MaxUserValue)
        {
            errors.Forbidden(FieldPath.Of("value"), $"maximum allowed value of a user defined priority is {MaxUserValue}");
        }
        if (value.Str("preemptionPolicy") is not ("" or "Never" or "PreemptLowerPriority"))
            errors.NotSupported(FieldPath.Of("preemptionPolicy"), value.Str("preemptionPolicy"), "Never", "PreemptLowerPriority");
        if (old is null)
            return;
        if (old.Long("value") != priority)
            errors.Forbidden(FieldPath.Of("value"), "may not be changed in an update.");
        if (!value["preemptionPolicy"].SameAs(old["preemptionPolicy"]))
            errors.Invalid(FieldPath.Of("preemptionPolicy"), value["preemptionPolicy"], Checks.FieldImmutable);
    }

    public static void RuntimeClass(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Checks.Name(errors, FieldPath.Of("handler"), value.Str("handler"), NameChecks.DnsLabel);
        if (old is not null)
            Checks.Immutable(errors, value["handler"], old["handler"], FieldPath.Of("handler"));
        foreach (var (name, quantity) in value.Obj("overhead", "podFixed") ?? [])
            Checks.Quantity(errors, FieldPath.Of("overhead").Child("podFixed").Key(name), quantity, out _);
        if (value.Obj("scheduling") is { } scheduling)
        {
            Checks.Labels(errors, scheduling.Obj("nodeSelector"), FieldPath.Of("scheduling").Child("nodeSelector"));
            SchedulingValidation.Tolerations(errors, scheduling, FieldPath.Of("scheduling").Child("tolerations"));
        }
    }

    public static void LimitRange(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var index = 0;
        foreach (var limit in value.Obj("spec").Items("limits"))
        {
            var path = Spec.Child("limits").Index(index++);
            Checks.RequiredName(errors, limit, path, "type", NameChecks.QualifiedName);
            if (limit.Str("type") == "Pod")
            {
                foreach (var field in (string[])["default", "defaultRequest"])
                {
                    if (limit.Obj(field) is { Count: > 0 })
                        errors.Forbidden(path.Child(field), "may not be specified when `type` is 'Pod'");
                }
            }
            foreach (var (low, high, words) in ((string, string, string)[])[("min", "max", "min value {0} is greater than max value {1}"), ("defaultRequest", "default", "default request value {0} is greater than default limit value {1}"), ("min", "defaultRequest", "min value {0} is greater than default request value {1}"), ("default", "max", "default value {0} is greater than max value {1}")])
            {
                foreach (var (name, text) in limit.Obj(low) ?? [])
                {
                    Checks.Quantity(errors, path.Child(low).Key(name), text, out var lower);
                    if (limit.Obj(high).Has(name) && Quantity.TryParse(JsonFields.AsText(limit.Obj(high)![name]), out var upper) && lower > upper)
                        errors.Invalid(path.Child(low).Key(name), lower.ToString(), string.Format(System.Globalization.CultureInfo.InvariantCulture, words, lower, upper));
                }
            }
        }
    }

    public static void ResourceQuota(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        foreach (var (name, text) in spec.Obj("hard") ?? [])
        {
            var path = Spec.Child("hard").Key(name);
            Checks.Name(errors, path, name.StartsWith("requests.", StringComparison.Ordinal) || name.StartsWith("limits.", StringComparison.Ordinal) ? name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..] : name, NameChecks.QualifiedName);
            Checks.Quantity(errors, path, text, out _);
        }
        var index = 0;
        foreach (var scope in spec.Strings("scopes"))
        {
            if (scope is not ("Terminating" or "NotTerminating" or "BestEffort" or "NotBestEffort" or "PriorityClass" or "CrossNamespacePodAffinity"))
                errors.Invalid(Spec.Child("scopes").Index(index), scope, "unsupported scope");
            index++;
        }
        if (old is not null && !spec["scopes"].SemanticallySameAs(old.Obj("spec")?["scopes"]))
            errors.Invalid(Spec.Child("scopes"), spec["scopes"], Checks.FieldImmutable);
    }

    public static void Lease(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (value.Obj("spec").LongOrNull("leaseDurationSeconds") is { } seconds && seconds <= 0)
            errors.Invalid(Spec.Child("leaseDurationSeconds"), seconds, "must be greater than 0");
        if (value.Obj("spec").LongOrNull("leaseTransitions") is { } transitions && transitions < 0)
            errors.Invalid(Spec.Child("leaseTransitions"), transitions, Checks.IsNegative);
    }

    public static void Event(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var field = value.Has("regarding") ? "regarding" : "involvedObject";
        var (ns, about) = (value.MetaNamespace(), value.Obj(field).Str("namespace"));
        // Events about cluster-scoped objects are kept in default or kube-system.
        if (about.Length == 0 ? ns is not ("default" or "kube-system") : about != ns)
            errors.Invalid(FieldPath.Of(field).Child("namespace"), about, "does not match event.namespace");
    }

    public static void ControllerRevision(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (value.Long("revision") < 0)
            errors.Invalid(FieldPath.Of("revision"), value.Long("revision"), Checks.IsNegative);
        if (old is not null)
            Checks.Immutable(errors, value["data"], old["data"], FieldPath.Of("data"));
    }
}
