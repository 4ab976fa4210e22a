using System.Net;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using Microsoft.Extensions.Time.Testing;
using static LiteKube.ApiServer.Tests.Admission.WebhookServer;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>What the AdmissionWebhook suite of Kubernetes' conformance tests looks at, a test for each of its specs.</summary>
public sealed class WebhookConformanceTests
{
    private const string AddAnnotation = """[{"op":"add","path":"/metadata/annotations","value":{"mutated":"yes"}}]""";
    private const string KeepsAll = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";

    [Fact]
    public async Task Listed_mutating_webhooks_mutate_until_their_collection_is_deleted()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 10; i++)
        {
            var key = $"mutation-{i}";
            server.Webhook.On(key, _ => FakeWebhook.Patch($$"""[{"op":"add","path":"/data/{{key}}","value":"done"}]"""));
            await server.MutateAsync(key, Rule("CREATE", "configmaps"));
        }

        Assert.Equal(10, (await server.Api.GetAsync($"{Mutating}?labelSelector=test%3Dyes")).Json["items"]!.AsArray().Count);
        Assert.Equal(11, (await server.CreateConfigMapAsync("a", """{"start":"x"}""")).Json["data"]!.AsObject().Count);
        await server.Api.DeleteAsync($"{Mutating}?labelSelector=test%3Dyes");
        Assert.Empty((await server.Api.GetAsync(Mutating)).Json["items"]!.AsArray());
        Assert.Single((await server.CreateConfigMapAsync("b", """{"start":"x"}""")).Json["data"]!.AsObject());
    }

    [Fact]
    public async Task Listed_validating_webhooks_refuse_until_their_collection_is_deleted()
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => FakeWebhook.Deny("the configmap contains unwanted key and value"));
        for (var i = 0; i < 10; i++) await server.ConfigureAsync(Validating, $"c{i}", server.Hook("deny", Rule("CREATE", "configmaps")));

        Assert.Equal(10, (await server.Api.GetAsync($"{Validating}?labelSelector=test%3Dyes")).Json["items"]!.AsArray().Count);
        Assert.Equal(HttpStatusCode.BadRequest, (await server.CreateConfigMapAsync("a")).StatusCode);
        await server.Api.DeleteAsync($"{Validating}?labelSelector=test%3Dyes");
        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("a")).StatusCode);
    }

    [Fact]
    public async Task An_updated_mutating_webhook_mutates_what_its_rules_then_say()
    {
        await using var server = await StartAsync();
        server.Webhook.On("annotate", _ => FakeWebhook.Patch(AddAnnotation));
        await server.MutateAsync("annotate", Rule("CREATE", "configmaps"));
        var standing = (await server.Api.GetAsync($"{Mutating}/annotate")).Json;
        standing["webhooks"]![0]!["rules"]![0]!["operations"] = new JsonArray("UPDATE");

        Assert.Equal(HttpStatusCode.OK, (await server.Api.PutAsync($"{Mutating}/annotate", standing.ToJsonString())).StatusCode);
        Assert.Null((await server.CreateConfigMapAsync("a")).Json["metadata"]!["annotations"]);
        var patched = await server.Api.PatchAsync($"{Mutating}/annotate", """[{"op":"replace","path":"/webhooks/0/rules/0/operations","value":["CREATE"]}]""", "application/json-patch+json");
        Assert.Equal(HttpStatusCode.OK, patched.StatusCode);
        Assert.Equal("yes", (await server.CreateConfigMapAsync("b")).Json["metadata"]!["annotations"]!["mutated"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_updated_validating_webhook_refuses_what_its_rules_then_say()
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => FakeWebhook.Deny("no"));
        await server.ValidateAsync("deny", Rule("CREATE", "configmaps"));
        var standing = (await server.Api.GetAsync($"{Validating}/deny")).Json;
        standing["webhooks"]![0]!["rules"]![0]!["operations"] = new JsonArray("UPDATE");

        Assert.Equal(HttpStatusCode.OK, (await server.Api.PutAsync($"{Validating}/deny", standing.ToJsonString())).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("a")).StatusCode);
        await server.Api.PatchAsync($"{Validating}/deny", """[{"op":"replace","path":"/webhooks/0/rules/0/operations","value":["CREATE"]}]""", "application/json-patch+json");
        Assert.Equal(HttpStatusCode.BadRequest, (await server.CreateConfigMapAsync("b")).StatusCode);
    }

    [Fact]
    public async Task Attaching_to_a_pod_can_be_refused()
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => FakeWebhook.Deny("attaching to pod 'to-be-attached-pod' is not allowed"));
        await server.CreatePodAsync("to-be-attached-pod");
        await server.ValidateAsync("deny", Rule("CONNECT", "pods/attach"));

        var refused = await server.Api.PostAsync($"{Pods}/to-be-attached-pod/attach?stdin=true&stdout=true&container=c", "");

        Assert.Equal("admission webhook \"deny.example.com\" denied the request: attaching to pod 'to-be-attached-pod' is not allowed", refused.Message());
        var request = server.Webhook.Single("deny");
        Assert.Equal("CONNECT attach PodAttachOptions to-be-attached-pod", $"{request["operation"]} {request["subResource"]} {request["kind"]!["kind"]} {request["name"]}");
        Assert.Equal("""{"kind":"PodAttachOptions","apiVersion":"v1","stdin":true,"stdout":true,"container":"c"}""", request["object"]!.ToJsonString());
        Assert.Null(request["oldObject"]);
        Assert.Null(request["options"]);
    }

    [Fact]
    public async Task Creating_updating_and_deleting_custom_resources_can_be_refused()
    {
        await using var server = await StartAsync();
        await server.Api.EstablishAsync(CustomServer.Foo());
        server.Webhook.On("deny", request => (request["object"] ?? request["oldObject"])!["spec"]?["bad"] is null ? FakeWebhook.Allow() : FakeWebhook.Deny("the custom resource contains unwanted data"));
        await server.Api.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"old"},"spec":{"bad":1}}""");
        await server.ValidateAsync("deny", Rule("CREATE,UPDATE,DELETE", "foos", "example.com"));

        const string Message = "admission webhook \"deny.example.com\" denied the request: the custom resource contains unwanted data";
        Assert.Equal(Message, (await server.Api.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"bad":1}}""")).Message());
        Assert.Equal(HttpStatusCode.Created, (await server.Api.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"b"},"spec":{}}""")).StatusCode);
        Assert.Equal(Message, (await server.Api.PatchAsync($"{CustomServer.Foos}/b", """{"spec":{"bad":1}}""")).Message());
        Assert.Equal(Message, (await server.Api.DeleteAsync($"{CustomServer.Foos}/old")).Message());
        Assert.Equal(HttpStatusCode.OK, (await server.Api.PatchAsync($"{CustomServer.Foos}/old", """{"spec":{"bad":null}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Api.DeleteAsync($"{CustomServer.Foos}/old")).StatusCode);
    }

    [Fact]
    public async Task Pods_and_configmaps_can_be_refused_by_what_they_hold_by_a_webhook_that_hangs_and_not_in_an_exempt_namespace()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(time);
        server.Webhook.On("deny", request => request["object"]!["data"]?["webhook-e2e-test"] is null ? FakeWebhook.Allow() : FakeWebhook.Deny("the configmap contains unwanted key and value"));
        var hanging = server.Webhook.OnHang("hang");
        await server.ConfigureAsync(Validating, "both",
            server.Hook("deny", Rule("CREATE,UPDATE", "configmaps"), ""","namespaceSelector":{"matchExpressions":[{"key":"exempt","operator":"DoesNotExist"}]}"""),
            server.Hook("hang", Rule("CREATE", "pods")));

        const string Bad = """{"webhook-e2e-test":"webhook-disallow"}""";
        const string Message = "admission webhook \"deny.example.com\" denied the request: the configmap contains unwanted key and value";
        Assert.Equal(Message, (await server.CreateConfigMapAsync("a", Bad)).Message());
        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("b", """{"fine":"yes"}""")).StatusCode);
        Assert.Equal(Message, (await server.Api.PatchAsync($"{ConfigMaps}/b", $$"""{"data":{{Bad}}}""")).Message());
        Assert.Equal(Message, (await server.Api.PutAsync($"{ConfigMaps}/b", $$"""{"metadata":{"name":"b"},"data":{{Bad}}}""")).Message());
        await server.Api.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"skip","labels":{"exempt":"yes"}}}""");
        Assert.Equal(HttpStatusCode.Created, (await server.Api.PostAsync("/api/v1/namespaces/skip/configmaps", $$"""{"metadata":{"name":"a"},"data":{{Bad}}}""")).StatusCode);

        var pod = server.CreatePodAsync("p");
        await hanging;
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal((HttpStatusCode.InternalServerError, $"Internal error occurred: failed calling webhook \"hang.example.com\": failed to call webhook: Post \"https://127.0.0.1:{server.Webhook.Port}/hang?timeout=10s\": context deadline exceeded"), ((await pod).StatusCode, (await pod).Message()));
    }

    [Fact]
    public async Task Creating_a_CustomResourceDefinition_can_be_refused()
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => FakeWebhook.Deny("the crd contains unwanted label"));
        await server.ValidateAsync("deny", Rule("CREATE", "customresourcedefinitions", "apiextensions.k8s.io", "*"));

        var refused = await server.Api.PostAsync(CustomServer.Definitions, CustomServer.Foo());

        Assert.Equal("admission webhook \"deny.example.com\" denied the request: the crd contains unwanted label", refused.Message());
        Assert.Equal("CustomResourceDefinition", server.Webhook.Single("deny")["object"]!["kind"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_timeout_is_honoured_and_the_failure_policy_says_what_it_means()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(time);
        var release = new TaskCompletionSource();
        var arrivals = new SemaphoreSlim(0);
        server.Webhook.On("slow", async (_, cancellationToken) =>
        {
            arrivals.Release();
            await release.Task.WaitAsync(cancellationToken);
            return FakeWebhook.Allow();
        });

        Assert.Equal(HttpStatusCode.InternalServerError, await CreateAsync("short-fail", ""","timeoutSeconds":1"""));
        Assert.Equal("?timeout=1s", server.Webhook.LastQuery);
        Assert.Equal(HttpStatusCode.Created, await CreateAsync("short-ignore", ""","timeoutSeconds":1,"failurePolicy":"Ignore" """));
        release.SetResult();
        Assert.Equal(HttpStatusCode.Created, await CreateAsync("long-fail", ""","timeoutSeconds":10"""));
        Assert.Equal(HttpStatusCode.Created, await CreateAsync("default-fail", ""));
        Assert.Equal("?timeout=10s", server.Webhook.LastQuery);

        async Task<HttpStatusCode> CreateAsync(string name, string extra)
        {
            await server.ConfigureAsync(Validating, name, server.Hook("slow", Rule("CREATE", "configmaps"), extra));
            var created = server.CreateConfigMapAsync(name);
            Assert.True(await arrivals.WaitAsync(TimeSpan.FromSeconds(20)), "the webhook was not called");
            if (!release.Task.IsCompleted) time.Advance(TimeSpan.FromSeconds(1));
            var answer = await created;
            await server.Api.DeleteAsync($"{Validating}/{name}");
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Discovery_names_the_group_its_version_and_both_configurations()
    {
        await using var server = await StartAsync();

        var groups = (await server.Api.GetAsync("/apis")).Json["groups"]!.AsArray();
        var group = groups.Single(g => g!["name"]!.GetValue<string>() == "admissionregistration.k8s.io")!;
        Assert.Contains(group["versions"]!.AsArray(), v => v!["groupVersion"]!.GetValue<string>() == "admissionregistration.k8s.io/v1");
        Assert.Contains((await server.Api.GetAsync("/apis/admissionregistration.k8s.io")).Json["versions"]!.AsArray(), v => v!["version"]!.GetValue<string>() == "v1");
        var resources = (await server.Api.GetAsync("/apis/admissionregistration.k8s.io/v1")).Json["resources"]!.AsArray().Select(r => r!["name"]!.GetValue<string>()).ToList();
        Assert.Contains("mutatingwebhookconfigurations", resources);
        Assert.Contains("validatingwebhookconfigurations", resources);
    }

    [Fact]
    public async Task A_later_webhook_sees_what_an_earlier_one_added()
    {
        await using var server = await StartAsync();
        server.Webhook.On("one", r => r["object"]!["data"]?["mutation-start"] is null ? FakeWebhook.Allow() : FakeWebhook.Patch("""[{"op":"add","path":"/data/mutation-stage-1","value":"yes"}]"""));
        server.Webhook.On("two", r => r["object"]!["data"]?["mutation-stage-1"] is null ? FakeWebhook.Allow() : FakeWebhook.Patch("""[{"op":"add","path":"/data/mutation-stage-2","value":"yes"}]"""));
        await server.ConfigureAsync(Mutating, "stages", server.Hook("one", Rule("CREATE", "configmaps")), server.Hook("two", Rule("CREATE", "configmaps")));

        var created = await server.CreateConfigMapAsync("a", """{"mutation-start":"yes"}""");

        Assert.Equal("""{"mutation-stage-1":"yes","mutation-stage-2":"yes","mutation-start":"yes"}""", created.Json["data"]!.ToJsonString());
    }

    [Fact]
    public async Task A_custom_resource_is_mutated()
    {
        await using var server = await StartAsync();
        await server.Api.EstablishAsync(CustomServer.Foo(KeepsAll));
        server.Webhook.On("one", r => r["object"]!["data"]?["mutation-start"] is null ? FakeWebhook.Allow() : FakeWebhook.Patch("""[{"op":"add","path":"/data/mutation-stage-1","value":"yes"}]"""));
        await server.MutateAsync("one", Rule("CREATE", "foos", "example.com"));

        var created = await server.Api.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"data":{"mutation-start":"yes"}}""");

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal("""{"mutation-stage-1":"yes","mutation-start":"yes"}""", created.Json["data"]!.ToJsonString());
    }

    [Fact]
    public async Task A_custom_resource_is_mutated_while_its_stored_version_changes()
    {
        await using var server = await StartAsync();
        var v1 = $$$"""{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{{{KeepsAll}}}}}""";
        var v2 = $$$"""{"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{{{KeepsAll}}}}}""";
        await server.Api.EstablishAsync($$$"""{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},"versions":[{{{v1}}},{{{v2}}}]}}""");
        server.Webhook.On("one", r => r["object"]!["data"]?["mutation-start"] is null ? FakeWebhook.Allow() : FakeWebhook.Patch("""[{"op":"add","path":"/data/mutation-stage-1","value":"yes"}]"""));
        await server.MutateAsync("one", Rule("CREATE,UPDATE", "foos", "example.com"));
        await server.Api.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"data":{"mutation-start":"yes"}}""");

        var versions = $"{v1.Replace("\"storage\":true", "\"storage\":false", StringComparison.Ordinal)},{v2.Replace("\"storage\":false", "\"storage\":true", StringComparison.Ordinal)}";
        var stored = await server.Api.PatchAsync($"{CustomServer.Definitions}/foos.example.com", $$"""{"spec":{"versions":[{{versions}}]} }""", "application/strategic-merge-patch+json");
        Assert.True(stored.StatusCode == HttpStatusCode.OK, stored.Body);
        var patched = await server.Api.PatchAsync($"{CustomServer.Foos}/a", """{"data":{"dummy":"test"}}""");

        // Equivalent: the rule names v1, the request came in v1, the object is stored in v2 now.
        Assert.True(patched.StatusCode == HttpStatusCode.OK, patched.Body);
        Assert.Equal("""{"dummy":"test","mutation-stage-1":"yes","mutation-start":"yes"}""", patched.Json["data"]!.ToJsonString());
        var inV2 = await server.Api.PatchAsync(CustomServer.Foos.Replace("/v1/", "/v2/", StringComparison.Ordinal) + "/a", """{"data":{"other":"test"}}""");
        Assert.Equal("example.com/v2", inV2.Json["apiVersion"]!.GetValue<string>());
        Assert.Equal("example.com/v1", server.Webhook.Requests.Last().Request["object"]!["apiVersion"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_a_webhook_adds_to_a_custom_resource_is_pruned()
    {
        await using var server = await StartAsync();
        await server.Api.EstablishAsync(CustomServer.Foo("""{"type":"object","properties":{"data":{"type":"object","properties":{"mutation-start":{"type":"string"},"mutation-stage-1":{"type":"string"}}}}}"""));
        server.Webhook.On("one", _ => FakeWebhook.Patch("""[{"op":"add","path":"/data/mutation-stage-1","value":"yes"},{"op":"add","path":"/data/mutation-stage-2","value":"yes"}]"""));
        server.Webhook.On("two", r => r["object"]!["data"]!["mutation-stage-2"] is null ? FakeWebhook.Allow() : FakeWebhook.Deny("it was not pruned"));
        await server.ConfigureAsync(Mutating, "stages", server.Hook("one", Rule("CREATE", "foos", "example.com")), server.Hook("two", Rule("CREATE", "foos", "example.com")));

        var created = await server.Api.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"data":{"mutation-start":"yes"}}""");

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal("""{"mutation-stage-1":"yes","mutation-start":"yes"}""", created.Json["data"]!.ToJsonString());
    }

    [Fact]
    public async Task What_a_webhook_adds_to_a_pod_gets_its_defaults()
    {
        await using var server = await StartAsync();
        server.Webhook.On("init", _ => FakeWebhook.Patch("""[{"op":"add","path":"/spec/initContainers","value":[{"image":"webhook-added-image","name":"webhook-added-init-container","resources":{}}]}]"""));
        await server.MutateAsync("init", Rule("CREATE", "pods"));

        var pod = (await server.CreatePodAsync("p")).Json;

        var added = Assert.Single(pod["spec"]!["initContainers"]!.AsArray())!;
        Assert.Equal("webhook-added-init-container File /dev/termination-log", $"{added["name"]} {added["terminationMessagePolicy"]} {added["terminationMessagePath"]}");
        // The built-in plugins run once more for what came after them.
        Assert.Equal("/var/run/secrets/kubernetes.io/serviceaccount", added["volumeMounts"]![0]!["mountPath"]!.GetValue<string>());
    }

    [Fact]
    public async Task Webhook_configurations_are_subject_to_no_webhook()
    {
        await using var server = await StartAsync();
        server.Webhook.On("annotate", _ => FakeWebhook.Patch(AddAnnotation));
        server.Webhook.On("deny", _ => FakeWebhook.Deny("no"));
        var rule = Rule("*", "*/*", "*", "*");
        await server.MutateAsync("annotate", rule, ""","objectSelector":{"matchLabels":{"test":"yes"}}""");
        await server.ValidateAsync("deny", rule, ""","objectSelector":{"matchLabels":{"test":"yes"}}""");

        await server.ConfigureAsync(Validating, "other");

        Assert.Null((await server.Api.GetAsync($"{Validating}/other")).Json["metadata"]!["annotations"]);
        Assert.Equal(HttpStatusCode.OK, (await server.Api.DeleteAsync($"{Validating}/other")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Api.DeleteAsync($"{Mutating}/annotate")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Api.DeleteAsync($"{Validating}/deny")).StatusCode);
        Assert.Empty(server.Webhook.Requests);
    }

    [Fact]
    public async Task A_webhook_that_cannot_be_called_refuses_everything_when_it_fails_closed()
    {
        await using var server = await StartAsync();
        await server.ConfigureAsync(Validating, "closed", $$"""
            {"name":"fail-closed.example.com","clientConfig":{"url":"https://127.0.0.1:{{server.Webhook.Port}}/any"},"rules":[{{Rule("CREATE", "configmaps")}}],"sideEffects":"None","admissionReviewVersions":["v1"],"failurePolicy":"Fail"}
            """);

        var refused = await server.CreateConfigMapAsync("a");

        Assert.Equal((HttpStatusCode.InternalServerError, "InternalError"), (refused.StatusCode, refused.Json["reason"]!.GetValue<string>()));
        Assert.Equal($"Internal error occurred: failed calling webhook \"fail-closed.example.com\": failed to call webhook: Post \"https://127.0.0.1:{server.Webhook.Port}/any?timeout=10s\": tls: failed to verify certificate: x509: certificate signed by unknown authority", refused.Message());
    }
}
