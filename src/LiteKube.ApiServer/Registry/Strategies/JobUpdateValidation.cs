using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What may change in a Job that exists.</summary>
internal static class JobUpdateValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var (spec, before) = (value.Obj("spec") ?? [], old.Obj("spec") ?? []);
        JobValidation.WholeSpec(errors, spec);
        Completions(errors, spec, before);
        Checks.Immutable(errors, spec["selector"], before["selector"], Spec.Child("selector"));
        Template(errors, spec, before, old);
        foreach (var field in (ReadOnlySpan<string>)["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"])
            Checks.Immutable(errors, spec[field], before[field], Spec.Child(field));
    }

    /// <summary>An indexed job may grow and shrink together with its parallelism (KEP-3715).</summary>
    private static void Completions(FieldErrors errors, JsonObject spec, JsonObject before)
    {
        var path = Spec.Child("completions");
        var (now, was) = (spec.LongOrNull("completions"), before.LongOrNull("completions"));
        if (now == was)
            return;
        if (spec.Str("completionMode") != "Indexed" || now is null || was is null)
            Checks.Immutable(errors, spec["completions"], before["completions"], path);
        else if (now != spec.LongOrNull("parallelism"))
            errors.Invalid(path, now, "can only be modified in tandem with parallelism");
    }

    private static void Template(FieldErrors errors, JsonObject spec, JsonObject before, JsonObject old)
    {
        var template = (JsonObject?)spec.Obj("template")?.DeepClone() ?? [];
        var status = old.Obj("status");
        // A suspended job that has no pods may be told where to run and what to take.
        var isIdle = before.Bool("suspend") && status.Long("active") == 0;
        if (isIdle && !status.Has("startTime") || isIdle && IsSuspended(status))
            AllowScheduling(template, before.Obj("template"));
        Checks.Immutable(errors, template, before["template"], Spec.Child("template"));
    }

    private static bool IsSuspended(JsonObject? status) => status.Items("conditions").Any(c => c.Str("type") == "Suspended" && c.Str("status") == "True");

    private static void AllowScheduling(JsonObject template, JsonObject? before)
    {
        foreach (var field in (ReadOnlySpan<string>)["labels", "annotations"])
            template.GetOrAdd("metadata").SetOrRemove(field, before.Meta()?[field]);
        if (template.Obj("metadata") is { Count: 0 } && !before.Has("metadata"))
            template.Remove("metadata");
        var (pod, was) = (template.GetOrAdd("spec"), before.Obj("spec"));
        foreach (var field in (ReadOnlySpan<string>)["nodeSelector", "tolerations", "schedulingGates"])
            pod.SetOrRemove(field, was?[field]);
        if (pod.Obj("affinity") is { } affinity)
        {
            affinity.SetOrRemove("nodeAffinity", was.Obj("affinity")?["nodeAffinity"]);
            if (affinity.Count == 0 && !was.Has("affinity"))
                pod.Remove("affinity");
        }
        else if (was.Obj("affinity") is { Count: 1 } single && single.Has("nodeAffinity"))
        {
            pod["affinity"] = single.DeepClone();
        }
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (container, standing) in pod.Items(list).Zip(was.Items(list)))
                container.SetOrRemove("resources", standing["resources"]);
        }
    }
}

/// <summary>What a Job's status may say, and what of it may not be taken back (KEP-4368).</summary>
internal static class JobStatusValidation
{
    private static readonly FieldPath Status = FieldPath.Of("status");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var (spec, status, before) = (value.Obj("spec"), value.Obj("status"), old.Obj("status"));
        Checks.NonNegative(errors, status, Status, "active", "succeeded", "failed", "ready", "terminating");
        Uncounted(errors, status);
        Conditions(errors, status, before, spec);
        Times(errors, status, before, spec, old);
        Indexes(errors, status, spec);
        if (status.LongOrNull("ready") > status.Long("active"))
            errors.Invalid(Status.Child("ready"), status!["ready"], "cannot set more ready pods than active");
        if (!IsFinished(status))
            return;
        if (status.Long("active") > 0)
            errors.Invalid(Status.Child("active"), status!["active"], "active>0 is invalid for finished job");
        if (status.Long("terminating") > 0)
            errors.Invalid(Status.Child("terminating"), status!["terminating"], "terminating>0 is invalid for finished job");
        if (status.Str("startTime").Length == 0)
            errors.Required(Status.Child("startTime"), "startTime is required for finished job");
    }

    private static bool Is(JsonObject? status, string type) => status.Items("conditions").Any(c => c.Str("type") == type && c.Str("status") == "True");

    private static bool IsFinished(JsonObject? status) => Is(status, "Complete") || Is(status, "Failed");

    private static void Uncounted(FieldErrors errors, JsonObject? status)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var list in (ReadOnlySpan<string>)["succeeded", "failed"])
        {
            var index = 0;
            foreach (var uid in status.Obj("uncountedTerminatedPods").Strings(list))
            {
                var path = Status.Child("uncountedTerminatedPods", list).Index(index++);
                if (uid.Length == 0)
                    errors.Invalid(path, uid, "must not be empty");
                else if (!seen.Add(uid))
                    errors.Duplicate(path, uid);
            }
        }
        if (seen.Count > 0 && IsFinished(status))
            errors.Invalid(Status.Child("uncountedTerminatedPods"), status!["uncountedTerminatedPods"], "uncountedTerminatedPods needs to be empty for finished job");
    }

    private static void Conditions(FieldErrors errors, JsonObject? status, JsonObject? before, JsonObject? spec)
    {
        var path = Status.Child("conditions");
        var (complete, failed, target, met) = (Is(status, "Complete"), Is(status, "Failed"), Is(status, "FailureTarget"), Is(status, "SuccessCriteriaMet"));
        foreach (var (isWrong, words) in (ReadOnlySpan<(bool, string)>)[
            (complete && failed, "cannot set Complete=True and Failed=true conditions"),
            (complete && target, "cannot set Complete=True and FailureTarget=true conditions"),
            (failed && !target, "cannot set Failed=True condition without the FailureTarget=true condition"),
            (complete && !met, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
            (met && failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
            (met && target, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
            (spec.Has("successPolicy") && !met && complete, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True")])
        {
            if (isWrong)
                errors.InvalidOmitted(path, words);
        }
        foreach (var type in (ReadOnlySpan<string>)["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"])
        {
            if (Is(before, type) && !Is(status, type))
                errors.InvalidOmitted(path, $"cannot disable the terminal {type}=True condition");
        }
    }

    private static void Times(FieldErrors errors, JsonObject? status, JsonObject? before, JsonObject? spec, JsonObject old)
    {
        var (complete, done, started) = (Is(status, "Complete"), status.Str("completionTime"), status.Str("startTime"));
        var path = Status.Child("completionTime");
        if (done.Length > 0 && !complete)
            errors.Invalid(path, done, "cannot set completionTime when there is no Complete=True condition");
        if (done.Length == 0 && complete)
            errors.Required(path, "completionTime is required for Complete jobs");
        if (done.Length > 0 && started.Length > 0 && string.CompareOrdinal(done, started) < 0)
            errors.Invalid(path, done, "completionTime cannot be set before startTime");
        if (before.Str("completionTime").Length > 0 && done != before.Str("completionTime"))
            errors.Invalid(path, done, "field is immutable");
        // Started anew after a pause it has another beginning.
        if (before.Str("startTime").Length > 0 && started != before.Str("startTime") && !spec.Bool("suspend") && !Is(before, "Suspended") && !old.Obj("spec").Bool("suspend"))
            errors.Required(Status.Child("startTime"), "startTime cannot be removed for unsuspended job");
    }

    private static void Indexes(FieldErrors errors, JsonObject? status, JsonObject? spec)
    {
        var (completed, failed, completions) = (status.Str("completedIndexes"), status.StrOrNull("failedIndexes"), spec.LongOrNull("completions"));
        if (completions is { } count)
        {
            if (JobValidation.CountIndexes(completed, count, out var complaint) is null)
                errors.Invalid(Status.Child("completedIndexes"), completed, $"error parsing completedIndexes: {complaint}");
            if (failed is not null && spec.Has("backoffLimitPerIndex") && JobValidation.CountIndexes(failed, count, out complaint) is null)
                errors.Invalid(Status.Child("failedIndexes"), failed, $"error parsing failedIndexes: {complaint}");
        }
        if (completed.Length > 0 && spec.Str("completionMode") != "Indexed")
            errors.Invalid(Status.Child("completedIndexes"), completed, "cannot set non-empty completedIndexes when non-indexed completion mode");
        if (failed is not null && !spec.Has("backoffLimitPerIndex"))
            errors.Invalid(Status.Child("failedIndexes"), failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    }
}
