using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What a pod says about where it may run: tolerations, affinity, spreading, gates.</summary>
internal static class SchedulingValidation
{
    public static void Validate(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        Tolerations(errors, spec, field.Child("tolerations"));
        if (spec.Obj("affinity") is { } affinity)
            Affinity(errors, affinity, field.Child("affinity"));
        TopologySpread(errors, spec, field.Child("topologySpreadConstraints"));
        var gates = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var gate in spec.Items("schedulingGates"))
        {
            var path = field.Child("schedulingGates").Index(index++);
            Checks.Name(errors, path, gate.Str("name"), NameChecks.QualifiedName);
            if (!gates.Add(gate.Str("name")))
                errors.Duplicate(path, gate.Str("name"));
        }
    }

    public static void Tolerations(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var toleration in spec.Items("tolerations"))
        {
            var path = field.Index(index++);
            var (key, value, effect) = (toleration.Str("key"), toleration.Str("value"), toleration.Str("effect"));
            if (key.Length > 0)
                Checks.Name(errors, path.Child("key"), key, NameChecks.QualifiedName);
            else if (toleration.Str("operator") != "Exists")
                errors.Invalid(path.Child("operator"), toleration.Str("operator"), "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
            if (toleration.Has("tolerationSeconds") && effect != "NoExecute")
                errors.Invalid(path.Child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
            switch (toleration.Str("operator"))
            {
                case "" or "Equal":
                    if (NameChecks.LabelValue(value) is { } complaint)
                        errors.Invalid(path.Child("operator"), value, complaint);
                    break;
                case "Exists":
                    if (value.Length > 0)
                        errors.Invalid(path.Child("operator"), toleration, "value must be empty when `operator` is 'Exists'");
                    break;
                default:
                    errors.NotSupported(path.Child("operator"), toleration.Str("operator"), "Equal", "Exists");
                    break;
            }
            Checks.OneOf(errors, toleration, path, "effect", isRequired: false, "NoSchedule", "PreferNoSchedule", "NoExecute");
        }
    }

    public static void NodeSelector(FieldErrors errors, JsonObject selector, FieldPath field)
    {
        var terms = selector.Items("nodeSelectorTerms").ToList();
        if (terms.Count == 0)
            errors.Required(field.Child("nodeSelectorTerms"), "must have at least one node selector term");
        for (var i = 0; i < terms.Count; i++)
            Term(errors, terms[i], field.Child("nodeSelectorTerms").Index(i));
    }

    private static void Affinity(FieldErrors errors, JsonObject affinity, FieldPath field)
    {
        if (affinity.Obj("nodeAffinity") is { } node)
        {
            var path = field.Child("nodeAffinity");
            if (node.Obj("requiredDuringSchedulingIgnoredDuringExecution") is { } required)
                NodeSelector(errors, required, path.Child("requiredDuringSchedulingIgnoredDuringExecution"));
            var index = 0;
            foreach (var preferred in node.Items("preferredDuringSchedulingIgnoredDuringExecution"))
            {
                var own = path.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(index++);
                Weight(errors, preferred, own);
                if (preferred.Obj("preference") is { } preference)
                    Term(errors, preference, own.Child("preference"));
            }
        }
        foreach (var kind in (string[])["podAffinity", "podAntiAffinity"])
        {
            if (affinity.Obj(kind) is not { } pods)
                continue;
            var index = 0;
            foreach (var term in pods.Items("requiredDuringSchedulingIgnoredDuringExecution"))
                PodTerm(errors, term, field.Child(kind).Child("requiredDuringSchedulingIgnoredDuringExecution").Index(index++));
            index = 0;
            foreach (var preferred in pods.Items("preferredDuringSchedulingIgnoredDuringExecution"))
            {
                var own = field.Child(kind).Child("preferredDuringSchedulingIgnoredDuringExecution").Index(index++);
                Weight(errors, preferred, own);
                PodTerm(errors, preferred.Obj("podAffinityTerm") ?? [], own.Child("podAffinityTerm"));
            }
        }
    }

    private static void Weight(FieldErrors errors, JsonObject value, FieldPath field)
    {
        if (value.Long("weight") is < 1 or > 100)
            errors.Invalid(field.Child("weight"), value.Long("weight"), "must be in the range 1-100");
    }

    private static void Term(FieldErrors errors, JsonObject term, FieldPath field)
    {
        var index = 0;
        foreach (var requirement in term.Items("matchExpressions"))
        {
            var path = field.Child("matchExpressions").Index(index++);
            var values = requirement.Strings("values").ToList();
            switch (requirement.Str("operator"))
            {
                case "In" or "NotIn":
                    if (values.Count == 0)
                        errors.Required(path.Child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
                    break;
                case "Exists" or "DoesNotExist":
                    if (values.Count > 0)
                        errors.Forbidden(path.Child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                    break;
                case "Gt" or "Lt":
                    if (values.Count != 1)
                        errors.Required(path.Child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
                    else if (!long.TryParse(values[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
                        errors.Invalid(path.Child("values").Index(0), values[0], "for 'Gt', 'Lt' operators, the value must be an integer");
                    break;
                default:
                    errors.Invalid(path.Child("operator"), requirement.Str("operator"), "not a valid selector operator");
                    break;
            }
            Checks.Name(errors, path.Child("key"), requirement.Str("key"), NameChecks.QualifiedName);
        }
        index = 0;
        foreach (var requirement in term.Items("matchFields"))
        {
            var path = field.Child("matchFields").Index(index++);
            if (requirement.Str("operator") is not ("In" or "NotIn"))
                errors.Invalid(path.Child("operator"), requirement.Str("operator"), "not a valid selector operator");
            else if (requirement.Strings("values").Count() != 1)
                errors.Required(path.Child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
            if (requirement.Str("key") != "metadata.name")
                errors.Invalid(path.Child("key"), requirement.Str("key"), "not a valid field selector key");
        }
    }

    private static void PodTerm(FieldErrors errors, JsonObject term, FieldPath field)
    {
        Checks.LabelSelector(errors, term.Obj("labelSelector"), field.Child("labelSelector"));
        Checks.LabelSelector(errors, term.Obj("namespaceSelector"), field.Child("namespaceSelector"));
        var index = 0;
        foreach (var ns in term.Strings("namespaces"))
            Checks.Name(errors, field.Child("namespaces").Index(index++), ns, NameChecks.DnsLabel);
        if (Checks.Required(errors, term, field, "topologyKey", "can not be empty"))
            Checks.Name(errors, field.Child("topologyKey"), term.Str("topologyKey"), NameChecks.QualifiedName);
    }

    private static void TopologySpread(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var pairs = new HashSet<(string, string)>();
        var index = 0;
        foreach (var constraint in spec.Items("topologySpreadConstraints"))
        {
            var path = field.Index(index++);
            if (constraint.Long("maxSkew") <= 0)
                errors.Invalid(path.Child("maxSkew"), constraint.Long("maxSkew"), "must be greater than zero");
            if (Checks.Required(errors, constraint, path, "topologyKey", "can not be empty"))
                Checks.Name(errors, path.Child("topologyKey"), constraint.Str("topologyKey"), NameChecks.QualifiedName);
            if (!((string[])["DoNotSchedule", "ScheduleAnyway"]).Contains(constraint.Str("whenUnsatisfiable")))
                errors.NotSupported(path.Child("whenUnsatisfiable"), constraint.Str("whenUnsatisfiable"), "DoNotSchedule", "ScheduleAnyway");
            if (!pairs.Add((constraint.Str("topologyKey"), constraint.Str("whenUnsatisfiable"))))
                errors.Duplicate(path.Child("{topologyKey, whenUnsatisfiable}"), $"{{{constraint.Str("topologyKey")}, {constraint.Str("whenUnsatisfiable")}}}");
            if (constraint.LongOrNull("minDomains") is { } domains)
            {
                if (domains <= 0)
                    errors.Invalid(path.Child("minDomains"), domains, "must be greater than zero");
                else if (constraint.Str("whenUnsatisfiable") != "DoNotSchedule")
                    errors.Invalid(path.Child("minDomains"), domains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway");
            }
            Checks.OneOf(errors, constraint, path, "nodeAffinityPolicy", isRequired: false, "Ignore", "Honor");
            Checks.OneOf(errors, constraint, path, "nodeTaintsPolicy", isRequired: false, "Ignore", "Honor");
            Checks.LabelSelector(errors, constraint.Obj("labelSelector"), path.Child("labelSelector"));
        }
    }
}
