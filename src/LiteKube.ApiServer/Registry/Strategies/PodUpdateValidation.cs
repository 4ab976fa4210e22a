using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What may change in a pod that exists: little (https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement).</summary>
internal static class PodUpdateValidation
{
    private const string OnlyThese = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var (now, before) = (value.Obj("spec") ?? [], old.Obj("spec") ?? []);
        var counted = false;
        foreach (var list in (string[])["containers", "initContainers"])
        {
            if ((now.Arr(list)?.Count ?? 0) == (before.Arr(list)?.Count ?? 0))
                continue;
            errors.Forbidden(Spec.Child(list), $"pod updates may not add or remove {(list == "containers" ? "" : "init ")}containers");
            counted = true;
        }
        // The rest would only repeat what is wrong.
        if (counted)
            return;
        Deadline(errors, now, before);
        Tolerations(errors, now, before);

        var allowed = (JsonObject)now.DeepClone();
        foreach (var list in (string[])["containers", "initContainers"])
        {
            foreach (var (container, was) in allowed.Items(list).Zip(before.Items(list)))
                container.SetOrRemove("image", was["image"]);
        }
        foreach (var field in (string[])["activeDeadlineSeconds", "tolerations"])
            allowed.SetOrRemove(field, before[field]);
        if (before.Long("terminationGracePeriodSeconds") < 0 && now.Long("terminationGracePeriodSeconds") == 1)
            allowed.SetOrRemove("terminationGracePeriodSeconds", before["terminationGracePeriodSeconds"]);
        AllowGated(allowed, before);
        if (!allowed.SameAs(before))
            errors.Forbidden(Spec, $"{OnlyThese}\n{SpecDifference.Describe(before, allowed)}");
    }

    public static void ValidateEphemeralContainers(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var now = value.Obj("spec").Items("ephemeralContainers").ToDictionary(c => c.Str("name"), StringComparer.Ordinal);
        var index = 0;
        foreach (var before in old.Obj("spec").Items("ephemeralContainers"))
        {
            var path = Spec.Child("ephemeralContainers").Index(index++);
            if (!now.TryGetValue(before.Str("name"), out var container))
                errors.Forbidden(path, $"existing ephemeral containers \"{before.Str("name")}\" may not be removed\n");
            else if (!container.SameAs(before))
                errors.Forbidden(path, $"existing ephemeral containers \"{before.Str("name")}\" may not be changed\n");
        }
    }

    public static void ValidateResize(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var allowed = (JsonObject)(value.Obj("spec") ?? []).DeepClone();
        var before = old.Obj("spec") ?? [];
        foreach (var (container, was) in allowed.Items("containers").Concat(allowed.Items("initContainers")).Zip(before.Items("containers").Concat(before.Items("initContainers"))))
        {
            container.SetOrRemove("resources", was["resources"]);
            container.SetOrRemove("resizePolicy", was["resizePolicy"]);
        }
        if (!allowed.SameAs(before))
            errors.Forbidden(Spec, "only cpu and memory resources are mutable");
        if (QualityOfService.Of(value.Obj("spec")) != old.Obj("status").Str("qosClass"))
            errors.Invalid(Spec, old.Obj("status").Str("qosClass"), "Pod QOS Class may not change as a result of resizing");
    }

    private static void Deadline(FieldErrors errors, JsonObject now, JsonObject before)
    {
        var path = Spec.Child("activeDeadlineSeconds");
        if (before.LongOrNull("activeDeadlineSeconds") is not { } was)
            return;
        if (now.LongOrNull("activeDeadlineSeconds") is not { } seconds)
            errors.Invalid(path, null, "must not update from a positive integer to nil value");
        else if (seconds > was)
            errors.Invalid(path, seconds, "must be less than or equal to previous value");
    }

    private static void Tolerations(FieldErrors errors, JsonObject now, JsonObject before)
    {
        foreach (var toleration in before.Items("tolerations"))
        {
            if (!now.Items("tolerations").Any(t => Without(t).SameAs(Without(toleration))))
            {
                errors.Forbidden(Spec.Child("tolerations"), "existing toleration can not be modified except its tolerationSeconds");
                return;
            }
        }

        static JsonObject Without(JsonObject toleration)
        {
            var copy = (JsonObject)toleration.DeepClone();
            copy.Remove("tolerationSeconds");
            return copy;
        }
    }

    /// <summary>A gated pod may lose gates and be narrowed to fewer nodes.</summary>
    private static void AllowGated(JsonObject allowed, JsonObject before)
    {
        if (!before.Items("schedulingGates").Any())
            return;
        if (allowed.Items("schedulingGates").All(g => before.Items("schedulingGates").Any(b => b.SameAs(g))))
            allowed.SetOrRemove("schedulingGates", before["schedulingGates"]);
        var selector = allowed.StringMap("nodeSelector");
        if (before.StringMap("nodeSelector").All(p => selector.TryGetValue(p.Key, out var v) && v == p.Value))
            allowed.SetOrRemove("nodeSelector", before["nodeSelector"]);
    }
}

/// <summary>Names the fields in which two specs differ, for messages.</summary>
internal static class SpecDifference
{
    public static string Describe(JsonNode? before, JsonNode? now)
    {
        var lines = new List<string>();
        Compare("spec", before, now, lines);
        return string.Join('\n', lines);
    }

    private static void Compare(string path, JsonNode? before, JsonNode? now, List<string> lines)
    {
        if (before.SameAs(now))
            return;
        if (before is JsonObject a && now is JsonObject b)
        {
            foreach (var key in a.Select(p => p.Key).Union(b.Select(p => p.Key), StringComparer.Ordinal))
                Compare($"{path}.{key}", a[key], b[key], lines);
        }
        else if (before is JsonArray x && now is JsonArray y && x.Count == y.Count)
        {
            for (var i = 0; i < x.Count; i++)
                Compare($"{path}[{i}]", x[i], y[i], lines);
        }
        else
        {
            lines.Add($"  {path}: {before?.ToJsonString() ?? "(none)"} -> {now?.ToJsonString() ?? "(none)"}");
        }
    }
}
