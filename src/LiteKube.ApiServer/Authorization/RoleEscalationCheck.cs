using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>
/// Nobody grants by role or binding what they do not hold themselves
/// (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping),
/// unless they may escalate (roles) or bind (bindings).
/// </summary>
public sealed class RoleEscalationCheck(IAuthorizer authorizer, RbacAuthorizer rbac) : IAdmissionPlugin
{
    public string Name => "RoleEscalationCheck";

    public bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    public ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        if (attributes.Resource.Resource.Group != CoreResources.RbacGroup || attributes.Object is not { } value || attributes.User.IsInGroup(UserInfo.MastersGroup))
            return ValueTask.CompletedTask;
        if (attributes.Resource.Kind is "Role" or "ClusterRole")
            CheckRole(attributes, value);
        else if (attributes.Resource.Kind is "RoleBinding" or "ClusterRoleBinding")
            CheckBinding(attributes, value);
        return ValueTask.CompletedTask;
    }

    private void CheckRole(AdmissionAttributes attributes, JsonObject role)
    {
        if (attributes.OldObject is { } old && old["rules"].SemanticallySameAs(role["rules"]) && old["aggregationRule"].SemanticallySameAs(role["aggregationRule"]))
            return;
        if (IsAllowed(attributes, "escalate", attributes.Resource.GroupResource, role.MetaNamespace(), role.MetaName()))
            return;
        if (role.Has("aggregationRule") && RuleCoverage.Missing(rbac.RulesFor(attributes.User, "", []), [new(["*"], ["*"], ["*"], [], []), new(["*"], [], [], [], ["*"])]).Count > 0)
            throw ApiException.Forbidden(attributes.Resource.GroupResource, role.MetaName(), "must have cluster-admin privileges to use the aggregationRule");
        ConfirmNoEscalation(attributes, role, PolicyRule.ListFrom(role));
    }

    private void CheckBinding(AdmissionAttributes attributes, JsonObject binding)
    {
        if (attributes.OldObject is { } old && old["roleRef"].SameAs(binding["roleRef"]) && old["subjects"].SemanticallySameAs(binding["subjects"]))
            return;
        var reference = binding.Obj("roleRef");
        var (ns, kind) = (binding.MetaNamespace(), reference.Str("kind"));
        var role = new RoleReference(kind, kind == "Role" ? ns : "", reference.Str("name"));
        if (IsAllowed(attributes, "bind", role.Resource, ns, role.Name))
            return;
        var rules = rbac.RulesOf(role) ?? throw ApiException.NotFound(role.Resource, role.Name);
        ConfirmNoEscalation(attributes, binding, rules);
    }

    private bool IsAllowed(AdmissionAttributes attributes, string verb, GroupResource resource, string ns, string name) =>
        authorizer.Authorize(attributes.User, new() { Verb = verb, Path = "", IsResourceRequest = true, Group = resource.Group, Version = "v1", Resource = resource.Resource, Namespace = ns, Name = name }).Allowed;

    private void ConfirmNoEscalation(AdmissionAttributes attributes, JsonObject value, IEnumerable<PolicyRule> wanted)
    {
        var problems = new List<string>();
        var missing = RuleCoverage.Missing(rbac.RulesFor(attributes.User, value.MetaNamespace(), problems), wanted);
        if (missing.Count == 0)
            return;
        var user = attributes.User;
        var lines = RuleCoverage.Compact(missing).Select(r => r.ToString()).Distinct().Order(StringComparer.Ordinal);
        var message = $"user \"{user.Name}\" (groups={PolicyRule.GoList(user.Groups)}) is attempting to grant RBAC permissions not currently held:\n{string.Join('\n', lines)}";
        if (problems.Count > 0)
            message += $"; resolution errors: [{string.Join(", ", problems)}]";
        throw ApiException.Forbidden(attributes.Resource.GroupResource, value.MetaName(), message);
    }
}
