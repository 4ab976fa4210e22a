using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;

namespace LiteKube.ApiServer.Tests.Authorization;

public sealed class RbacAuthorizerTests
{
    private static readonly UserInfo Jane = new("jane", ["dev", UserInfo.AuthenticatedGroup]);

    private readonly InMemoryObjects _objects = new();
    private readonly RbacAuthorizer _rbac;

    public RbacAuthorizerTests() => _rbac = new RbacAuthorizer(_objects);

    [Fact]
    public void A_role_binding_grants_in_its_namespace_only()
    {
        PutRole("Role", "dev", "reader", """[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods","pods/log"]}]""");
        PutBinding("RoleBinding", "dev", "b", "Role", "reader", """{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"}""");
        Assert.True(Can(Jane, "get", "", "pods", "dev"));
        Assert.True(Can(Jane, "get", "", "pods", "dev", subresource: "log"));
        Assert.False(Can(Jane, "get", "", "pods", "dev", subresource: "exec"));
        Assert.False(Can(Jane, "delete", "", "pods", "dev"));
        Assert.False(Can(Jane, "get", "apps", "pods", "dev"));
        Assert.False(Can(Jane, "get", "", "pods", "prod"));
        Assert.False(Can(Jane, "list", "", "pods", ""));
    }

    [Fact]
    public void A_decision_changes_with_the_binding_the_role_and_its_removal()
    {
        Assert.False(Can(Jane, "get", "", "pods", "dev"));
        PutBinding("ClusterRoleBinding", "", "b", "ClusterRole", "reader", """{"kind":"Group","name":"dev"}""");
        Assert.Equal("RBAC: clusterrole.rbac.authorization.k8s.io \"reader\" not found", Decide(Jane, "get", "", "pods", "dev").Reason);
        PutRole("ClusterRole", "", "reader", """[{"verbs":["get"],"apiGroups":["*"],"resources":["*"]}]""");
        Assert.True(Can(Jane, "get", "", "pods", "dev"));
        Assert.Equal("RBAC: allowed by ClusterRoleBinding \"b\" of ClusterRole \"reader\" to Group \"dev\"", Decide(Jane, "get", "", "pods", "dev").Reason);
        _objects.Delete(new("rbac.authorization.k8s.io", "clusterrolebindings"), "", "b");
        Assert.False(Can(Jane, "get", "", "pods", "dev"));
    }

    [Fact]
    public void Names_subresource_wildcards_and_paths_are_judged_as_written()
    {
        PutRole("ClusterRole", "", "mixed", """[{"verbs":["update"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":["one"]},{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]},{"verbs":["get"],"nonResourceURLs":["/healthz","/logs/*"]}]""");
        PutBinding("ClusterRoleBinding", "", "b", "ClusterRole", "mixed", """{"kind":"ServiceAccount","name":"bot","namespace":"ci"}""");
        var bot = new UserInfo("system:serviceaccount:ci:bot", ["system:serviceaccounts"]);
        Assert.True(Can(bot, "update", "", "configmaps", "x", name: "one"));
        Assert.False(Can(bot, "update", "", "configmaps", "x", name: "two"));
        Assert.True(Can(bot, "get", "apps", "deployments", "x", subresource: "scale"));
        Assert.False(Can(bot, "get", "apps", "deployments", "x"));
        Assert.True(_rbac.Authorize(bot, new() { Verb = "get", Path = "/logs/kubelet" }).Allowed);
        Assert.False(_rbac.Authorize(bot, new() { Verb = "get", Path = "/healthz/x" }).Allowed);
        Assert.False(_rbac.Authorize(bot, new() { Verb = "post", Path = "/healthz" }).Allowed);
    }

    [Fact]
    public void An_aggregated_role_gains_and_loses_the_rules_of_its_parts_at_once()
    {
        _objects.Put("""{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"sum"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"part":"yes"}}]},"rules":[]}""");
        PutBinding("ClusterRoleBinding", "", "b", "ClusterRole", "sum", """{"kind":"User","name":"jane"}""");
        Assert.False(Can(Jane, "get", "x.io", "things", "dev"));
        _objects.Put("""{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"things","labels":{"part":"yes"}},"rules":[{"verbs":["get"],"apiGroups":["x.io"],"resources":["things"]}]}""");
        Assert.True(Can(Jane, "get", "x.io", "things", "dev"));
        _objects.Delete(new("rbac.authorization.k8s.io", "clusterroles"), "", "things");
        Assert.False(Can(Jane, "get", "x.io", "things", "dev"));
    }

    [Fact]
    public void A_refusal_reads_as_kubectl_prints_it()
    {
        Assert.Equal("pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"",
            ForbiddenStatus.For(Jane, Request("list", "", "pods", "default")).Message);
        Assert.Equal("deployments.apps \"web\" is forbidden: User \"jane\" cannot get resource \"deployments/scale\" in API group \"apps\" in the namespace \"default\": because",
            ForbiddenStatus.For(Jane, Request("get", "apps", "deployments", "default", "scale", "web"), "because").Message);
        Assert.Equal("nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group \"\" at the cluster scope", ForbiddenStatus.For(Jane, Request("list", "", "nodes", "")).Message);
        Assert.Equal("forbidden: User \"jane\" cannot get path \"/metrics\"", ForbiddenStatus.For(Jane, new() { Verb = "get", Path = "/metrics" }).Message);
    }

    private bool Can(UserInfo user, string verb, string group, string resource, string ns, string subresource = "", string name = "") =>
        Decide(user, verb, group, resource, ns, subresource, name).Allowed;

    private AuthorizationDecision Decide(UserInfo user, string verb, string group, string resource, string ns, string subresource = "", string name = "") =>
        _rbac.Authorize(user, Request(verb, group, resource, ns, subresource, name));

    internal static RequestInfo Request(string verb, string group, string resource, string ns, string subresource = "", string name = "", string fieldSelector = "") => new()
    {
        Verb = verb,
        Path = "",
        IsResourceRequest = true,
        Group = group,
        Version = "v1",
        Resource = resource,
        Subresource = subresource,
        Namespace = ns,
        Name = name,
        FieldSelector = fieldSelector,
    };

    private void PutRole(string kind, string ns, string name, string rules) =>
        _objects.Put($$$"""{"kind":"{{{kind}}}","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}"},"rules":{{{rules}}}}""");

    private void PutBinding(string kind, string ns, string name, string roleKind, string role, string subject) =>
        _objects.Put($$$"""{"kind":"{{{kind}}}","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}"},"subjects":[{{{subject}}}],"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{{roleKind}}}","name":"{{{role}}}"}}""");
}
