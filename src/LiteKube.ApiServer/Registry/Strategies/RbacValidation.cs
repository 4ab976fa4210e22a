using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Roles and bindings.</summary>
internal static class RbacValidation
{
    public static void Role(FieldErrors errors, JsonObject value, JsonObject? old) => Rules(errors, value);

    public static void ClusterRole(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Rules(errors, value);
        if (value.Obj("aggregationRule") is not { } aggregation)
            return;
        var field = FieldPath.Of("aggregationRule").Child("clusterRoleSelectors");
        if (!aggregation.Items("clusterRoleSelectors").Any())
            errors.Required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil");
        var index = 0;
        foreach (var selector in aggregation.Items("clusterRoleSelectors"))
            Checks.LabelSelector(errors, selector, field.Index(index++));
    }

    public static void Binding(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (reference, path, isNamespaced) = (value.Obj("roleRef"), FieldPath.Of("roleRef"), value.Str("kind") != "ClusterRoleBinding");
        if (reference.Str("apiGroup") != CoreResources.RbacGroup)
            errors.NotSupported(path.Child("apiGroup"), reference.Str("apiGroup"), CoreResources.RbacGroup);
        if (isNamespaced && reference.Str("kind") is not ("Role" or "ClusterRole"))
            errors.NotSupported(path.Child("kind"), reference.Str("kind"), "Role", "ClusterRole");
        else if (!isNamespaced && reference.Str("kind") is not "ClusterRole")
            errors.NotSupported(path.Child("kind"), reference.Str("kind"), "ClusterRole");
        Checks.RequiredName(errors, reference, path, "name", NameChecks.PathSegment);
        var index = 0;
        foreach (var subject in value.Items("subjects"))
            Subject(errors, subject, FieldPath.Of("subjects").Index(index++), isNamespaced);
        if (old is not null && !value["roleRef"].SameAs(old["roleRef"]))
            errors.Invalid(path, value["roleRef"], "cannot change roleRef");
    }

    private static void Rules(FieldErrors errors, JsonObject role)
    {
        var isNamespaced = role.Str("kind") == "Role";
        var index = 0;
        foreach (var rule in role.Items("rules"))
        {
            var path = FieldPath.Of("rules").Index(index++);
            if (!rule.Strings("verbs").Any())
                errors.Required(path.Child("verbs"), "verbs must contain at least one value");
            if (rule.Strings("nonResourceURLs").Any())
            {
                if (isNamespaced)
                    errors.Invalid(path.Child("nonResourceURLs"), rule["nonResourceURLs"], "namespaced rules cannot apply to non-resource URLs");
                if (rule.Strings("apiGroups").Any() || rule.Strings("resources").Any() || rule.Strings("resourceNames").Any())
                    errors.Invalid(path.Child("nonResourceURLs"), rule["nonResourceURLs"], "rules cannot apply to both regular resources and non-resource URLs");
                continue;
            }
            if (!rule.Strings("apiGroups").Any())
                errors.Required(path.Child("apiGroups"), "resource rules must supply at least one api group");
            if (!rule.Strings("resources").Any())
                errors.Required(path.Child("resources"), "resource rules must supply at least one resource");
        }
    }

    private static void Subject(FieldErrors errors, JsonObject subject, FieldPath field, bool isNamespaced)
    {
        Checks.Required(errors, subject, field, "name");
        switch (subject.Str("kind"))
        {
            case "ServiceAccount":
                if (subject.Str("name").Length > 0)
                    Checks.Name(errors, field.Child("name"), subject.Str("name"), NameChecks.DnsSubdomain);
                if (subject.Str("apiGroup").Length > 0)
                    errors.NotSupported(field.Child("apiGroup"), subject.Str("apiGroup"), "");
                if (!isNamespaced)
                    Checks.Required(errors, subject, field, "namespace");
                break;
            case "User" or "Group":
                if (subject.Str("apiGroup") != CoreResources.RbacGroup)
                    errors.NotSupported(field.Child("apiGroup"), subject.Str("apiGroup"), CoreResources.RbacGroup);
                break;
            default:
                errors.NotSupported(field.Child("kind"), subject.Str("kind"), "ServiceAccount", "User", "Group");
                break;
        }
    }
}
