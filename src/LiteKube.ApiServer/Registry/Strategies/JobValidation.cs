using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Jobs, and the jobs that a CronJob makes.</summary>
internal static class JobValidation
{
    private const int MaxIndexedParallelism = 100_000;
    private const int MaxFailedIndexes = 100_000;
    private const int ManyCompletions = 100_000;
    private const int LimitAtManyCompletions = 10_000;
    private const int MaxRules = 20;
    private const int MaxConditionPatterns = 20;
    private const int MaxExitCodes = 255;
    private const int MaxManagedByLength = 63;
    private const int MaxIndexesBytes = 64 * 1024;
    private static readonly FieldPath Root = FieldPath.Of("spec");

    /// <summary>What belongs to the Job as a whole, its generated selector and its pods' host names.</summary>
    public static void Job(FieldErrors errors, JsonObject value)
    {
        var (spec, uid, name) = (value.Obj("spec") ?? [], value.MetaUid(), value.MetaName());
        if (!spec.Bool("manualSelector") && spec.Obj("selector") is { } selector)
        {
            (string Key, string Value)[] expected = [("controller-uid", uid), ("job-name", name), ("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name)];
            var labels = spec.Obj("template").Meta().Obj("labels");
            foreach (var (key, text) in expected)
            {
                var path = Root.Child("template", "metadata", "labels").Key(key);
                if (!labels.Has(key))
                    errors.Required(path, $"must be '{text}'");
                else if (labels.Str(key) != text)
                    errors.Invalid(path, labels, $"must be '{text}'");
            }
            if (!LabelSelection.Matches(selector, expected.ToDictionary(e => e.Key, e => e.Value, StringComparer.Ordinal)))
                errors.Invalid(Root.Child("selector"), selector, "`selector` not auto-generated");
        }
        if (spec.Str("completionMode") == "Indexed" && spec.Long("completions") > 0)
        {
            var last = string.Create(CultureInfo.InvariantCulture, $"{name}-{spec.Long("completions") - 1}");
            if (NameChecks.DnsLabel(last).Count > 0)
                errors.Invalid(FieldPath.Of("metadata").Child("name"), name, $"will not able to create pod with invalid DNS label: {last}");
        }
    }

    public static void WholeSpec(FieldErrors errors, JsonObject spec)
    {
        Spec(errors, spec, Root);
        if (spec.Obj("selector") is not { } selector)
            errors.Required(Root.Child("selector"), "");
        else
        {
            Checks.LabelSelector(errors, selector, Root.Child("selector"));
            if (!LabelSelection.Matches(selector, spec.Obj("template").Labels()))
                errors.Invalid(Root.Child("template", "metadata", "labels"), spec.Obj("template").Meta()?["labels"], "`selector` does not match template `labels`");
        }
    }

    public static void Spec(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        Checks.NonNegative(errors, spec, field, "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes");
        if (spec.Has("maxFailedIndexes") && !spec.Has("backoffLimitPerIndex"))
            errors.Required(field.Child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
        if (spec.StrOrNull("managedBy") is { } manager)
        {
            Checks.DomainPrefixedPath(errors, field.Child("managedBy"), manager);
            if (manager.Length > MaxManagedByLength)
                errors.TooLong(field.Child("managedBy"), MaxManagedByLength);
        }
        Checks.OneOf(errors, spec, field, "completionMode", isRequired: false, "NonIndexed", "Indexed");
        if (spec.Str("completionMode") == "Indexed")
            Indexed(errors, spec, field);
        else
        {
            foreach (var name in (ReadOnlySpan<string>)["backoffLimitPerIndex", "maxFailedIndexes"])
            {
                if (spec.Has(name))
                    errors.Invalid(field.Child(name), spec[name], "requires indexed completion mode");
            }
        }
        if (spec.Obj("podFailurePolicy") is { } failure)
            FailurePolicy(errors, spec, failure, field.Child("podFailurePolicy", "rules"));
        if (spec.Obj("successPolicy") is { } success)
            SuccessPolicy(errors, spec, success, field.Child("successPolicy"));
        Replacement(errors, spec, field.Child("podReplacementPolicy"));
        WorkloadValidation.Template(errors, spec.Obj("template") ?? [], field.Child("template"));
        RestartPolicy(errors, spec, field.Child("template", "spec", "restartPolicy"));
    }

    /// <summary>Counts "0,3-5" within the completions; null: it is no such list.</summary>
    public static long? CountIndexes(string text, long completions, out string complaint)
    {
        complaint = "";
        if (text.Length == 0)
            return 0;
        var (count, previous) = (0L, -1L);
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            var numbers = new long[ends.Length];
            if (ends.Length > 2)
            {
                complaint = $"the fragment {GoText.Quote(part)} violates the requirement that an index interval can have at most two parts separated by '-'";
                return null;
            }
            for (var i = 0; i < ends.Length; i++)
            {
                if (!int.TryParse(ends[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                {
                    complaint = $"cannot convert string to integer for index: {GoText.Quote(ends[i])}";
                    return null;
                }
                if (number >= completions)
                {
                    complaint = $"too large index: {GoText.Quote(ends[i])}";
                    return null;
                }
                numbers[i] = number;
            }
            var (first, last) = (numbers[0], numbers[^1]);
            if (first <= previous)
            {
                complaint = $"non-increasing order, previous: {previous}, current: {first}";
                return null;
            }
            if (ends.Length == 2 && last <= first)
            {
                complaint = $"non-increasing order, previous: {first}, current: {last}";
                return null;
            }
            (count, previous) = (count + last - first + 1, last);
        }
        return count;
    }

    private static void Indexed(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var (completions, parallelism, failed) = (spec.LongOrNull("completions"), spec.LongOrNull("parallelism"), spec.LongOrNull("maxFailedIndexes"));
        if (completions is null)
            errors.Required(field.Child("completions"), "when completion mode is Indexed");
        if (parallelism > MaxIndexedParallelism)
            errors.Invalid(field.Child("parallelism"), parallelism, $"must be less than or equal to {MaxIndexedParallelism} when completion mode is Indexed");
        if (failed > completions)
            errors.Invalid(field.Child("maxFailedIndexes"), failed, "must be less than or equal to completions");
        if (failed > MaxFailedIndexes)
            errors.Invalid(field.Child("maxFailedIndexes"), failed, $"must be less than or equal to {MaxFailedIndexes}");
        if (!(completions > ManyCompletions) || !spec.Has("backoffLimitPerIndex"))
            return;
        if (failed is null)
            errors.Required(field.Child("maxFailedIndexes"), $"must be specified when completions is above {ManyCompletions}");
        if (parallelism > LimitAtManyCompletions)
            errors.Invalid(field.Child("parallelism"), parallelism, $"must be less than or equal to {LimitAtManyCompletions} when completions are above {ManyCompletions} and used with backoff limit per index");
        if (failed > LimitAtManyCompletions)
            errors.Invalid(field.Child("maxFailedIndexes"), failed, $"must be less than or equal to {LimitAtManyCompletions} when completions are above {ManyCompletions} and used with backoff limit per index");
    }

    private static void Replacement(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        if (spec.StrOrNull("podReplacementPolicy") is not { } policy)
            return;
        if (spec.Has("podFailurePolicy"))
        {
            if (policy != "Failed")
                errors.NotSupported(field, policy, "Failed");
        }
        else if (policy is not ("Failed" or "TerminatingOrFailed"))
        {
            errors.NotSupported(field, policy, "Failed", "TerminatingOrFailed");
        }
    }

    private static void RestartPolicy(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var policy = spec.Obj("template", "spec").Str("restartPolicy");
        if (policy is "" or "Always")
            errors.Required(field, "valid values: \"OnFailure\", \"Never\"");
        else if (policy is not ("OnFailure" or "Never"))
            errors.NotSupported(field, policy, "OnFailure", "Never");
        else if (spec.Has("podFailurePolicy") && policy != "Never")
            errors.Invalid(field, policy, "only \"Never\" is supported when podFailurePolicy is specified");
    }

    private static void FailurePolicy(FieldErrors errors, JsonObject spec, JsonObject policy, FieldPath field)
    {
        if (policy.Arr("rules") is { Count: > MaxRules } rules)
            errors.TooMany(field, rules.Count, MaxRules);
        var containers = spec.Obj("template", "spec").Items("containers").Concat(spec.Obj("template", "spec").Items("initContainers")).Select(c => c.Str("name")).ToHashSet(StringComparer.Ordinal);
        var index = 0;
        foreach (var rule in policy.Items("rules"))
        {
            var path = field.Index(index++);
            var action = rule.Str("action");
            if (action.Length == 0)
                errors.Required(path.Child("action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
            else if (action == "FailIndex" && !spec.Has("backoffLimitPerIndex"))
                errors.Invalid(path.Child("action"), action, "requires the backoffLimitPerIndex to be set");
            else if (action is not ("Count" or "FailIndex" or "FailJob" or "Ignore"))
                errors.NotSupported(path.Child("action"), action, "Count", "FailIndex", "FailJob", "Ignore");
            var (codes, hasConditions) = (rule.Obj("onExitCodes"), rule.Arr("onPodConditions") is { Count: > 0 });
            if (codes is not null)
                ExitCodes(errors, codes, path.Child("onExitCodes"), containers);
            if (hasConditions)
                PodConditions(errors, rule, path.Child("onPodConditions"));
            if (codes is not null && hasConditions)
                errors.InvalidOmitted(path, "specifying both OnExitCodes and OnPodConditions is not supported");
            if (codes is null && !hasConditions)
                errors.InvalidOmitted(path, "specifying one of OnExitCodes and OnPodConditions is required");
        }
    }

    private static void PodConditions(FieldErrors errors, JsonObject rule, FieldPath field)
    {
        Checks.TooMany(errors, rule, "onPodConditions", field, MaxConditionPatterns);
        var index = 0;
        foreach (var pattern in rule.Items("onPodConditions"))
        {
            var path = field.Index(index++);
            Checks.Name(errors, path.Child("type"), pattern.Str("type"), NameChecks.QualifiedName);
            if (pattern.Str("status").Length == 0)
                errors.Required(path.Child("status"), "valid values: [\"False\" \"True\" \"Unknown\"]");
            else if (pattern.Str("status") is not ("False" or "True" or "Unknown"))
                errors.NotSupported(path.Child("status"), pattern.Str("status"), "False", "True", "Unknown");
        }
    }

    private static void ExitCodes(FieldErrors errors, JsonObject codes, FieldPath field, HashSet<string> containers)
    {
        var op = codes.Str("operator");
        if (op.Length == 0)
            errors.Required(field.Child("operator"), "valid values: [\"In\" \"NotIn\"]");
        else if (op is not ("In" or "NotIn"))
            errors.NotSupported(field.Child("operator"), op, "In", "NotIn");
        if (codes.StrOrNull("containerName") is { } container && !containers.Contains(container))
            errors.Invalid(field.Child("containerName"), container, "must be one of the container or initContainer names in the pod template");
        var (path, values) = (field.Child("values"), codes.Arr("values")?.OfType<JsonValue>().Select(v => JsonFields.AsLong(v) ?? 0).ToList() ?? []);
        if (values.Count == 0)
            errors.Invalid(path, codes["values"], "at least one value is required");
        else if (values.Count > MaxExitCodes)
            errors.TooMany(path, values.Count, MaxExitCodes);
        for (var i = 0; i < values.Count; i++)
        {
            if (op == "In" && values[i] == 0)
                errors.Invalid(path.Index(i), 0, "must not be 0 for the In operator");
            if (values.IndexOf(values[i]) < i)
                errors.Duplicate(path.Index(i), values[i]);
        }
        if (!values.SequenceEqual(values.Order()))
            errors.Invalid(path, codes["values"], "must be ordered");
    }

    private static void SuccessPolicy(FieldErrors errors, JsonObject spec, JsonObject policy, FieldPath field)
    {
        if (spec.Str("completionMode") != "Indexed")
        {
            errors.Invalid(field, policy, "requires indexed completion mode");
            return;
        }
        if (policy.Arr("rules") is not { Count: > 0 })
            errors.Required(field.Child("rules"), "at least one rules must be specified when the successPolicy is specified");
        Checks.TooMany(errors, policy, "rules", field.Child("rules"), MaxRules);
        var completions = spec.Long("completions");
        var index = 0;
        foreach (var rule in policy.Items("rules"))
        {
            var path = field.Child("rules").Index(index++);
            var (count, indexes) = (rule.LongOrNull("succeededCount"), rule.StrOrNull("succeededIndexes"));
            if (count is null && indexes is null)
                errors.Required(path, "at least one of succeededCount or succeededIndexes must be specified");
            var total = 0L;
            if (indexes is not null)
            {
                if (indexes.Length > MaxIndexesBytes)
                    errors.TooLong(path.Child("succeededIndexes"), MaxIndexesBytes);
                if (CountIndexes(indexes, completions, out var complaint) is { } counted)
                    total = counted;
                else
                    errors.Invalid(path.Child("succeededIndexes"), indexes, $"error parsing succeededIndexes: {complaint}");
            }
            if (count is null)
                continue;
            Checks.NonNegative(errors, rule, path, "succeededCount");
            if (count > completions)
                errors.Invalid(path.Child("succeededCount"), count, $"must be less than or equal to {completions} (the number of specified completions)");
            if (indexes is not null && count > total)
                errors.Invalid(path.Child("succeededCount"), count, $"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)");
        }
    }
}
