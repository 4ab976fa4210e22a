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
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            // The rest would only repeat what is wrong.
            if ((now.Arr(list)?.Count ?? 0) == (before.Arr(list)?.Count ?? 0))
                continue;
            errors.Forbidden(Spec.Child(list), "pod updates may not add or remove containers");
            return;
        }
        if (!Deadline(errors, now, before))
            return;
        Tolerations(errors, now, before);
        Gates(errors, now, before);
        if (now.SameAs(before))
            return;

        var allowed = (JsonObject)now.DeepClone();
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (container, was) in allowed.Items(list).Zip(before.Items(list)))
                container.SetOrRemove("image", was["image"]);
        }
        foreach (var field in (ReadOnlySpan<string>)["activeDeadlineSeconds", "tolerations", "schedulingGates"])
            allowed.SetOrRemove(field, before[field]);
        if (before.Long("terminationGracePeriodSeconds") < 0 && now.Long("terminationGracePeriodSeconds") == 1)
            allowed.SetOrRemove("terminationGracePeriodSeconds", before["terminationGracePeriodSeconds"]);
        if (before.Arr("schedulingGates") is { Count: > 0 })
            GatedPodValidation.Allow(errors, allowed, before, Spec);
        if (!allowed.SameAs(before))
            errors.Forbidden(Spec, $"{OnlyThese}\n{SpecDifference.Describe(before, allowed)}");
    }

    public static void ValidateEphemeralContainers(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var path = Spec.Child("ephemeralContainers");
        if (old.Meta().Obj("annotations").Has(PodAnnotations.Mirror))
            errors.Forbidden(FieldPath.Of(""), "static pods do not support ephemeral containers");
        var now = value.Obj("spec").Items("ephemeralContainers").ToLookup(c => c.Str("name"), StringComparer.Ordinal);
        foreach (var before in old.Obj("spec").Items("ephemeralContainers"))
        {
            var name = GoText.Quote(before.Str("name"));
            if (now[before.Str("name")].LastOrDefault() is not { } container)
                errors.Forbidden(path, $"existing ephemeral containers {name} may not be removed\n");
            else if (!container.SameAs(before))
                errors.Forbidden(path, $"existing ephemeral containers {name} may not be changed\n{SpecDifference.Describe(before, container)}");
        }
    }

    /// <returns>False when nothing that follows is worth judging.</returns>
    private static bool Deadline(FieldErrors errors, JsonObject now, JsonObject before)
    {
        var path = Spec.Child("activeDeadlineSeconds");
        var (was, seconds) = (before.LongOrNull("activeDeadlineSeconds"), now.LongOrNull("activeDeadlineSeconds"));
        if (seconds is < 0 or > int.MaxValue)
        {
            errors.Invalid(path, seconds, "must be between 0 and 2147483647, inclusive");
            return false;
        }
        if (seconds > was)
        {
            errors.Invalid(path, seconds, "must be less than or equal to previous value");
            return false;
        }
        if (seconds is null && was is not null)
            errors.Invalid(path, null, "must not update from a positive integer to nil value");
        return true;
    }

    private static void Tolerations(FieldErrors errors, JsonObject now, JsonObject before)
    {
        foreach (var old in before.Items("tolerations"))
        {
            var kept = WithoutSeconds(old);
            if (now.Items("tolerations").Any(t => WithoutSeconds(t).SameAs(kept)))
                continue;
            errors.Forbidden(Spec.Child("tolerations"), "existing toleration can not be modified except its tolerationSeconds");
            return;
        }

        static JsonObject WithoutSeconds(JsonObject toleration)
        {
            var copy = (JsonObject)toleration.DeepClone();
            copy.Remove("tolerationSeconds");
            return copy;
        }
    }

    private static void Gates(FieldErrors errors, JsonObject now, JsonObject before)
    {
        var index = 0;
        foreach (var gate in now.Items("schedulingGates"))
        {
            var path = Spec.Child("schedulingGates").Index(index++).Child("name");
            if (!before.Items("schedulingGates").Any(b => b.Str("name") == gate.Str("name")))
                errors.Forbidden(path, $"only deletion is allowed, but found new scheduling gate '{gate.Str("name")}'");
        }
    }
}

/// <summary>A gated pod may be narrowed to fewer nodes (KEP-3838).</summary>
internal static class GatedPodValidation
{
    private const string Required = "requiredDuringSchedulingIgnoredDuringExecution";

    /// <summary>Judges what changed of the pod's wishes for a node, and gives <paramref name="allowed"/> the old ones back.</summary>
    public static void Allow(FieldErrors errors, JsonObject allowed, JsonObject before, FieldPath field)
    {
        if (!allowed["nodeSelector"].SemanticallySameAs(before["nodeSelector"]))
        {
            var selector = allowed.StringMap("nodeSelector");
            if (before.StringMap("nodeSelector").Any(p => !selector.TryGetValue(p.Key, out var v) || v != p.Value))
                errors.Invalid(field.Child("nodeSelector"), allowed["nodeSelector"], "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
            allowed.SetOrRemove("nodeSelector", before["nodeSelector"]);
        }
        var (now, was) = (allowed.Obj("affinity", "nodeAffinity"), before.Obj("affinity", "nodeAffinity"));
        if (now.SameAs(was))
            return;
        Narrowed(errors, now, was, field.Child("affinity", "nodeAffinity").Child(Required, "nodeSelectorTerms"));
        if (!allowed.Has("affinity"))
        {
            allowed["affinity"] = new JsonObject { ["nodeAffinity"] = was?.DeepClone() };
            return;
        }
        allowed.Obj("affinity")!.SetOrRemove("nodeAffinity", was);
        if (!before.Has("affinity") && allowed.Obj("affinity")!.Count == 0)
            allowed.Remove("affinity");
    }

    private static void Narrowed(FieldErrors errors, JsonObject? now, JsonObject? was, FieldPath field)
    {
        var (terms, before) = (now.Obj(Required).Items("nodeSelectorTerms").ToList(), was.Obj(Required).Items("nodeSelectorTerms").ToList());
        if (before.Count == 0)
            return;
        if (terms.Count != before.Count)
        {
            errors.Invalid(field, now.Obj(Required)?["nodeSelectorTerms"], "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
            return;
        }
        for (var i = 0; i < terms.Count; i++)
        {
            if (!OnlyAdds(terms[i], before[i]))
                errors.Invalid(field.Index(i), terms[i], "only additions are allowed (no mutations or deletions)");
        }
    }

    private static bool OnlyAdds(JsonObject term, JsonObject before)
    {
        string[] lists = ["matchExpressions", "matchFields"];
        // A term without requirements matches nothing: anything would widen it.
        if (lists.All(l => before.Arr(l) is not { Count: > 0 }))
            return lists.All(l => term.Arr(l) is not { Count: > 0 });
        return lists.All(l => before.Items(l).Count() <= term.Items(l).Count() && before.Items(l).Zip(term.Items(l)).All(p => p.First.SameAs(p.Second)));
    }
}

/// <summary>New amounts for containers that run (https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/).</summary>
internal static class PodResizeValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var (now, before) = (value.Obj("spec") ?? [], old.Obj("spec") ?? []);
        if (old.Meta().Obj("annotations").Has(PodAnnotations.Mirror))
        {
            errors.Forbidden(FieldPath.Of(""), "static pods cannot be resized");
            return;
        }
        if (before.Obj("os").Str("name") == "windows")
        {
            errors.Forbidden(FieldPath.Of(""), "windows pods cannot be resized");
            return;
        }
        var quality = old.Obj("status").Str("qosClass");
        if (QualityOfService.Of(now) != (quality.Length > 0 ? quality : QualityOfService.Of(before)))
            errors.Invalid(Spec, quality, "Pod QOS Class may not change as a result of resizing");
        var running = old.Obj("status").Items("containerStatuses").FirstOrDefault(s => s.Obj("state").Has("running"));
        if (running is not null && !running.Has("resources"))
            errors.Forbidden(Spec, "Pod running on node without support for resize");
        Containers(errors, now, before);
    }

    private static void Containers(FieldErrors errors, JsonObject now, JsonObject before)
    {
        var allowed = (JsonObject)now.DeepClone();
        Lists("containers", "only cpu and memory resources are mutable");
        Lists("initContainers", "only cpu and memory resources for sidecar containers are mutable");
        if (errors.Count == 0 && !allowed.SameAs(before))
            errors.Forbidden(Spec, "only cpu and memory resources are mutable");

        void Lists(string list, string words)
        {
            var index = 0;
            foreach (var (container, was) in allowed.Items(list).Zip(before.Items(list)))
            {
                var path = Spec.Child(list).Index(index++).Child("resources");
                var isSidecar = list == "containers" || was.Str("restartPolicy") == "Always";
                if (isSidecar)
                {
                    Removed(errors, container, was, "requests", path, "resource requests cannot be removed");
                    Removed(errors, container, was, "limits", path, "resource limits cannot be removed");
                    PutBack(container, was);
                }
                if (!container.SameAs(was))
                    errors.Forbidden(Spec, isSidecar ? words : "resources for non-sidecar init containers are immutable");
            }
        }
    }

    private static void Removed(FieldErrors errors, JsonObject container, JsonObject was, string list, FieldPath field, string words)
    {
        foreach (var (name, _) in was.Obj("resources", list) ?? [])
        {
            if (container.Obj("resources", list).Has(name))
                continue;
            errors.Forbidden(field.Child(list), words);
            return;
        }
    }

    /// <summary>cpu and memory as they were: what differs then was not to change.</summary>
    private static void PutBack(JsonObject container, JsonObject was)
    {
        var resources = container.GetOrAdd("resources");
        foreach (var list in (ReadOnlySpan<string>)["limits", "requests"])
        {
            var amounts = resources.GetOrAdd(list);
            foreach (var name in (ReadOnlySpan<string>)["cpu", "memory"])
                amounts.SetOrRemove(name, was.Obj("resources", list)?[name]);
            if (amounts.Count == 0 && !was.Obj("resources").Has(list))
                resources.Remove(list);
        }
        if (resources.Count == 0 && !was.Has("resources"))
            container.Remove("resources");
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
