using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>HorizontalPodAutoscalers, in the form of autoscaling/v2 in which all versions are kept.</summary>
internal static class AutoscalingValidation
{
    private const int MaxPeriodSeconds = 1800;
    private const int MaxStabilizationSeconds = 3600;
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    /// <summary>In the order in which Kubernetes looks for them: the first one is judged.</summary>
    private static readonly string[] Sources = ["object", "external", "pods", "resource", "containerResource"];

    public static void Autoscaler(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        var (min, max) = (spec.LongOrNull("minReplicas"), spec.Long("maxReplicas"));
        // None at all is a wish that only a metric from outside the pods can end (KEP-2021).
        if (min < 0)
            errors.Invalid(Spec.Child("minReplicas"), min, "must be greater than or equal to 0");
        if (max < 1)
            errors.Invalid(Spec.Child("maxReplicas"), max, "must be greater than 0");
        if (max < min)
            errors.Invalid(Spec.Child("maxReplicas"), max, "must be greater than or equal to `minReplicas`");
        Reference(errors, spec.Obj("scaleTargetRef"), Spec.Child("scaleTargetRef"));
        var index = 0;
        var hasOutside = false;
        foreach (var metric in spec.Items("metrics"))
        {
            Metric(errors, metric, Spec.Child("metrics").Index(index++));
            hasOutside |= metric.Str("type") is "Object" or "External";
        }
        if (min == 0 && !hasOutside)
            errors.Forbidden(Spec.Child("metrics"), "must specify at least one Object or External metric to support scaling to zero replicas");
        foreach (var direction in (ReadOnlySpan<string>)["scaleUp", "scaleDown"])
        {
            if (spec.Obj("behavior", direction) is { } rules)
                ScalingRules(errors, rules, Spec.Child("behavior", direction));
        }
    }

    public static void Status(FieldErrors errors, JsonObject value, JsonObject? old) =>
        Checks.NonNegative(errors, value.Obj("status"), FieldPath.Of("status"), "currentReplicas", "desiredReplicas");

    private static void Reference(FieldErrors errors, JsonObject? reference, FieldPath field)
    {
        Checks.RequiredName(errors, reference, field, "kind", NameChecks.PathSegment);
        Checks.RequiredName(errors, reference, field, "name", NameChecks.PathSegment);
        var version = reference.Str("apiVersion");
        if (version.Count(c => c == '/') > 1)
            errors.Invalid(field.Child("apiVersion"), version, $"unexpected GroupVersion string: {version}");
    }

    private static void ScalingRules(FieldErrors errors, JsonObject rules, FieldPath field)
    {
        if (rules.LongOrNull("stabilizationWindowSeconds") is { } window)
        {
            if (window < 0)
                errors.Invalid(field.Child("stabilizationWindowSeconds"), window, "must be greater than or equal to zero");
            if (window > MaxStabilizationSeconds)
                errors.Invalid(field.Child("stabilizationWindowSeconds"), window, $"must be less than or equal to {MaxStabilizationSeconds}");
        }
        Checks.OneOf(errors, rules, field, "selectPolicy", isRequired: false, "Disabled", "Max", "Min");
        if (rules.Has("tolerance") && ResourceValidation.Read(rules["tolerance"]).Sign < 0)
            errors.Invalid(field.Child("tolerance"), rules["tolerance"], "must be greater or equal to 0");
        if (rules.Arr("policies") is not { Count: > 0 })
            errors.Required(field.Child("policies"), "must specify at least one Policy");
        var index = 0;
        foreach (var policy in rules.Items("policies"))
        {
            var path = field.Child("policies").Index(index++);
            if (policy.Str("type") is not ("Pods" or "Percent"))
                errors.NotSupported(path.Child("type"), policy.Str("type"), "Percent", "Pods");
            if (policy.Long("value") <= 0)
                errors.Invalid(path.Child("value"), policy.Long("value"), "must be greater than zero");
            if (policy.Long("periodSeconds") <= 0)
                errors.Invalid(path.Child("periodSeconds"), policy.Long("periodSeconds"), "must be greater than zero");
            if (policy.Long("periodSeconds") > MaxPeriodSeconds)
                errors.Invalid(path.Child("periodSeconds"), policy.Long("periodSeconds"), $"must be less than or equal to {MaxPeriodSeconds}");
        }
    }

    private static void Metric(FieldErrors errors, JsonObject metric, FieldPath field)
    {
        string[] types = ["ContainerResource", "External", "Object", "Pods", "Resource"];
        var type = metric.Str("type");
        if (type.Length == 0)
            errors.Required(field.Child("type"), "must specify a metric source type");
        if (Array.IndexOf(types, type) < 0)
            errors.NotSupported(field.Child("type"), type, types);
        var expected = type.Length == 0 ? "" : char.ToLowerInvariant(type[0]) + type[1..];
        var count = 0;
        foreach (var name in Sources)
        {
            if (metric.Obj(name) is { } source && ++count == 1)
                Source(errors, name, source, field.Child(name));
        }
        if (Array.IndexOf(Sources, expected) < 0)
            errors.NotSupported(field.Child("type"), type, types);
        else if (!metric.Has(expected))
            errors.Required(field.Child(expected), "must populate information for the given metric source");
        if (count == 1)
            return;
        foreach (var name in Sources)
        {
            if (name != expected && metric.Has(name))
                errors.Forbidden(field.Child(name), "must populate the given metric source only");
        }
    }

    private static void Source(FieldErrors errors, string kind, JsonObject source, FieldPath field)
    {
        var (target, path) = (source.Obj("target"), field.Child("target"));
        if (kind == "object")
            Reference(errors, source.Obj("describedObject"), field.Child("describedObject"));
        if (kind is "object" or "external" or "pods")
            Identifier(errors, source.Obj("metric"), field.Child("metric"));
        if (kind is "resource" or "containerResource" && source.Str("name").Length == 0)
            errors.Required(field.Child("name"), "must specify a resource name");
        else if (kind == "containerResource")
            ResourceValidation.ContainerName(errors, source.Str("name"), field.Child("name"));
        if (kind == "containerResource")
        {
            if (source.Str("container").Length == 0)
                errors.Required(field.Child("container"), "must specify a container");
            else
                Checks.Name(errors, field.Child("container"), source.Str("container"), NameChecks.DnsLabel);
        }
        Target(errors, target, path);
        var (value, average, utilization) = (target.Has("value"), target.Has("averageValue"), target.Has("averageUtilization"));
        switch (kind)
        {
            case "object" when !value && !average:
                errors.Required(path.Child("averageValue"), "must set either a target value or averageValue");
                break;
            case "external" when !value && !average:
                errors.Required(path.Child("averageValue"), "must set either a target value for metric or a per-pod target");
                break;
            case "external" when value && average:
                errors.Forbidden(path.Child("value"), "may not set both a target value for metric and a per-pod target");
                break;
            case "pods" when !average:
                errors.Required(path.Child("averageValue"), "must specify a positive target averageValue");
                break;
            case "resource" or "containerResource" when !utilization && !average:
                errors.Required(path.Child("averageUtilization"), "must set either a target raw value or a target utilization");
                break;
            case "resource" or "containerResource" when utilization && average:
                errors.Forbidden(path.Child("averageValue"), "may not set both a target raw value and a target utilization");
                break;
        }
    }

    private static void Target(FieldErrors errors, JsonObject? target, FieldPath field)
    {
        var type = target.Str("type");
        if (type.Length == 0)
            errors.Required(field.Child("type"), "must specify a metric target type");
        if (type is not ("Utilization" or "Value" or "AverageValue"))
            errors.Invalid(field.Child("type"), type, "must be either Utilization, Value, or AverageValue");
        foreach (var name in (ReadOnlySpan<string>)["value", "averageValue"])
        {
            if (target.Has(name) && ResourceValidation.Read(target![name]).Sign <= 0)
                errors.Invalid(field.Child(name), target[name], "must be positive");
        }
        if (target.LongOrNull("averageUtilization") is < 1)
            errors.Invalid(field.Child("averageUtilization"), target!["averageUtilization"], "must be greater than 0");
    }

    private static void Identifier(FieldErrors errors, JsonObject? metric, FieldPath field)
    {
        if (metric.Str("name").Length == 0)
            errors.Required(field.Child("name"), "must specify a metric name");
        else
            Checks.Name(errors, field.Child("name"), metric.Str("name"), NameChecks.PathSegment);
        Checks.LabelSelector(errors, metric.Obj("selector"), field.Child("selector"));
    }
}
