using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The small kinds: budgets, classes, leases, revisions, migrations.</summary>
internal static class PolicyValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void PodDisruptionBudget(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.Has("minAvailable") && spec.Has("maxUnavailable"))
            errors.Invalid(Spec, spec, "minAvailable and maxUnavailable cannot be both set");
        foreach (var field in (ReadOnlySpan<string>)["minAvailable", "maxUnavailable"])
        {
            if (!spec.Has(field))
                continue;
            Checks.IntOrPercent(errors, Spec.Child(field), spec[field]);
            Checks.NotOverHundredPercent(errors, Spec.Child(field), spec[field]);
        }
        Checks.LabelSelector(errors, spec.Obj("selector"), Spec.Child("selector"));
        Checks.OneOf(errors, spec, Spec, "unhealthyPodEvictionPolicy", isRequired: false, "AlwaysAllow", "IfHealthyBudget");
    }

    public static void PodDisruptionBudgetStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (status, path) = (value.Obj("status"), FieldPath.Of("status"));
        Checks.Conditions(errors, status, path.Child("conditions"));
        Checks.NonNegative(errors, status, path, "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods");
    }

    public static void PriorityClass(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        const long MaxUserValue = 1_000_000_000;
        var (name, priority) = (value.MetaName(), value.Long("value"));
        if (name.StartsWith("system-", StringComparison.Ordinal))
        {
            if (SystemClassComplaint(name, priority, value.Bool("globalDefault")) is { } complaint)
                errors.Forbidden(FieldPath.Of("metadata").Child("name"), $"priority class names with 'system-' prefix are reserved for system use only. error: {complaint}");
        }
        else if (priority > MaxUserValue)
        {
            errors.Forbidden(FieldPath.Of("value"), $"maximum allowed value of a user defined priority is {MaxUserValue}");
        }
        if (value.StrOrNull("preemptionPolicy") is { } policy)
        {
            if (policy.Length == 0)
                errors.Required(FieldPath.Of("preemptionPolicy"), "");
            else if (policy is not ("Never" or "PreemptLowerPriority"))
                errors.NotSupported(FieldPath.Of("preemptionPolicy"), policy, "PreemptLowerPriority", "Never");
        }
        if (old is null)
            return;
        if (old.Long("value") != priority)
            errors.Forbidden(FieldPath.Of("value"), "may not be changed in an update.");
        Checks.Immutable(errors, value["preemptionPolicy"], old["preemptionPolicy"], FieldPath.Of("preemptionPolicy"));
    }

    public static void RuntimeClass(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Checks.Name(errors, FieldPath.Of("handler"), value.Str("handler"), NameChecks.DnsLabel);
        if (old is not null)
            Checks.Immutable(errors, value["handler"], old["handler"], FieldPath.Of("handler"));
        if (value.Obj("overhead", "podFixed") is { } overhead)
            ResourceValidation.Container(errors, new JsonObject { ["limits"] = overhead.DeepClone() }, FieldPath.Of("overhead"), []);
        if (value.Obj("scheduling") is not { } scheduling)
            return;
        Checks.Labels(errors, scheduling.Obj("nodeSelector"), FieldPath.Of("scheduling").Child("nodeSelector"));
        SchedulingValidation.Tolerations(errors, scheduling, FieldPath.Of("scheduling").Child("tolerations"));
        var seen = new List<JsonObject>();
        foreach (var toleration in scheduling.Items("tolerations"))
        {
            if (seen.Exists(s => s.SameAs(toleration)))
                errors.Duplicate(FieldPath.Of("scheduling").Child("tolerations").Index(seen.Count), toleration);
            seen.Add(toleration);
        }
    }

    public static void Lease(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec");
        if (spec.LongOrNull("leaseDurationSeconds") is { } seconds and <= 0)
            errors.Invalid(Spec.Child("leaseDurationSeconds"), seconds, "must be greater than 0");
        if (spec.LongOrNull("leaseTransitions") is { } transitions and < 0)
            errors.Invalid(Spec.Child("leaseTransitions"), transitions, Checks.IsNegative);
        if (spec.Str("preferredHolder").Length > 0 && spec.Str("strategy").Length == 0)
            errors.Required(Spec.Child("strategy"), "strategy must be specified when preferredHolder is set");
    }

    public static void ControllerRevision(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (!value.Has("data"))
            errors.Required(FieldPath.Of("data"), "data is mandatory");
        if (value.Long("revision") < 0)
            errors.Invalid(FieldPath.Of("revision"), value.Long("revision"), Checks.IsNegative);
        if (old is not null)
            Checks.Immutable(errors, value["data"], old["data"], FieldPath.Of("data"));
    }

    public static void StorageVersionMigration(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec");
        if (spec.Obj("resource").Str("resource").Length == 0)
            errors.Required(Spec.Child("resource", "resource"), "resource is required");
        if (old is not null)
            Checks.Immutable(errors, spec, old["spec"], Spec);
    }

    private static string? SystemClassComplaint(string name, long priority, bool isGlobalDefault)
    {
        var known = name switch { "system-node-critical" => 2_000_001_000, "system-cluster-critical" => 2_000_000_000, _ => -1L };
        if (known < 0)
            return $"{name} is not a known system priority class";
        if (known != priority)
            return $"value of {name} PriorityClass must be {known}";
        return isGlobalDefault ? $"globalDefault of {name} PriorityClass must be false" : null;
    }
}
