using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>What both kinds of policies are: which requests they are about, and the kind of their parameters.</summary>
internal abstract class AdmissionPolicy
{
    protected AdmissionPolicy(JsonObject value)
    {
        Name = value.MetaName();
        var spec = value.Obj("spec") ?? [];
        Compiler = new PolicyCompiler(spec);
        Matcher = RequestMatcher.OfPolicy(spec.Obj("matchConstraints") ?? []);
        Conditions = MatchConditions.Read(spec, Compiler.Conditions);
        ParamKind = spec.Obj("paramKind") is { } kind ? GroupVersionKindOf(kind) : null;
        IgnoresFailures = spec.Str("failurePolicy") == "Ignore";
        foreach (var variable in spec.Items("variables")) Compiler.Variable(variable.Str("name"), variable.Str("expression"));
    }

    public string Name { get; }
    public RequestMatcher Matcher { get; }
    public MatchConditions Conditions { get; }
    public GroupVersionKind? ParamKind { get; }

    /// <summary>What goes wrong lets the request pass.</summary>
    public bool IgnoresFailures { get; }
    public IReadOnlyList<PolicyVariable> Variables => Compiler.Variables;
    protected PolicyCompiler Compiler { get; }

    private static GroupVersionKind GroupVersionKindOf(JsonObject kind)
    {
        var (group, version) = GroupVersion.Parse(kind.Str("apiVersion"));
        return new(group, version, kind.Str("kind"));
    }
}

/// <summary>A binding of either kind: where a policy applies, and by which parameters.</summary>
internal sealed class PolicyBinding(JsonObject value)
{
    public string Name { get; } = value.MetaName();
    public string PolicyName { get; } = value.Obj("spec").Str("policyName");

    /// <summary>Null: wherever the policy matches.</summary>
    public RequestMatcher? Matcher { get; } = value.Obj("spec", "matchResources") is { } resources ? RequestMatcher.OfPolicy(resources) : null;
    public JsonObject? ParamRef { get; } = value.Obj("spec", "paramRef");
    public IReadOnlyList<string> Actions { get; } = [.. value.Obj("spec").Strings("validationActions")];
}

/// <summary>A ValidatingAdmissionPolicy (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/, KEP-3488).</summary>
internal sealed class ValidatingPolicy : AdmissionPolicy
{
    public ValidatingPolicy(JsonObject value) : base(value)
    {
        var spec = value.Obj("spec");
        Validations = [.. spec.Items("validations").Select(v => new PolicyValidation(
            Compiler.Validation(v.Str("expression")), v.Str("message").Trim(), v.Str("messageExpression") is { Length: > 0 } message ? Compiler.Message(message) : null, v.Str("reason")))];
        AuditAnnotations = [.. spec.Items("auditAnnotations").Select(a => (a.Str("key"), Compiler.AuditAnnotation(a.Str("valueExpression"))))];
    }

    public IReadOnlyList<PolicyValidation> Validations { get; }
    public IReadOnlyList<(string Key, PolicyExpression Value)> AuditAnnotations { get; }
}

/// <summary>One of spec.validations.</summary>
internal sealed record PolicyValidation(PolicyExpression Expression, string Message, PolicyExpression? MessageExpression, string Reason);

/// <summary>A MutatingAdmissionPolicy (https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/, KEP-3962).</summary>
internal sealed class MutatingPolicy : AdmissionPolicy
{
    public MutatingPolicy(JsonObject value) : base(value)
    {
        var spec = value.Obj("spec");
        IsReinvoked = spec.Str("reinvocationPolicy") == "IfNeeded";
        Mutations = [.. spec.Items("mutations").Select(m => m.Str("patchType") == "JSONPatch"
            ? new PolicyMutation(true, Compiler.JsonPatch(m.Obj("jsonPatch").Str("expression")))
            : new PolicyMutation(false, Compiler.ApplyConfiguration(m.Obj("applyConfiguration").Str("expression"))))];
    }

    /// <summary>It may run again when others change the object after it.</summary>
    public bool IsReinvoked { get; }
    public IReadOnlyList<PolicyMutation> Mutations { get; }
}

/// <summary>One of spec.mutations.</summary>
internal sealed record PolicyMutation(bool IsJsonPatch, PolicyExpression Expression);

/// <summary>A policy with the bindings that make it count.</summary>
internal sealed record PolicyHook<TPolicy>(TPolicy Policy, IReadOnlyList<PolicyBinding> Bindings)
    where TPolicy : AdmissionPolicy;
