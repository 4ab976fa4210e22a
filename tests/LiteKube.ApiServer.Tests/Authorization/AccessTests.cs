using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Authorization;

/// <summary>Certificates, tokens, reviews, impersonation and escalation through the whole server.</summary>
public sealed class AccessTests(AccessTests.Fixture fixture) : IClassFixture<AccessTests.Fixture>
{
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1";

    [Fact]
    public async Task A_user_by_certificate_gets_what_is_bound_to_it_and_no_more()
    {
        using var jane = fixture.ClientOf("jane", "dev");
        var refused = await fixture.Server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/secrets", null, null, client: jane);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal("secrets is forbidden: User \"jane\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\"", refused.Json["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, (await fixture.Server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/configmaps", null, null, client: jane)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await fixture.Server.SendAsync(HttpMethod.Get, "/apis", null, null, client: jane)).StatusCode);
        using var nobody = fixture.Server.ClientFor(null);
        Assert.Equal(HttpStatusCode.OK, (await fixture.Server.SendAsync(HttpMethod.Get, "/version", null, null, client: nobody)).StatusCode);
        var anonymous = await fixture.Server.SendAsync(HttpMethod.Get, "/metrics", null, null, client: nobody);
        Assert.Equal("forbidden: User \"system:anonymous\" cannot get path \"/metrics\"", anonymous.Json["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task Nobody_grants_what_they_do_not_hold()
    {
        using var jane = fixture.ClientOf("jane", "dev");
        var role = await fixture.Server.SendAsync(HttpMethod.Post, $"{Rbac}/namespaces/default/roles", """{"metadata":{"name":"more"},"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["secrets","configmaps"]}]}""", null, client: jane);
        Assert.Equal(HttpStatusCode.Forbidden, role.StatusCode);
        Assert.Equal("roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"jane\" (groups=[\"dev\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}", role.Json["message"]!.GetValue<string>());
        var held = await fixture.Server.SendAsync(HttpMethod.Post, $"{Rbac}/namespaces/default/roles", """{"metadata":{"name":"same"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":["x"]}]}""", null, client: jane);
        Assert.Equal(HttpStatusCode.Created, held.StatusCode);
        var binding = await fixture.Server.SendAsync(HttpMethod.Post, $"{Rbac}/namespaces/default/rolebindings", """{"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"jane","apiGroup":"rbac.authorization.k8s.io"}]}""", null, client: jane);
        Assert.Equal(HttpStatusCode.Forbidden, binding.StatusCode);
    }

    [Fact]
    public async Task Reviews_answer_for_others_and_for_oneself()
    {
        var other = await fixture.Server.PostAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", """{"spec":{"user":"jane","groups":["dev"],"resourceAttributes":{"namespace":"default","verb":"list","resource":"configmaps"}}}""");
        Assert.Equal("""{"allowed":true,"reason":"RBAC: allowed by RoleBinding \"devs/default\" of Role \"devs\" to Group \"dev\""}""", other.Json["status"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        using var jane = fixture.ClientOf("jane", "dev");
        var self = await fixture.Server.SendAsync(HttpMethod.Post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{"namespace":"default","verb":"list","resource":"secrets"}}}""", null, client: jane);
        Assert.False(self.Json["status"]!["allowed"]!.GetValue<bool>());
        var rules = await fixture.Server.SendAsync(HttpMethod.Post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", """{"spec":{"namespace":"default"}}""", null, client: jane);
        Assert.Contains("configmaps", rules.Json["status"]!["resourceRules"]!.ToJsonString(), StringComparison.Ordinal);
        var who = await fixture.Server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: jane);
        Assert.Equal("jane", who.Json["status"]!["userInfo"]!["username"]!.GetValue<string>());
        var empty = await fixture.Server.PostAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", """{"spec":{"user":"jane"}}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, empty.StatusCode);
    }

    [Fact]
    public async Task The_token_of_a_secret_is_there_at_once_and_signs_in_its_account()
    {
        await fixture.Server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"bot"}}""");
        var secret = await fixture.Server.PostAsync("/api/v1/namespaces/default/secrets", """{"metadata":{"name":"bot-token","annotations":{"kubernetes.io/service-account.name":"bot"}},"type":"kubernetes.io/service-account-token"}""");
        var token = Encoding.UTF8.GetString(Convert.FromBase64String(secret.Json["data"]!["token"]!.GetValue<string>()));
        using var client = fixture.Server.ClientFor(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        var answer = await fixture.Server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/pods", null, null, client: client);
        Assert.Equal("pods is forbidden: User \"system:serviceaccount:default:bot\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"", answer.Json["message"]!.GetValue<string>());
        var review = await fixture.Server.PostAsync("/apis/authentication.k8s.io/v1/tokenreviews", new JsonObject { ["spec"] = new JsonObject { ["token"] = token } }.ToJsonString());
        Assert.True(review.Json["status"]!["authenticated"]!.GetValue<bool>());
        await fixture.Server.DeleteAsync("/api/v1/namespaces/default/secrets/bot-token");
        var gone = await fixture.Server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/pods", null, null, client: client);
        Assert.Equal(HttpStatusCode.Unauthorized, gone.StatusCode);
    }

    [Fact]
    public async Task Impersonation_needs_its_own_right_and_then_counts_as_the_other()
    {
        using var admin = fixture.ClientOf("kubernetes-admin", "system:masters");
        admin.DefaultRequestHeaders.Add("Impersonate-User", "jane");
        admin.DefaultRequestHeaders.Add("Impersonate-Group", "dev");
        var asJane = await fixture.Server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/secrets", null, null, client: admin);
        Assert.Contains("User \"jane\" cannot list", asJane.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        using var jane = fixture.ClientOf("jane", "dev");
        jane.DefaultRequestHeaders.Add("Impersonate-User", "root");
        var refused = await fixture.Server.SendAsync(HttpMethod.Get, "/api/v1/namespaces/default/secrets", null, null, client: jane);
        Assert.Equal("secrets is forbidden: User \"jane\" cannot impersonate-on:user-info:list resource \"secrets\" in API group \"\" in the namespace \"default\"", refused.Json["message"]!.GetValue<string>());
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public TestApiServer Server { get; private set; } = null!;

        public HttpClient ClientOf(string user, params string[] groups) => Server.ClientFor(Server.Server.Pki.IssueClientCertificate(user, groups, TimeSpan.FromHours(1)));

        public async Task InitializeAsync()
        {
            Server = await TestApiServer.StartAsync();
            await Server.PostAsync($"{Rbac}/namespaces/default/roles", """{"metadata":{"name":"devs"},"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["configmaps"]},{"verbs":["create"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"]}]}""");
            var binding = await Server.PostAsync($"{Rbac}/namespaces/default/rolebindings", """{"metadata":{"name":"devs"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"devs"},"subjects":[{"kind":"Group","name":"dev","apiGroup":"rbac.authorization.k8s.io"}]}""");
            Assert.Equal(HttpStatusCode.Created, binding.StatusCode);
        }

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
