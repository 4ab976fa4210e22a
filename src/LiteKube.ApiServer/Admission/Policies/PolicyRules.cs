using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Validates what both kinds of policies have in common, and their bindings.</summary>
internal static class PolicyRules
{
    private static readonly string[] FailurePolicies = ["Fail", "Ignore"];
    private static readonly string[] MatchPolicies = ["Equivalent", "Exact"];

    /// <summary>failurePolicy, paramKind, matchConstraints, matchConditions, variables.</summary>
    public static void Common(JsonObject spec, JsonObject? old, PolicyCompiler compiler, FieldPath path, FieldErrors errors)
    {
        Checks.OneOf(errors, spec, path, "failurePolicy", true, FailurePolicies);
        if (spec.Obj("paramKind") is { } kind) ParamKind(kind, path.Child("paramKind"), errors);
        if (spec.Obj("matchConstraints") is { } constraints)
        {
            MatchResources(constraints, path.Child("matchConstraints"), errors);
            if (constraints.Arr("resourceRules") is not { Count: > 0 }) errors.Required(path.Child("matchConstraints").Child("resourceRules"), "");
        }
        else
        {
            errors.Required(path.Child("matchConstraints"), "");
        }
        // What was accepted once is not judged again by rules that came later.
        if (old is null || !spec["paramKind"].SemanticallySameAs(old["paramKind"]) || !spec["matchConditions"].SemanticallySameAs(old["matchConditions"]))
            MatchConditions.Validate(spec, path.Child("matchConditions"), compiler.Conditions, errors);
        var index = 0;
        foreach (var variable in spec.Items("variables")) Variable(variable, compiler, path.Child("variables").Index(index++), errors);
    }

    private static void Variable(JsonObject variable, PolicyCompiler compiler, FieldPath path, FieldErrors errors)
    {
        var (name, expression) = (variable.Str("name"), variable.Str("expression"));
        if (string.IsNullOrWhiteSpace(name)) errors.Required(path.Child("name"), "name is not specified");
        else if (!IsIdentifier(name)) errors.Invalid(path.Child("name"), name, "name is not a valid CEL identifier");
        if (string.IsNullOrWhiteSpace(expression)) errors.Required(path.Child("expression"), "expression is not specified");
        else Compiled(compiler.Variable(name, expression), path.Child("expression"), errors);
    }

    public static void Compiled(PolicyExpression expression, FieldPath path, FieldErrors errors)
    {
        if (expression.Complaint is { } complaint) errors.Invalid(path, expression.Text, complaint);
    }

    private static bool IsIdentifier(string name) =>
        (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        && name is not ("true" or "false" or "null" or "in" or "as" or "break" or "const" or "continue" or "else" or "for" or "function" or "if" or "import" or "let" or "loop" or "package" or "namespace" or "return" or "var" or "void" or "while");

    private static void ParamKind(JsonObject kind, FieldPath path, FieldErrors errors)
    {
        var (apiVersion, name) = (kind.Str("apiVersion"), kind.Str("kind"));
        if (apiVersion.Length == 0) errors.Required(path.Child("apiVersion"), "");
        else GroupVersion(apiVersion, path.Child("apiVersion"), errors);
        if (name.Length == 0) errors.Required(path.Child("kind"), "");
        else if (NameFormats.Dns1035Label(name.ToLowerInvariant()) is { Count: > 0 } complaints) errors.Invalid(path.Child("kind"), name, "may have mixed case, but should otherwise match: " + string.Join(',', complaints));
    }

    private static void GroupVersion(string text, FieldPath path, FieldErrors errors)
    {
        var parts = text == "/" ? [""] : text.Split('/');
        if (parts.Length > 2)
        {
            errors.Invalid(path, text, $"unexpected GroupVersion string: {text}");
            return;
        }
        var (group, version) = parts.Length == 2 ? (parts[0], parts[1]) : ("", parts[0]);
        if (group.Length > 0 && NameFormats.Dns1123Subdomain(group) is { Count: > 0 } complaints) errors.Invalid(path, group, string.Join(',', complaints));
        if (version.Length == 0) errors.Invalid(path, text, "version must be specified");
        else if (NameFormats.Dns1035Label(version) is { Count: > 0 } bad) errors.Invalid(path, version, string.Join(',', bad));
    }

    private static void MatchResources(JsonObject resources, FieldPath path, FieldErrors errors)
    {
        Checks.OneOf(errors, resources, path, "matchPolicy", true, MatchPolicies);
        foreach (var selector in (ReadOnlySpan<string>)["namespaceSelector", "objectSelector"])
        {
            if (resources.Obj(selector) is { } value) Checks.LabelSelector(errors, value, path.Child(selector));
            else errors.Required(path.Child(selector), "");
        }
        foreach (var field in (ReadOnlySpan<string>)["resourceRules", "excludeResourceRules"])
        {
            var index = 0;
            foreach (var rule in resources.Items(field)) NamedRule(rule, path.Child(field).Index(index++), errors);
        }
    }

    private static void NamedRule(JsonObject rule, FieldPath path, FieldErrors errors)
    {
        var names = rule.Strings("resourceNames").ToList();
        for (var i = 0; i < names.Count; i++)
        {
            var place = path.Child("resourceNames").Index(i);
            PathSegment(names[i], place, errors);
            if (names.IndexOf(names[i]) < i) errors.Duplicate(place, names[i]);
        }
        MatchRules.Validate(rule, path, errors);
    }

    private static void PathSegment(string name, FieldPath path, FieldErrors errors)
    {
        if (name is "." or "..") errors.Invalid(path, name, $"may not be '{name}'");
        foreach (var illegal in (ReadOnlySpan<string>)["/", "%"])
        {
            if (name.Contains(illegal, StringComparison.Ordinal)) errors.Invalid(path, name, $"may not contain '{illegal}'");
        }
    }

    /// <summary>A binding of either kind.</summary>
    public static void Binding(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        var path = FieldPath.Of("spec");
        var name = spec.Str("policyName");
        if (name.Length == 0) errors.Required(path.Child("policyName"), "");
        else
            foreach (var complaint in NameFormats.Dns1123Subdomain(name)) errors.Invalid(path.Child("policyName"), name, complaint);
        if (spec.Obj("paramRef") is { } reference) ParamRef(reference, path.Child("paramRef"), errors);
        if (spec.Obj("matchResources") is { } resources) MatchResources(resources, path.Child("matchResources"), errors);
    }

    /// <summary>A ValidatingAdmissionPolicyBinding.</summary>
    public static void ValidatingBinding(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Binding(errors, value, old);
        var path = FieldPath.Of("spec").Child("validationActions");
        var actions = value.Obj("spec").Strings("validationActions").ToList();
        for (var i = 0; i < actions.Count; i++)
        {
            if (actions[i] is not ("Deny" or "Warn" or "Audit")) errors.NotSupported(path.Index(i), actions[i], "Audit", "Deny", "Warn");
            if (actions.IndexOf(actions[i]) < i) errors.Duplicate(path.Index(i), actions[i]);
        }
        if (actions.Contains("Deny") && actions.Contains("Warn"))
            errors.Invalid(path, new JsonArray([.. actions.Select(a => (JsonNode)a)]), "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
        if (actions.Count == 0) errors.Required(path, "at least one validation action is required");
    }

    private static void ParamRef(JsonObject reference, FieldPath path, FieldErrors errors)
    {
        var name = reference.Str("name");
        var selector = reference.Obj("selector");
        if (name.Length > 0)
        {
            PathSegment(name, path.Child("name"), errors);
            if (selector is not null) errors.Forbidden(path.Child("name"), "name and selector are mutually exclusive");
        }
        if (selector is not null)
        {
            Checks.LabelSelector(errors, selector, path.Child("selector"));
            if (name.Length > 0) errors.Forbidden(path.Child("selector"), "name and selector are mutually exclusive");
        }
        if (name.Length == 0 && selector is null) errors.Required(path, "one of name or selector must be specified");
        Checks.OneOf(errors, reference, path, "parameterNotFoundAction", true, "Allow", "Deny");
    }
}

/// <summary>Validates ValidatingAdmissionPolicies.</summary>
internal static class ValidatingPolicyRules
{
    private const int MaxAuditAnnotations = 20;
    private const int MaxValueExpressionBytes = 5 * 1024;
    private static readonly string[] Reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        var path = FieldPath.Of("spec");
        var compiler = new PolicyCompiler(spec);
        PolicyRules.Common(spec, old.Obj("spec"), compiler, path, errors);
        var validations = spec.Items("validations").ToList();
        var annotations = spec.Items("auditAnnotations").ToList();
        if (validations.Count == 0 && annotations.Count == 0)
        {
            errors.Required(path.Child("validations"), "validations or auditAnnotations must contain at least one item");
            errors.Required(path.Child("auditAnnotations"), "validations or auditAnnotations must contain at least one item");
            return;
        }
        for (var i = 0; i < validations.Count; i++) Validation(validations[i], compiler, path.Child("validations").Index(i), errors);
        if (annotations.Count > MaxAuditAnnotations) errors.Invalid(path.Child("auditAnnotations"), spec["auditAnnotations"], $"must not have more than {MaxAuditAnnotations} auditAnnotations");
        var keys = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < annotations.Count; i++)
        {
            var place = path.Child("auditAnnotations").Index(i);
            Annotation(value.MetaName(), annotations[i], compiler, place, errors);
            if (!keys.Add(annotations[i].Str("key"))) errors.Duplicate(place.Child("key"), annotations[i].Str("key"));
        }
    }

    private static void Validation(JsonObject validation, PolicyCompiler compiler, FieldPath path, FieldErrors errors)
    {
        var (expression, message, messageExpression) = (validation.Str("expression"), validation.Str("message"), validation.Str("messageExpression"));
        if (string.IsNullOrWhiteSpace(expression)) errors.Required(path.Child("expression"), "expression is not specified");
        else PolicyRules.Compiled(compiler.Validation(expression), path.Child("expression"), errors);
        if (messageExpression.Length > 0 && string.IsNullOrWhiteSpace(messageExpression)) errors.Invalid(path.Child("messageExpression"), messageExpression, "must be non-empty if specified");
        else if (messageExpression.Length > 0) PolicyRules.Compiled(compiler.Message(messageExpression), path.Child("messageExpression"), errors);
        if (message.Length > 0 && string.IsNullOrWhiteSpace(message)) errors.Invalid(path.Child("message"), message, "message must be non-empty if specified");
        else if (message.Trim().AsSpan().IndexOfAny('\n', '\r') >= 0) errors.Invalid(path.Child("message"), message, "message must not contain line breaks");
        if (validation.StrOrNull("reason") is { } reason && !Reasons.Contains(reason)) errors.NotSupported(path.Child("reason"), reason, Reasons);
    }

    private static void Annotation(string policy, JsonObject annotation, PolicyCompiler compiler, FieldPath path, FieldErrors errors)
    {
        var key = annotation.Str("key");
        if (policy.Length == 0) errors.Invalid(path.Child("key"), key, "requires metadata.name be non-empty");
        else
            foreach (var complaint in NameFormats.LabelKey($"{policy}/{key}")) errors.Invalid(path.Child("key"), $"{policy}/{key}", complaint);
        var place = path.Child("valueExpression");
        var expression = annotation.Str("valueExpression").Trim();
        if (expression.Length == 0) errors.Required(place, "valueExpression is not specified");
        else if (Encoding.UTF8.GetByteCount(expression) > MaxValueExpressionBytes) errors.Required(place, $"must not exceed {MaxValueExpressionBytes} bytes in length");
        else if (compiler.AuditAnnotation(expression).Complaint is { } complaint) errors.Invalid(place, annotation.Str("valueExpression"), complaint);
    }
}

/// <summary>Validates MutatingAdmissionPolicies.</summary>
internal static class MutatingPolicyRules
{
    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        var path = FieldPath.Of("spec");
        var compiler = new PolicyCompiler(spec);
        PolicyRules.Common(spec, old.Obj("spec"), compiler, path, errors);
        var mutations = spec.Items("mutations").ToList();
        if (mutations.Count == 0) errors.Required(path.Child("mutations"), "mutations must contain at least one item");
        for (var i = 0; i < mutations.Count; i++) Mutation(mutations[i], compiler, path.Child("mutations").Index(i), errors);
        Checks.OneOf(errors, spec, path, "reinvocationPolicy", true, "IfNeeded", "Never");
    }

    private static void Mutation(JsonObject mutation, PolicyCompiler compiler, FieldPath path, FieldErrors errors)
    {
        var type = mutation.Str("patchType");
        Checks.OneOf(errors, mutation, path, "patchType", true, "ApplyConfiguration", "JSONPatch");
        if (type is not ("JSONPatch" or "ApplyConfiguration")) return;
        var (field, other) = type == "JSONPatch" ? ("jsonPatch", "applyConfiguration") : ("applyConfiguration", "jsonPatch");
        if (mutation.Obj(field) is not { } patch) errors.Required(path.Child(field), $"must be specified when patchType is {type}");
        else if (patch.Str("expression").Trim() is not { Length: > 0 } expression) errors.Required(path.Child(field).Child("expression"), "expression is not specified");
        else PolicyRules.Compiled(type == "JSONPatch" ? compiler.JsonPatch(expression) : compiler.ApplyConfiguration(expression), path.Child(field).Child("expression"), errors);
        if (mutation.Has(other)) errors.Invalid(path.Child(other), $"{{{other}}}", $"must not be specified when patchType is {type}");
    }
}
