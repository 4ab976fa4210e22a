using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Judges a policy or binding that is written; the old one is null on create.</summary>
internal delegate void PolicyCheck(JsonObject value, JsonObject? old, UserInfo user, FieldErrors errors);

/// <summary>A policy or binding: validated, and heard of by admission before its writer gets the answer.</summary>
/// <param name="written">Called after each write.</param>
internal sealed class PolicyStrategy(ResourceInfo resource, PolicyCheck check, Action written) : DefaultStrategy(resource)
{
    public override bool AllowsUnconditionalUpdate => false;

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => check(value, null, context.User, errors);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status") ValidateStatus(value, errors);
        else check(value, old, context.User, errors);
    }

    public override void AfterWrite(JsonObject? value, JsonObject? old) => written();

    private static void ValidateStatus(JsonObject value, FieldErrors errors)
    {
        var path = FieldPath.Of("status").Child("typeChecking").Child("expressionWarnings");
        var index = 0;
        foreach (var warning in value.Obj("status", "typeChecking").Items("expressionWarnings"))
        {
            var place = path.Index(index++);
            if (warning.Str("warning").Length == 0) errors.Required(place.Child("warning"), "");
            if (string.IsNullOrWhiteSpace(warning.Str("fieldRef"))) errors.Required(place.Child("fieldRef"), "");
        }
    }
}

/// <summary>Everything of policies that the server puts together.</summary>
internal sealed class PolicyParts
{
    private readonly PolicySource<ValidatingPolicy> _validating;
    private readonly PolicySource<MutatingPolicy> _mutating;

    public PolicyParts(IObjectReader objects)
    {
        _validating = new(objects, PolicyResources.ValidatingPolicies, PolicyResources.ValidatingBindings, value => new ValidatingPolicy(value));
        _mutating = new(objects, PolicyResources.MutatingPolicies, PolicyResources.MutatingBindings, value => new MutatingPolicy(value));
    }

    public void Register(StrategyRegistry strategies, PolicyAuthorization authorization)
    {
        Add(PolicyResources.ValidatingPolicies, ValidatingPolicyRules.Validate, authorization.CheckPolicy, _validating.PolicyWritten);
        Add(PolicyResources.ValidatingBindings, PolicyRules.ValidatingBinding, (v, o, u, e) => authorization.CheckBinding(PolicyResources.ValidatingPolicies, v, o, u, e), _validating.BindingWritten);
        Add(PolicyResources.MutatingPolicies, MutatingPolicyRules.Validate, authorization.CheckPolicy, _mutating.PolicyWritten);
        Add(PolicyResources.MutatingBindings, PolicyRules.Binding, (v, o, u, e) => authorization.CheckBinding(PolicyResources.MutatingPolicies, v, o, u, e), _mutating.BindingWritten);

        void Add(GroupResource resource, Action<FieldErrors, JsonObject, JsonObject?> validate, PolicyCheck authorize, Action written) =>
            strategies.Register(resource.Group, resource.Resource, info => new PolicyStrategy(info, (value, old, user, errors) =>
            {
                validate(errors, value, old);
                // Only what is valid is asked about.
                if (errors.Count == 0) authorize(value, old, user, errors);
            }, written));
    }

    public IAdmissionPlugin Mutating(PolicyTargets targets) => new MutatingAdmissionPolicies(_mutating, targets);

    public IAdmissionPlugin Validating(PolicyTargets targets) => new ValidatingAdmissionPolicies(_validating, targets);
}
