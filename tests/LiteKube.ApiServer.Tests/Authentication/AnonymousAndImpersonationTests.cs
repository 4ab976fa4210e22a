using System.Net;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authentication.Oidc;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Authentication;

public sealed class AnonymousAndImpersonationTests
{
    private const string Head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1";

    [Fact]
    public async Task Who_is_anonymous_may_be_bounded_to_paths_or_be_nobody()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("lk-anonymous-").FullName, "authentication.yaml");
        await File.WriteAllTextAsync(file, Head + "anonymous: {enabled: true, conditions: [{path: /livez}]}");
        await using (var server = await TestApiServer.StartAsync(configure: o => o with { Authentication = new AuthenticationOptions { ConfigFile = file } }))
        {
            using var nobody = server.ClientFor(null);
            Assert.Equal(HttpStatusCode.OK, (await server.SendAsync(HttpMethod.Get, "/livez", null, null, client: nobody)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await server.SendAsync(HttpMethod.Get, "/version", null, null, client: nobody)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/version")).StatusCode);
        }
        await using (var server = await TestApiServer.StartAsync(configure: o => o with { Authentication = new AuthenticationOptions { AnonymousAuth = false } }))
        {
            using var nobody = server.ClientFor(null);
            Assert.Equal(HttpStatusCode.Unauthorized, (await server.SendAsync(HttpMethod.Get, "/livez", null, null, client: nobody)).StatusCode);
        }
    }

    [Fact]
    public async Task A_constrained_impersonation_reaches_as_far_as_it_is_granted()
    {
        await using var server = await TestApiServer.StartAsync();
        await GrantAsync(server, "reader", "jane", """[{"verbs":["list","delete"],"apiGroups":[""],"resources":["configmaps"]}]""");
        await GrantAsync(server, "actor", "agent", """[{"verbs":["impersonate:user-info"],"apiGroups":["authentication.k8s.io"],"resources":["users"],"resourceNames":["jane"]},{"verbs":["impersonate-on:user-info:list"],"apiGroups":[""],"resources":["configmaps"]}]""");
        using var agent = As(server, "jane");
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/configmaps", null, null, client: agent)).StatusCode);
        var refused = await server.SendAsync(HttpMethod.Delete, "/api/v1/namespaces/default/configmaps/c", null, null, client: agent);
        Assert.Equal("configmaps \"c\" is forbidden: User \"agent\" cannot impersonate-on:user-info:delete resource \"configmaps\" in API group \"\" in the namespace \"default\"", (string?)refused.Json["message"]);
        using var climber = As(server, "jane", "system:masters");
        Assert.Equal("groups.authentication.k8s.io \"system:masters\" is forbidden: User \"agent\" cannot impersonate:user-info resource \"groups\" in API group \"authentication.k8s.io\" at the cluster scope: impersonating the system:masters group is not allowed",
            (string?)(await server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/configmaps", null, null, client: climber)).Json["message"]);
        using var another = As(server, "joe");
        Assert.Equal(HttpStatusCode.Forbidden, (await server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/configmaps", null, null, client: another)).StatusCode);
    }

    [Fact]
    public async Task The_old_way_to_impersonate_still_takes_uid_groups_and_extra()
    {
        await using var server = await TestApiServer.StartAsync();
        await GrantAsync(server, "old", "agent", """[{"verbs":["impersonate"],"apiGroups":[""],"resources":["users","groups","serviceaccounts"]},{"verbs":["impersonate"],"apiGroups":["authentication.k8s.io"],"resources":["uids","userextras/scopes"]}]""");
        using var agent = As(server, "jane", "dev");
        agent.DefaultRequestHeaders.Add("Impersonate-Uid", "u-1");
        agent.DefaultRequestHeaders.Add("Impersonate-Extra-Scopes", "view");
        var user = (await server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: agent)).Json["status"]!["userInfo"]!;
        Assert.Equal("""{"username":"jane","uid":"u-1","groups":["dev","system:authenticated"],"extra":{"scopes":["view"]}}""", user.ToJsonString());
        using var bot = As(server, "system:serviceaccount:default:bot");
        Assert.Equal("""["system:serviceaccounts","system:serviceaccounts:default","system:authenticated"]""",
            (await server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: bot)).Json["status"]!["userInfo"]!["groups"]!.ToJsonString());
        using var nameless = server.ClientFor(server.Server.Pki.IssueClientCertificate("agent", [], TimeSpan.FromHours(1)));
        nameless.DefaultRequestHeaders.Add("Impersonate-Group", "dev");
        Assert.Equal(HttpStatusCode.BadRequest, (await server.SendAsync(HttpMethod.Get, "/api", null, null, client: nameless)).StatusCode);
    }

    [Fact]
    public async Task The_roles_of_a_custom_resource_become_part_of_admin_edit_and_view()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var watch = await server.WatchAsync($"{Rbac}/clusterroles?watch=true&fieldSelector=metadata.name%3Dadmin");
        await server.PostAsync($"{Rbac}/clusterroles", """{"metadata":{"name":"foo-view","labels":{"rbac.authorization.k8s.io/aggregate-to-view":"true"}},"rules":[{"verbs":["get","list"],"apiGroups":["example.com"],"resources":["foos"]}]}""");
        await server.PostAsync($"{Rbac}/namespaces/default/rolebindings", """{"metadata":{"name":"joe"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"admin"},"subjects":[{"kind":"User","name":"joe","apiGroup":"rbac.authorization.k8s.io"}]}""");
        while (await watch.NextAsync() is { } next && next["object"]!["rules"]!.ToJsonString().Contains("example.com", StringComparison.Ordinal) == false) continue;
        var review = await server.PostAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", """{"spec":{"user":"joe","resourceAttributes":{"namespace":"default","verb":"list","group":"example.com","resource":"foos"}}}""");
        Assert.True((bool?)review.Json["status"]!["allowed"]);
    }

    [Fact]
    public async Task Escalate_and_bind_let_grant_what_one_does_not_hold()
    {
        await using var server = await TestApiServer.StartAsync();
        await GrantAsync(server, "granter", "agent", """[{"verbs":["create"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"]},{"verbs":["escalate"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles"]},{"verbs":["bind"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"],"resourceNames":["view"]}]""");
        using var agent = server.ClientFor(server.Server.Pki.IssueClientCertificate("agent", [], TimeSpan.FromHours(1)));
        Assert.Equal(HttpStatusCode.Created, (await server.SendAsync(HttpMethod.Post, $"{Rbac}/namespaces/default/roles", """{"metadata":{"name":"r"},"rules":[{"verbs":["*"],"apiGroups":[""],"resources":["secrets"]}]}""", null, client: agent)).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.SendAsync(HttpMethod.Post, $"{Rbac}/namespaces/default/rolebindings", Binding("view"), null, client: agent)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await server.SendAsync(HttpMethod.Post, $"{Rbac}/namespaces/default/rolebindings", Binding("edit"), null, client: agent)).StatusCode);

        static string Binding(string role) => $$"""{"metadata":{"name":"{{role}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{{role}}"},"subjects":[{"kind":"User","name":"x","apiGroup":"rbac.authorization.k8s.io"}]}""";
    }

    [Theory]
    [InlineData("jwt: [{issuer: {url: 'http://a', audiences: [x]}, claimMappings: {username: {claim: sub, prefix: ''}}}]", "URL scheme must be https")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: []}, claimMappings: {username: {claim: sub, prefix: ''}}}]", "at least one jwt[0].issuer.audiences is required")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x, y]}, claimMappings: {username: {claim: sub, prefix: ''}}}]", "audienceMatchPolicy must be MatchAny for multiple audiences")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x]}, claimMappings: {username: {claim: sub}}}]", "prefix is required when claim is set")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x]}, claimMappings: {username: {claim: sub, prefix: '', expression: claims.sub}}}]", "claim and expression can't both be set")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x]}, claimMappings: {}}]", "claim or expression is required")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x], egressSelectorType: cluster}, claimMappings: {username: {expression: claims.sub}}}]", "there are no egress selectors here")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x]}, claimMappings: {username: {expression: claims.sub}, extra: [{key: kubernetes.io/x, valueExpression: claims.x}]}}]", "are reserved for Kubernetes use")]
    [InlineData("jwt: [{issuer: {url: 'https://a', audiences: [x]}, claimMapping: {}}]", "unknown field \"jwt[0].claimMapping\"")]
    [InlineData("jwt: [{issuer: {url: 'https://own', audiences: [x]}, claimMappings: {username: {expression: claims.sub}}}]", "URL must not overlap with disallowed issuers: [https://own]")]
    [InlineData("anonymous: {enabled: false, conditions: [{path: /livez}]}", "enabled should be set to true when conditions are defined")]
    public void A_configuration_that_cannot_be_meant_is_refused(string text, string message)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("lk-authentication-").FullName, "authentication.yaml");
        File.WriteAllText(file, Head + text);
        var exception = Assert.Throws<InvalidDataException>(() => AuthenticationConfiguration.Load(new AuthenticationOptions { ConfigFile = file }, "https://own"));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Contains(file, exception.Message, StringComparison.Ordinal);
    }

    private static HttpClient As(TestApiServer server, string user, params string[] groups)
    {
        var client = server.ClientFor(server.Server.Pki.IssueClientCertificate("agent", [], TimeSpan.FromHours(1)));
        client.DefaultRequestHeaders.Add("Impersonate-User", user);
        foreach (var group in groups)
            client.DefaultRequestHeaders.Add("Impersonate-Group", group);
        return client;
    }

    private static async Task GrantAsync(TestApiServer server, string name, string user, string rules)
    {
        await server.PostAsync($"{Rbac}/clusterroles", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["rules"] = JsonNode.Parse(rules) }.ToJsonString());
        var bound = await server.PostAsync($"{Rbac}/clusterrolebindings", $$"""{"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{{name}}"},"subjects":[{"kind":"User","name":"{{user}}","apiGroup":"rbac.authorization.k8s.io"}]}""");
        Assert.Equal(HttpStatusCode.Created, bound.StatusCode);
    }
}
