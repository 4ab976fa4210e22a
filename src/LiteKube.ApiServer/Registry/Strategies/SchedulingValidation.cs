using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What a pod says about where it may run: tolerations, affinity, spreading.</summary>
internal static class SchedulingValidation
{
    private const string Required = "requiredDuringSchedulingIgnoredDuringExecution";
    private const string Preferred = "preferredDuringSchedulingIgnoredDuringExecution";

    public static void Tolerations(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var toleration in spec.Items("tolerations"))
        {
            var path = field.Index(index++);
            var (key, value, effect, op) = (toleration.Str("key"), toleration.Str("value"), toleration.Str("effect"), toleration.Str("operator"));
            if (key.Length > 0)
                Checks.Name(errors, path.Child("key"), key, NameChecks.QualifiedName);
            else if (op != "Exists")
                errors.Invalid(path.Child("operator"), op, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
            if (toleration.Has("tolerationSeconds") && effect != "NoExecute")
                errors.Invalid(path.Child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
            switch (op)
            {
                case "" or "Equal":
                    if (NameChecks.LabelValue(value) is { Count: > 0 } complaints)
                        errors.Invalid(path.Child("operator"), value, string.Join(';', complaints));
                    break;
                case "Exists":
                    if (value.Length > 0)
                        errors.Invalid(path.Child("operator"), value, "value must be empty when `operator` is 'Exists'");
                    break;
                case "Lt" or "Gt":
                    // Numbers compared with a taint's (KEP-5471).
                    if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) || number.ToString(CultureInfo.InvariantCulture) != value)
                        errors.Invalid(path.Child("operator"), value, "value must be a valid integer");
                    break;
                default:
                    errors.NotSupported(path.Child("operator"), op, "Equal", "Exists", "Lt", "Gt");
                    break;
            }
            Checks.OneOf(errors, toleration, path, "effect", isRequired: false, "NoSchedule", "PreferNoSchedule", "NoExecute");
        }
    }

    public static void NodeSelector(FieldErrors errors, JsonObject selector, FieldPath field)
    {
        if (selector.Arr("nodeSelectorTerms") is not { Count: > 0 })
            errors.Required(field.Child("nodeSelectorTerms"), "must have at least one node selector term");
        var index = 0;
        foreach (var term in selector.Items("nodeSelectorTerms"))
            Term(errors, term, field.Child("nodeSelectorTerms").Index(index++), checksValues: true);
    }

    public static void Affinity(FieldErrors errors, JsonObject affinity, FieldPath field)
    {
        if (affinity.Obj("nodeAffinity") is { } node)
        {
            var path = field.Child("nodeAffinity");
            if (node.Obj(Required) is { } required)
                NodeSelector(errors, required, path.Child(Required));
            var index = 0;
            foreach (var preferred in node.Items(Preferred))
            {
                var own = path.Child(Preferred).Index(index++);
                Weight(errors, preferred, own);
                Term(errors, preferred.Obj("preference") ?? [], own.Child("preference"), checksValues: false);
            }
        }
        foreach (var kind in (ReadOnlySpan<string>)["podAffinity", "podAntiAffinity"])
        {
            if (affinity.Obj(kind) is not { } pods)
                continue;
            var index = 0;
            foreach (var term in pods.Items(Required))
                PodTerm(errors, term, field.Child(kind, Required).Index(index++));
            index = 0;
            foreach (var preferred in pods.Items(Preferred))
            {
                var own = field.Child(kind, Preferred).Index(index++);
                Weight(errors, preferred, own);
                PodTerm(errors, preferred.Obj("podAffinityTerm") ?? [], own.Child("podAffinityTerm"));
            }
        }
    }

    public static void TopologySpread(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var constraint in spec.Items("topologySpreadConstraints"))
        {
            var path = field.Index(index++);
            if (constraint.Long("maxSkew") <= 0)
                errors.Invalid(path.Child("maxSkew"), constraint.Long("maxSkew"), "must be greater than zero");
            var (key, action) = (constraint.Str("topologyKey"), constraint.Str("whenUnsatisfiable"));
            if (key.Length == 0)
                errors.Required(path.Child("topologyKey"), "can not be empty");
            if (action is not ("DoNotSchedule" or "ScheduleAnyway"))
                errors.NotSupported(path.Child("whenUnsatisfiable"), action, "DoNotSchedule", "ScheduleAnyway");
            if (spec.Items("topologySpreadConstraints").Skip(index).Any(c => c.Str("topologyKey") == key && c.Str("whenUnsatisfiable") == action))
                errors.Duplicate(path.Child("{topologyKey, whenUnsatisfiable}"), $"{{{key}, {action}}}");
            if (constraint.LongOrNull("minDomains") is { } domains)
            {
                if (domains <= 0)
                    errors.Invalid(path.Child("minDomains"), domains, "must be greater than zero");
                if (action != "DoNotSchedule")
                    errors.Invalid(path.Child("minDomains"), domains, $"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
            }
            Checks.OneOf(errors, constraint, path, "nodeAffinityPolicy", isRequired: false, "Honor", "Ignore");
            Checks.OneOf(errors, constraint, path, "nodeTaintsPolicy", isRequired: false, "Honor", "Ignore");
            SpreadKeys(errors, constraint, path.Child("matchLabelKeys"));
            Checks.LabelSelector(errors, constraint.Obj("labelSelector"), path.Child("labelSelector"));
        }
    }

    private static void Weight(FieldErrors errors, JsonObject value, FieldPath field)
    {
        if (value.Long("weight") is < 1 or > 100)
            errors.Invalid(field.Child("weight"), value.Long("weight"), "must be in the range 1-100");
    }

    private static void Term(FieldErrors errors, JsonObject term, FieldPath field, bool checksValues)
    {
        var index = 0;
        foreach (var requirement in term.Items("matchExpressions"))
            Requirement(errors, requirement, field.Child("matchExpressions").Index(index++), checksValues);
        index = 0;
        foreach (var requirement in term.Items("matchFields"))
        {
            var path = field.Child("matchFields").Index(index++);
            if (requirement.Str("operator") is not ("In" or "NotIn"))
                errors.Invalid(path.Child("operator"), requirement.Str("operator"), "not a valid selector operator");
            else if (requirement.Arr("values") is not { Count: 1 })
                errors.Required(path.Child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
            if (requirement.Str("key") != "metadata.name")
            {
                errors.Invalid(path.Child("key"), requirement.Str("key"), "not a valid field selector key");
                continue;
            }
            var i = 0;
            foreach (var value in requirement.Strings("values"))
                Checks.Name(errors, path.Child("values").Index(i++), value, NameChecks.DnsSubdomain);
        }
    }

    private static void Requirement(FieldErrors errors, JsonObject requirement, FieldPath field, bool checksValues)
    {
        var count = requirement.Arr("values")?.Count ?? 0;
        switch (requirement.Str("operator"))
        {
            case "In" or "NotIn":
                if (count == 0)
                    errors.Required(field.Child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
                break;
            case "Exists" or "DoesNotExist":
                if (count > 0)
                    errors.Forbidden(field.Child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                break;
            case "Gt" or "Lt":
                if (count != 1)
                    errors.Required(field.Child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
                break;
            default:
                errors.Invalid(field.Child("operator"), requirement.Str("operator"), "not a valid selector operator");
                break;
        }
        Checks.Name(errors, field.Child("key"), requirement.Str("key"), NameChecks.QualifiedName);
        if (!checksValues)
            return;
        var index = 0;
        foreach (var value in requirement.Strings("values"))
            Checks.Name(errors, field.Child("values").Index(index++), value, NameChecks.LabelValue);
    }

    private static void PodTerm(FieldErrors errors, JsonObject term, FieldPath field)
    {
        Checks.LabelSelector(errors, term.Obj("labelSelector"), field.Child("labelSelector"));
        Checks.LabelSelector(errors, term.Obj("namespaceSelector"), field.Child("namespaceSelector"));
        foreach (var ns in term.Strings("namespaces"))
            Checks.Name(errors, field.Child("namespace"), ns, NameChecks.DnsLabel);
        TermKeys(errors, term, field);
        if (term.Str("topologyKey").Length == 0)
            errors.Required(field.Child("topologyKey"), "can not be empty");
        Checks.Name(errors, field.Child("topologyKey"), term.Str("topologyKey"), NameChecks.QualifiedName);
    }

    /// <summary>Keys whose values a pod's own labels give (KEP-3633).</summary>
    private static void TermKeys(FieldErrors errors, JsonObject term, FieldPath field)
    {
        foreach (var list in (ReadOnlySpan<string>)["matchLabelKeys", "mismatchLabelKeys"])
        {
            if (term.Arr(list) is not { Count: > 0 })
                continue;
            if (!term.Has("labelSelector"))
            {
                errors.Forbidden(field.Child(list), "must not be specified when labelSelector is not set");
                continue;
            }
            var index = 0;
            foreach (var key in term.Strings(list))
                Checks.Name(errors, field.Child(list).Index(index++), key, NameChecks.QualifiedName);
        }
        var keys = term.Strings("matchLabelKeys").ToList();
        if (keys.Count == 0)
            return;
        // Admission has added an expression of its own for each key: another one is the user's.
        var known = term.Obj("labelSelector").StringMap("matchLabels").Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var expression in term.Obj("labelSelector").Items("matchExpressions"))
        {
            if (!known.Add(expression.Str("key")) && keys.IndexOf(expression.Str("key")) is >= 0 and var at)
                errors.Invalid(field.Index(at), expression.Str("key"), "exists in both matchLabelKeys and labelSelector");
        }
        for (var i = 0; i < keys.Count; i++)
        {
            if (term.Strings("mismatchLabelKeys").Contains(keys[i]))
                errors.Invalid(field.Child("matchLabelKeys").Index(i), keys[i], "exists in both matchLabelKeys and mismatchLabelKeys");
        }
    }

    private static void SpreadKeys(FieldErrors errors, JsonObject constraint, FieldPath field)
    {
        if (constraint.Arr("matchLabelKeys") is not { Count: > 0 })
            return;
        if (!constraint.Has("labelSelector"))
            errors.Forbidden(field, "must not be specified when labelSelector is not set");
        var selector = constraint.Obj("labelSelector");
        var index = 0;
        foreach (var key in constraint.Strings("matchLabelKeys"))
        {
            Checks.Name(errors, field.Index(index), key, NameChecks.QualifiedName);
            var added = selector.Items("matchExpressions").Count(e => e.Str("key") == key);
            // As above: one expression for a key is what the server itself writes.
            if (selector.Obj("matchLabels").Has(key) || added > 1)
                errors.Invalid(field.Index(index), key, "exists in both matchLabelKeys and labelSelector");
            index++;
        }
    }
}
