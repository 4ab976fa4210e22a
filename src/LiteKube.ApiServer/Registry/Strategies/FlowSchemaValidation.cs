using System.Text.Json.Nodes;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>FlowSchemas (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/flow-schema-v1/).</summary>
internal static class FlowSchemaValidation
{
    private const int MaxPrecedence = 10_000;

    private static readonly string[] Verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

    public static void Validate(FieldErrors errors, JsonObject value)
    {
        var (name, spec, field) = (value.MetaName(), value.Obj("spec") ?? [], FieldPath.Of("spec"));
        Spec(errors, name, spec, field);
        if (BootstrapConfiguration.MandatorySchemas.FirstOrDefault(s => s.MetaName() == name) is { } mandatory && !spec.SemanticallySameAs(mandatory["spec"]))
            errors.Invalid(field, spec, $"spec of '{name}' must equal the fixed value");
    }

    private static void Spec(FieldErrors errors, string name, JsonObject spec, FieldPath field)
    {
        var (precedence, at) = (spec.Long("matchingPrecedence"), field.Child("matchingPrecedence"));
        if (precedence <= 0) errors.Invalid(at, precedence, "must be a positive value");
        if (precedence > MaxPrecedence) errors.Invalid(at, precedence, $"must not be greater than {MaxPrecedence}");
        if (precedence == 1 && name != FlowSchema.Exempt) errors.Invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
        if (spec.Obj("distinguisherMethod") is { } method && method.Str("type") is not ("ByNamespace" or "ByUser"))
            errors.NotSupported(field.Child("distinguisherMethod").Child("type"), method.DeepClone(), "ByNamespace", "ByUser");
        var reference = field.Child("priorityLevelConfiguration").Child("name");
        if (spec.Obj("priorityLevelConfiguration").Str("name") is { Length: > 0 } level) Checks.Name(errors, reference, level, NameChecks.DnsSubdomain);
        else errors.Required(reference, "must reference a priority level");
        var index = 0;
        foreach (var rule in spec.Items("rules")) Rule(errors, rule, field.Child("rules").Index(index++));
    }

    private static void Rule(FieldErrors errors, JsonObject rule, FieldPath field)
    {
        var subjects = rule.Items("subjects").ToList();
        for (var i = 0; i < subjects.Count; i++) Subject(errors, subjects[i], field.Child("subjects").Index(i));
        if (subjects.Count == 0) errors.Required(field.Child("subjects"), "subjects must contain at least one value");
        var (resources, paths) = (rule.Items("resourceRules").ToList(), rule.Items("nonResourceRules").ToList());
        if (resources.Count == 0 && paths.Count == 0) errors.Required(field, "at least one of resourceRules and nonResourceRules has to be non-empty");
        for (var i = 0; i < resources.Count; i++) ResourceRule(errors, resources[i], field.Child("resourceRules").Index(i));
        for (var i = 0; i < paths.Count; i++) PathRule(errors, paths[i], field.Child("nonResourceRules").Index(i));
    }

    private static void Subject(FieldErrors errors, JsonObject subject, FieldPath field)
    {
        var kind = subject.Str("kind");
        if (kind is not ("Group" or "ServiceAccount" or "User"))
        {
            errors.NotSupported(field.Child("kind"), kind, "Group", "ServiceAccount", "User");
            return;
        }
        foreach (var other in (string[])["ServiceAccount", "User", "Group"])
        {
            var name = char.ToLowerInvariant(other[0]) + other[1..];
            var path = field.Child(name);
            if (other != kind)
            {
                if (subject.Has(name)) errors.Forbidden(path, $"{name} is forbidden when subject kind is not '{other}'");
            }
            else if (subject.Obj(name) is not { } given)
            {
                errors.Required(path, $"{name} is required when subject kind is '{other}'");
            }
            else if (Checks.Required(errors, given, path, "name") && kind == "ServiceAccount" && given.Str("name") != "*")
            {
                Checks.Name(errors, path.Child("name"), given.Str("name"), NameChecks.DnsSubdomain);
            }
        }
        if (kind == "ServiceAccount" && subject.Obj("serviceAccount") is { } account && Checks.Required(errors, account, field.Child("serviceAccount"), "namespace", "must specify namespace for service account"))
            Checks.Name(errors, field.Child("serviceAccount").Child("namespace"), account.Str("namespace"), NameChecks.DnsLabel);
    }

    private static void ResourceRule(FieldErrors errors, JsonObject rule, FieldPath field)
    {
        RuleVerbs(errors, rule, field);
        Members(errors, rule, field, "apiGroups", "resource rules must supply at least one api group", "api groups");
        Members(errors, rule, field, "resources", "resource rules must supply at least one resource", "resources");
        var namespaces = rule.Strings("namespaces").ToList();
        if (namespaces.Count == 0)
        {
            if (!rule.Bool("clusterScope")) errors.Required(field.Child("namespaces"), "resource rules that are not cluster scoped must supply at least one namespace");
        }
        else if (namespaces.Contains("*"))
        {
            if (namespaces.Count > 1) errors.Invalid(field.Child("namespaces"), rule["namespaces"]!.DeepClone(), "if '*' is present, must not specify other namespaces");
        }
        else
        {
            for (var i = 0; i < namespaces.Count; i++)
            {
                if (NameChecks.DnsLabel(namespaces[i]) is [var complaint, ..])
                    errors.Invalid(field.Child("namespaces").Index(i), namespaces[i], "each member of this list must be '*' or a DNS-1123 label; " + complaint);
            }
        }
    }

    private static void PathRule(FieldErrors errors, JsonObject rule, FieldPath field)
    {
        RuleVerbs(errors, rule, field);
        var paths = Members(errors, rule, field, "nonResourceURLs", "nonResourceURLs must contain at least one value", "non-resource URLs");
        if (paths.Contains("*")) return;
        for (var i = 0; i < paths.Count; i++)
        {
            if (ComplaintOfPath(paths[i]) is { } complaint) errors.Invalid(field.Child("nonResourceURLs").Index(i), paths[i], complaint);
        }
    }

    private static void RuleVerbs(FieldErrors errors, JsonObject rule, FieldPath field)
    {
        var verbs = Members(errors, rule, field, "verbs", "verbs must contain at least one value", "verbs");
        if (!verbs.Contains("*") && verbs.Exists(v => !Verbs.Contains(v))) errors.NotSupported(field.Child("verbs"), rule["verbs"]!.DeepClone(), Verbs);
    }

    /// <summary>A list that has something in it, and a star only alone.</summary>
    private static List<string> Members(FieldErrors errors, JsonObject rule, FieldPath field, string name, string whenEmpty, string what)
    {
        var members = rule.Strings(name).ToList();
        if (members.Count == 0) errors.Required(field.Child(name), whenEmpty);
        else if (members.Count > 1 && members.Contains("*")) errors.Invalid(field.Child(name), rule[name]!.DeepClone(), $"if '*' is present, must not specify other {what}");
        return members;
    }

    private static string? ComplaintOfPath(string path)
    {
        if (path.Length == 0) return "must not be empty";
        if (path == "/") return null;
        if (path[0] != '/') return "must start with slash";
        if (path.Contains(' ', StringComparison.Ordinal)) return "must not contain white-space";
        if (path.Contains("//", StringComparison.Ordinal)) return "must not contain double slash";
        var stars = path.Count(c => c == '*');
        return stars > 1 || (stars == 1 && !path.EndsWith("/*", StringComparison.Ordinal)) ? "wildcard can only do suffix matching" : null;
    }
}
