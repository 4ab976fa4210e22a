using System.Net;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Testing;
using static LiteKube.ApiServer.Tests.Admission.WebhookServer;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>What webhooks see of requests of all kinds, and what becomes of what they change.</summary>
public sealed class WebhookRequestTests
{
    private const string Deployment = """{"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""";

    [Fact]
    public async Task A_review_says_who_asks_for_what_with_which_options()
    {
        await using var server = await StartAsync();
        server.Webhook.On("look", _ => FakeWebhook.Allow());
        await server.ValidateAsync("look", Rule("*", "configmaps"));

        await server.CreateConfigMapAsync("a", """{"a":"b"}""", "?fieldManager=me&fieldValidation=Strict");
        await server.Api.PatchAsync($"{ConfigMaps}/a?fieldManager=you", """{"data":{"k":"v"}}""");
        await server.Api.DeleteAsync($"{ConfigMaps}/a", """{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":3,"propagationPolicy":"Background"}""");

        var requests = server.Webhook.Requests.Select(r => r.Request).ToList();
        var create = requests[0];
        Assert.Equal("""{"group":"","version":"v1","kind":"ConfigMap"}""", create["kind"]!.ToJsonString());
        Assert.Equal("""{"group":"","version":"v1","resource":"configmaps"}""", create["requestResource"]!.ToJsonString());
        Assert.Equal("CREATE default a False", $"{create["operation"]} {create["namespace"]} {create["name"]} {create["dryRun"]!.GetValue<bool>()}");
        Assert.Equal("kubernetes-admin", create["userInfo"]!["username"]!.GetValue<string>());
        Assert.Contains(create["userInfo"]!["groups"]!.AsArray(), g => g!.GetValue<string>() == "system:authenticated");
        Assert.Equal("""{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"me","fieldValidation":"Strict"}""", create["options"]!.ToJsonString());
        // A validating webhook sees what will be stored, owners included.
        Assert.NotNull(create["object"]!["metadata"]!["uid"]);
        Assert.Equal("me", create["object"]!["metadata"]!["managedFields"]![0]!["manager"]!.GetValue<string>());
        Assert.Null(create["oldObject"]);
        Assert.Equal("""{"kind":"UpdateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"you"}""", requests[1]["options"]!.ToJsonString());
        Assert.Equal("v", requests[1]["object"]!["data"]!["k"]!.GetValue<string>());
        Assert.Null(requests[1]["oldObject"]!["data"]!["k"]);
        Assert.Equal("DELETE a", $"{requests[2]["operation"]} {requests[2]["oldObject"]!["metadata"]!["name"]}");
        Assert.Null(requests[2]["object"]);
        Assert.Equal("""{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1","gracePeriodSeconds":3,"propagationPolicy":"Background"}""", requests[2]["options"]!.ToJsonString());
    }

    [Fact]
    public async Task A_generated_name_is_not_told_before_and_a_collection_shows_each_object_without_it()
    {
        await using var server = await StartAsync();
        server.Webhook.On("name", r => r["operation"]!.GetValue<string>() == "CREATE" ? FakeWebhook.Patch("""[{"op":"add","path":"/metadata/labels","value":{"seen":"yes"}}]""") : FakeWebhook.Allow());
        server.Webhook.On("keep", r => r["oldObject"]!["metadata"]!["name"]!.GetValue<string>() == "kept" ? FakeWebhook.Deny("it is kept") : FakeWebhook.Allow());
        await server.MutateAsync("name", Rule("CREATE", "configmaps"));
        await server.ValidateAsync("keep", Rule("DELETE", "configmaps"));

        var created = await server.Api.PostAsync(ConfigMaps, """{"metadata":{"generateName":"g-"}}""");
        Assert.Equal("yes", created.Json["metadata"]!["labels"]!["seen"]!.GetValue<string>());
        Assert.StartsWith("g-", created.Json["metadata"]!["name"]!.GetValue<string>(), StringComparison.Ordinal);
        var request = server.Webhook.Single("name");
        Assert.False(request.ContainsKey("name"));
        Assert.False(request["object"]!["metadata"]!.AsObject().ContainsKey("name"));

        await server.CreateConfigMapAsync("kept");
        var refused = await server.Api.DeleteAsync($"{ConfigMaps}?labelSelector=seen%3Dyes");
        Assert.Equal("admission webhook \"keep.example.com\" denied the request: it is kept", refused.Message());
        Assert.All(server.Webhook.Requests.Where(r => r.Path == "keep"), r => Assert.False(r.Request.ContainsKey("name")));
        Assert.Equal(HttpStatusCode.OK, (await server.Api.GetAsync($"{ConfigMaps}/kept")).StatusCode);
    }

    [Fact]
    public async Task A_scale_is_what_webhooks_see_and_change_at_the_scale_subresource()
    {
        await using var server = await StartAsync();
        await server.Api.PostAsync(Deployments, Deployment);
        server.Webhook.On("cap", r => r["object"]!["spec"]!["replicas"]!.GetValue<int>() > 5 ? FakeWebhook.Patch("""[{"op":"replace","path":"/spec/replicas","value":5}]""") : FakeWebhook.Allow());
        server.Webhook.On("odd", r => r["object"]!["spec"]!["replicas"]!.GetValue<int>() % 2 == 1 ? FakeWebhook.Allow() : FakeWebhook.Deny("even"));
        await server.MutateAsync("cap", Rule("UPDATE", "deployments/scale", "apps"));
        await server.ValidateAsync("odd", Rule("UPDATE", "*/scale", "apps"));

        Assert.Equal(5, (await server.Api.PatchAsync($"{Deployments}/d/scale", """{"spec":{"replicas":9}}""")).Json["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal("admission webhook \"odd.example.com\" denied the request: even", (await server.Api.PatchAsync($"{Deployments}/d/scale", """{"spec":{"replicas":4}}""")).Message());
        Assert.Equal(5, (await server.Api.GetAsync($"{Deployments}/d")).Json["spec"]!["replicas"]!.GetValue<int>());
        var request = server.Webhook.Requests.First().Request;
        Assert.Equal("""{"group":"autoscaling","version":"v1","kind":"Scale"}""", request["kind"]!.ToJsonString());
        Assert.Equal("deployments scale UPDATE Scale 2", $"{request["resource"]!["resource"]} {request["subResource"]} {request["operation"]} {request["oldObject"]!["kind"]} {request["oldObject"]!["spec"]!["replicas"]}");
    }

    [Fact]
    public async Task Bindings_evictions_and_tokens_are_created_objects_of_their_own_kinds()
    {
        await using var server = await StartAsync();
        await server.Api.PostAsync("/api/v1/nodes", """{"metadata":{"name":"n1"}}""");
        await server.CreatePodAsync("p");
        server.Webhook.On("look", _ => FakeWebhook.Allow());
        await server.ValidateAsync("look", Rule("*", "*/*"));

        await server.Api.PostAsync($"{Pods}/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}""");
        await server.Api.PostAsync($"{Pods}/p/eviction?dryRun=All", """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}}""");
        await server.Api.PostAsync("/api/v1/namespaces/default/serviceaccounts/default/token", """{"spec":{"audiences":["x"]}}""");
        await server.Api.PatchAsync($"{Pods}/p/status", """{"status":{"message":"m"}}""");

        Assert.Equal(
            ["CREATE pods/binding /v1 Binding p", "CREATE pods/eviction policy/v1 Eviction p", "CREATE serviceaccounts/token authentication.k8s.io/v1 TokenRequest default", "UPDATE pods/status /v1 Pod p"],
            server.Webhook.Requests.Select(r => $"{r.Request["operation"]} {r.Request["resource"]!["resource"]}/{r.Request["subResource"]} {r.Request["kind"]!["group"]}/{r.Request["kind"]!["version"]} {r.Request["kind"]!["kind"]} {r.Request["name"]}"));
        server.Webhook.On("look", _ => FakeWebhook.Deny("no"));
        Assert.Equal("admission webhook \"look.example.com\" denied the request: no", (await server.Api.PostAsync("/api/v1/namespaces/default/serviceaccounts/default/token", """{"spec":{}}""")).Message());
        Assert.Equal("admission webhook \"look.example.com\" denied the request: no", (await server.Api.PostAsync($"{Pods}/p/eviction", """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}}""")).Message());
        Assert.Equal(HttpStatusCode.OK, (await server.Api.GetAsync($"{Pods}/p")).StatusCode);
    }

    [Theory]
    [InlineData("/api/v1/namespaces/default/pods/p/exec?command=sh&command=-c&stdout=1&container=c", "pods/exec", """{"kind":"PodExecOptions","apiVersion":"v1","stdout":true,"container":"c","command":["sh","-c"]}""")]
    [InlineData("/api/v1/namespaces/default/pods/p/portforward?ports=80&ports=443", "pods/portforward", """{"kind":"PodPortForwardOptions","apiVersion":"v1","ports":[80,443]}""")]
    [InlineData("/api/v1/namespaces/default/pods/p/proxy/a/b", "pods/proxy", """{"kind":"PodProxyOptions","apiVersion":"v1","path":"/a/b"}""")]
    [InlineData("/api/v1/namespaces/default/services/s/proxy/", "services/proxy", """{"kind":"ServiceProxyOptions","apiVersion":"v1","path":"/"}""")]
    [InlineData("/api/v1/nodes/n/proxy/stats", "nodes/proxy", """{"kind":"NodeProxyOptions","apiVersion":"v1","path":"/stats"}""")]
    public async Task A_connect_shows_its_options(string path, string resource, string options)
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => FakeWebhook.Deny("no"));
        await server.ValidateAsync("deny", Rule("CONNECT", resource));

        var refused = await server.Api.PostAsync(path, "");

        Assert.Equal("admission webhook \"deny.example.com\" denied the request: no", refused.Message());
        Assert.Equal(options, server.Webhook.Single("deny")["object"]!.ToJsonString());
    }

    [Fact]
    public async Task What_a_webhook_sets_is_nobodys_and_an_apply_keeps_its_own_fields()
    {
        await using var server = await StartAsync();
        server.Webhook.On("add", r => r["object"]!["data"]!["added"] is null ? FakeWebhook.Patch("""[{"op":"add","path":"/data/added","value":"yes"}]""") : FakeWebhook.Allow());
        await server.MutateAsync("add", Rule("CREATE,UPDATE", "configmaps"));

        var applied = await ApplyAsync("""{"a":"1"}""");
        Assert.Equal("""{"a":"1","added":"yes"}""", applied.Json["data"]!.ToJsonString());
        var owner = Assert.Single(applied.Json["metadata"]!["managedFields"]!.AsArray())!;
        Assert.Equal("""me Apply {"f:data":{"f:a":{}}}""", $"{owner["manager"]} {owner["operation"]} {owner["fieldsV1"]!.ToJsonString()}");
        Assert.Equal("me", server.Webhook.Requests.First().Request["object"]!["metadata"]!["managedFields"]![0]!["manager"]!.GetValue<string>());

        Assert.Equal("""{"added":"yes","b":"2"}""", (await ApplyAsync("""{"b":"2"}""")).Json["data"]!.ToJsonString());

        async Task<TestResponse> ApplyAsync(string data)
        {
            var answer = await server.Api.PatchAsync($"{ConfigMaps}/a?fieldManager=me", $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{{data}}}""", "application/apply-patch+yaml");
            Assert.True(answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK, answer.Body);
            return answer;
        }
    }

    [Fact]
    public async Task Owners_that_a_webhook_spoils_are_put_back_with_a_warning()
    {
        await using var server = await StartAsync();
        server.Webhook.On("spoil", _ => FakeWebhook.Patch("""[{"op":"replace","path":"/metadata/managedFields/0/operation","value":"Nothing"}]"""));
        await server.MutateAsync("spoil", Rule("CREATE", "configmaps"));

        var created = await server.CreateConfigMapAsync("a", """{"a":"b"}""", "?fieldManager=me");

        Assert.Equal("me Update", $"{created.Json["metadata"]!["managedFields"]![0]!["manager"]} {created.Json["metadata"]!["managedFields"]![0]!["operation"]}");
        Assert.Contains("managedFields was in an invalid state after admission", string.Join(' ', created.Headers.GetValues("Warning")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_equivalent_version_is_what_the_webhook_sees_and_what_it_patches()
    {
        await using var server = await StartAsync();
        server.Webhook.On("note", _ => FakeWebhook.Patch("""[{"op":"replace","path":"/note","value":"changed"}]"""));
        await server.MutateAsync("note", Rule("CREATE", "events", "events.k8s.io"));

        var created = await server.Api.PostAsync("/api/v1/namespaces/default/events", """{"metadata":{"name":"e","namespace":"default"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"R","message":"hello","type":"Normal"}""");

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal("v1 changed", $"{created.Json["apiVersion"]} {created.Json["message"]}");
        var request = server.Webhook.Single("note");
        Assert.Equal("events.k8s.io hello", $"{request["kind"]!["group"]} {request["object"]!["note"]}");
        Assert.Equal("", request["requestKind"]!["group"]!.GetValue<string>());
    }
}
