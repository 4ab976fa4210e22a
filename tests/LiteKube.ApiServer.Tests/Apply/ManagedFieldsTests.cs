using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Apply;

/// <summary>metadata.managedFields after writes that are no applies.</summary>
public sealed class ManagedFieldsTests(ApplyServer fixture) : IClassFixture<ApplyServer>
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string Template = """{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""";

    private TestApiServer Server => fixture.Server;

    [Fact]
    public async Task A_creator_owns_what_it_sent_and_its_defaults_as_a_real_cluster_shows_them()
    {
        var created = await Server.PostAsync($"{Deployments}?fieldManager=kubectl-create", $$$"""{"metadata":{"name":"made","labels":{"app":"x"}},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""");
        var entry = ManagedFields.Entry(created.Json, "kubectl-create");
        Assert.Equal("apps/v1", entry["apiVersion"]!.GetValue<string>());
        Assert.Equal("Update", entry["operation"]!.GetValue<string>());
        Assert.Equal(
            """{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}}}""",
            ManagedFields.Compact(entry["fieldsV1"]));
    }

    [Theory]
    [InlineData("kubectl/v1.32.0 (linux/amd64) kubernetes/abc", "kubectl")]
    [InlineData("Go-http-client", "Go-http-client")]
    public async Task The_manager_is_the_head_of_the_user_agent_unless_it_is_named(string userAgent, string manager)
    {
        using var client = Server.ClientFor(Server.Server.Pki.Admin.Current);
        client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", userAgent);
        var created = await Server.SendAsync(HttpMethod.Post, ConfigMaps, """{"metadata":{"generateName":"ua-"},"data":{"k":"v"}}""", null, client: client);
        Assert.Equal([manager], ManagedFields.Managers(created.Json));
        Assert.Equal("""{"f:data":{".":{},"f:k":{}},"f:metadata":{"f:generateName":{}}}""", ManagedFields.Compact(ManagedFields.Entry(created.Json, manager)["fieldsV1"]));
    }

    [Fact]
    public async Task A_manager_of_bad_form_is_refused()
    {
        var answer = await Server.PostAsync($"{ConfigMaps}?fieldManager=a%0Ab", """{"metadata":{"name":"bad"}}""");
        Assert.Equal("CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\nb\": invalid character U+000A (at position 1)", answer.Json["message"]!.GetValue<string>().Replace("a\nb", "a\\nb", StringComparison.Ordinal));
        var tooLong = await Server.PostAsync($"{ConfigMaps}?fieldManager={new string('x', 129)}", """{"metadata":{"name":"bad"}}""");
        Assert.Equal("CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes", tooLong.Json["message"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("application/merge-patch+json", """{"data":{"k":"w"}}""")]
    [InlineData("application/strategic-merge-patch+json", """{"data":{"k":"w"}}""")]
    [InlineData("application/json-patch+json", """[{"op":"replace","path":"/data/k","value":"w"}]""")]
    public async Task Whoever_changes_a_field_by_a_patch_owns_it(string type, string patch)
    {
        var name = "patched-" + type.Length;
        await Server.PostAsync($"{ConfigMaps}?fieldManager=a", $$$"""{"metadata":{"name":"{{{name}}}"},"data":{"k":"v","l":"v"}}""");
        var patched = await Server.PatchAsync($"{ConfigMaps}/{name}?fieldManager=b", patch, type);
        Assert.Equal("""{"f:data":{".":{},"f:l":{}}}""", ManagedFields.Compact(ManagedFields.Entry(patched.Json, "a")["fieldsV1"]));
        Assert.Equal("""{"f:data":{"f:k":{}}}""", ManagedFields.Compact(ManagedFields.Entry(patched.Json, "b")["fieldsV1"]));
    }

    [Fact]
    public async Task A_write_that_changes_nothing_keeps_version_and_times_and_one_that_does_moves_one_time()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var server = await TestApiServer.StartAsync(clock);
        var created = await server.PostAsync($"{ConfigMaps}?fieldManager=a", """{"metadata":{"name":"m"},"data":{"k":"v"}}""");
        clock.Advance(TimeSpan.FromMinutes(1));
        var again = await server.PutAsync($"{ConfigMaps}/m?fieldManager=b", created.Body);
        Assert.Equal(created.Body, again.Body);
        var patched = await server.PatchAsync($"{ConfigMaps}/m?fieldManager=b", """{"data":{"l":"v"}}""");
        Assert.Equal("2026-01-01T00:00:00Z", ManagedFields.Entry(patched.Json, "a")["time"]!.GetValue<string>());
        Assert.Equal("2026-01-01T00:01:00Z", ManagedFields.Entry(patched.Json, "b")["time"]!.GetValue<string>());
        // What others own is not owned twice for being written again.
        clock.Advance(TimeSpan.FromMinutes(1));
        var same = await server.PatchAsync($"{ConfigMaps}/m?fieldManager=c", """{"data":{"l":"v"}}""");
        Assert.Equal(patched.Body, same.Body);
    }

    [Theory]
    [InlineData("[{}]")]
    [InlineData("[]")]
    public async Task An_empty_list_forgets_the_owners_until_the_next_apply(string empty)
    {
        var name = "reset-" + empty.Length;
        var created = await Server.PostAsync($"{ConfigMaps}?fieldManager=a", $$$"""{"metadata":{"name":"{{{name}}}"},"data":{"k":"v"}}""");
        Assert.Equal(["a"], ManagedFields.Managers(created.Json));
        var cleared = await Server.PatchAsync($"{ConfigMaps}/{name}?fieldManager=b", $$$"""{"metadata":{"managedFields":{{{empty}}}}}""");
        Assert.Empty(ManagedFields.Of(cleared.Json));
        var changed = await Server.PatchAsync($"{ConfigMaps}/{name}?fieldManager=b", """{"data":{"k":"w"}}""");
        Assert.Empty(ManagedFields.Of(changed.Json));
        var applied = await Server.PatchAsync($"{ConfigMaps}/{name}?fieldManager=c", $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}"},"data":{"l":"v"}}""", "application/apply-patch+yaml");
        Assert.Equal(["c", "before-first-apply"], ManagedFields.Managers(applied.Json));

        await Server.PutAsync($"{ConfigMaps}/{name}", $$$"""{"metadata":{"name":"{{{name}}}","managedFields":{{{empty}}}},"data":{"k":"w"}}""");
        Assert.Empty(ManagedFields.Of((await Server.GetAsync($"{ConfigMaps}/{name}")).Json));
    }

    [Fact]
    public async Task The_list_can_be_edited_but_not_through_a_subresource_and_not_to_nonsense()
    {
        var created = await Server.PostAsync($"{Deployments}?fieldManager=a", $$$"""{"metadata":{"name":"edited"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""");
        var list = ManagedFields.Compact(ManagedFields.Of(created.Json)).Replace("\"manager\":\"a\"", "\"manager\":\"z\"", StringComparison.Ordinal);
        var version = created.Json["metadata"]!["resourceVersion"]!.GetValue<string>();
        // As kubectl moves a client-side apply's entries to the server-side one's.
        var moved = await Server.PatchAsync($"{Deployments}/edited", $$$"""[{"op":"replace","path":"/metadata/managedFields","value":{{{list}}}},{"op":"replace","path":"/metadata/resourceVersion","value":"{{{version}}}"}]""", "application/json-patch+json");
        Assert.Equal(["z"], ManagedFields.Managers(moved.Json));
        var stale = await Server.PatchAsync($"{Deployments}/edited", $$$"""[{"op":"replace","path":"/metadata/managedFields","value":{{{list}}}},{"op":"replace","path":"/metadata/resourceVersion","value":"{{{version}}}"}]""", "application/json-patch+json");
        Assert.Equal(HttpStatusCode.Conflict, stale.StatusCode);

        var through = await Server.PatchAsync($"{Deployments}/edited/status", """{"metadata":{"managedFields":[{}]}}""");
        Assert.Equal(["z"], ManagedFields.Managers(through.Json));
        var nonsense = await Server.PatchAsync($"{Deployments}/edited", """{"metadata":{"managedFields":[{"manager":"q","operation":"Nothing"}]}}""");
        Assert.Equal(["z"], ManagedFields.Managers(nonsense.Json));
    }

    [Fact]
    public async Task Of_many_updaters_the_oldest_are_put_together()
    {
        await Server.PostAsync($"{ConfigMaps}?fieldManager=u0", """{"metadata":{"name":"many"},"data":{"k0":"v"}}""");
        TestResponse? last = null;
        for (var i = 1; i <= 12; i++) last = await Server.PatchAsync($"{ConfigMaps}/many?fieldManager=u{i}", $$$"""{"data":{"k{{{i}}}":"v"}}""");
        var managers = ManagedFields.Managers(last!.Json);
        Assert.Equal(10, managers.Length);
        Assert.Contains("ancient-changes", managers);
        Assert.Contains("u12", managers);
    }

    [Fact]
    public async Task A_status_patch_is_an_entry_of_its_own_and_a_binding_is_none()
    {
        await Server.PostAsync($"{Pods}?fieldManager=a", """{"metadata":{"name":"bound"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await Server.PostAsync($"{Pods}/bound/binding?fieldManager=s", """{"target":{"kind":"Node","name":"n"}}""");
        var patched = await Server.PatchAsync($"{Pods}/bound/status?fieldManager=kubelet", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}""", "application/strategic-merge-patch+json");
        Assert.Equal(["a", "kubelet"], ManagedFields.Managers(patched.Json));
        var entry = ManagedFields.Entry(patched.Json, "kubelet");
        Assert.Equal("status", entry["subresource"]!.GetValue<string>());
        Assert.Contains("\"k:{\\\"type\\\":\\\"Ready\\\"}\":{\".\":{},\"f:lastProbeTime\":{},\"f:lastTransitionTime\":{},\"f:status\":{},\"f:type\":{}}", ManagedFields.Compact(entry["fieldsV1"]), StringComparison.Ordinal);
        Assert.DoesNotContain("nodeName", ManagedFields.Compact(ManagedFields.Of(patched.Json)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scale_takes_the_replicas_from_who_applied_them()
    {
        const string Scale = $"{Deployments}/scaled/scale";
        await Server.PatchAsync($"{Deployments}/scaled?fieldManager=a", $$$"""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"scaled"},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""", "application/apply-patch+yaml");
        var scaled = await Server.PatchAsync($"{Scale}?fieldManager=s", """{"spec":{"replicas":3}}""");
        Assert.Equal(3, scaled.Json["spec"]!["replicas"]!.GetValue<int>());
        var live = (await Server.GetAsync($"{Deployments}/scaled")).Json;
        var entry = ManagedFields.Entry(live, "s");
        Assert.Equal("""{"f:spec":{"f:replicas":{}}}""", ManagedFields.Compact(entry["fieldsV1"]));
        Assert.Equal("apps/v1", entry["apiVersion"]!.GetValue<string>());
        Assert.Equal("scale", entry["subresource"]!.GetValue<string>());
        Assert.DoesNotContain("replicas", ManagedFields.Compact(ManagedFields.Entry(live, "a")["fieldsV1"]), StringComparison.Ordinal);

        var refused = await Server.PatchAsync($"{Scale}?fieldManager=t", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"scaled"},"spec":{"replicas":4}}""", "application/apply-patch+yaml");
        Assert.Equal("Apply failed with 1 conflict: conflict with \"s\" with subresource \"scale\" using autoscaling/v1: .spec.replicas", refused.Json["message"]!.GetValue<string>());
        var forced = await Server.PatchAsync($"{Scale}?fieldManager=t&force=true", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"scaled"},"spec":{"replicas":4}}""", "application/apply-patch+yaml");
        Assert.Equal(4, forced.Json["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal(["a", "t"], ManagedFields.Managers((await Server.GetAsync($"{Deployments}/scaled")).Json).Order());
    }

    [Fact]
    public async Task Components_of_this_process_are_known_by_their_user()
    {
        var body = Encoding.UTF8.GetBytes("""{"metadata":{"name":"inner"},"data":{"k":"v"}}""");
        var user = new UserInfo("system:serviceaccount:kube-system:deployment-controller", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);
        var response = await Server.Server.ExecuteAsync(new InProcessRequest("POST", ConfigMaps, user, body), CancellationToken.None);
        Assert.Equal(["kube-controller-manager"], ManagedFields.Managers(JsonNode.Parse(response.Body.Span)!.AsObject()));
        var bootstrapped = await Server.GetAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin");
        Assert.Equal(["kube-apiserver"], ManagedFields.Managers(bootstrapped.Json));
    }

    [Fact]
    public async Task A_deletion_that_waits_keeps_the_owners()
    {
        await Server.PostAsync($"{ConfigMaps}?fieldManager=a", """{"metadata":{"name":"held","finalizers":["x/y"]},"data":{"k":"v"}}""");
        await Server.DeleteAsync($"{ConfigMaps}/held");
        Assert.Equal(["a"], ManagedFields.Managers((await Server.GetAsync($"{ConfigMaps}/held")).Json));
    }
}
