using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Admission.Webhooks;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Metrics;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Storage;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static LiteKube.ApiServer.Tests.Admission.WebhookServer;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>How webhooks are chosen, asked and obeyed.</summary>
public sealed class WebhookTests
{
    [Fact]
    public async Task A_dry_run_is_refused_where_a_webhook_has_side_effects_that_it_cannot_hold_back()
    {
        await using var server = await StartAsync();
        server.Webhook.On("look", _ => FakeWebhook.Allow());
        await server.ValidateAsync("look", Rule("CREATE", "configmaps"));

        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("a", query: "?dryRun=All")).StatusCode);
        Assert.True(server.Webhook.Single("look")["dryRun"]!.GetValue<bool>());
        // A configuration of older days, which cannot be made any more.
        var old = (await server.Api.GetAsync($"{Validating}/look")).Json;
        (old["metadata"]!["name"], old["metadata"]!["uid"]) = ("old", "other");
        (old["webhooks"]![0]!["name"], old["webhooks"]![0]!["sideEffects"]) = ("old.example.com", "Some");
        var encoded = ObjectWriter.WriteForStore(old);
        await server.Api.Store.PutAsync("admissionregistration.k8s.io/validatingwebhookconfigurations/old", new ValueTemplate(encoded.Utf8, encoded.ResourceVersionOffset), 0, CancellationToken.None);
        await server.Api.DeleteAsync($"{Validating}/look");

        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("b")).StatusCode);
        var refused = await server.CreateConfigMapAsync("c", query: "?dryRun=All");
        Assert.Equal((HttpStatusCode.BadRequest, "admission webhook \"old.example.com\" does not support dry run"), (refused.StatusCode, refused.Message()));
        Assert.Equal(2, server.Webhook.CallsOf("look"));
    }

    [Fact]
    public async Task A_webhook_that_asked_for_it_is_called_again_once_when_a_later_one_changed_the_object()
    {
        await using var server = await StartAsync();
        server.Webhook.On("first", r => FakeWebhook.Patch($$"""[{"op":"add","path":"/data/count","value":"{{r["object"]!["data"]!.AsObject().Count}}"}]"""));
        server.Webhook.On("second", r => r["object"]!["data"]!["second"] is null ? FakeWebhook.Patch("""[{"op":"add","path":"/data/second","value":"yes"}]""") : FakeWebhook.Allow());
        server.Webhook.On("third", r => FakeWebhook.Allow());
        await server.MutateAsync("first", Rule("CREATE", "configmaps"), ""","reinvocationPolicy":"IfNeeded" """);
        await server.MutateAsync("second", Rule("CREATE", "configmaps"));
        await server.MutateAsync("third", Rule("CREATE", "configmaps"), ""","reinvocationPolicy":"IfNeeded" """);

        var created = await server.CreateConfigMapAsync("a", """{"a":"b"}""");

        Assert.Equal("""{"a":"b","count":"3","second":"yes"}""", created.Json["data"]!.ToJsonString());
        // The second did not ask to be called again; the third is, since the first changed what it had seen.
        Assert.Equal(["first", "second", "third", "first", "third"], server.Webhook.Requests.Select(r => r.Path));
    }

    [Fact]
    public async Task Warnings_reach_the_client_whether_the_request_passes_or_not()
    {
        await using var server = await StartAsync();
        server.Webhook.On("warn", r => new() { ["allowed"] = r["name"]!.GetValue<string>() == "good", ["warnings"] = new JsonArray("think twice"), ["auditAnnotations"] = new JsonObject { ["k"] = "v" } });
        await server.ValidateAsync("warn", Rule("CREATE", "configmaps"));

        Assert.Equal("299 - \"think twice\"", (await server.CreateConfigMapAsync("good")).Headers.GetValues("Warning").Single());
        var refused = await server.CreateConfigMapAsync("bad");
        Assert.Equal("299 - \"think twice\"", refused.Headers.GetValues("Warning").Single());
        Assert.Equal("admission webhook \"warn.example.com\" denied the request without explanation", refused.Message());

        server.Webhook.On("warn", _ => new() { ["allowed"] = true, ["warnings"] = new JsonArray([.. Enumerable.Range(0, 100).Select(i => (JsonNode)$"{i}{new string('x', 998)}")]) });
        var many = (await server.CreateConfigMapAsync("many")).Headers.GetValues("Warning").ToList();
        Assert.Equal((16, 256 + "299 - \"\"".Length), (many.Count, many[0].Length));
    }

    [Fact]
    public async Task A_client_that_makes_no_url_fails_the_requests_of_its_webhook_alone()
    {
        await using var server = await StartAsync();
        await server.ConfigureAsync(Validating, "odd", $$$"""{"name":"odd.example.com","clientConfig":{"service":{"name":"a b","namespace":"x"}},"rules":[{{{Rule("CREATE", "secrets")}}}],"sideEffects":"None","admissionReviewVersions":["v1"]}""");

        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("a")).StatusCode);
        Assert.StartsWith("Internal error occurred: failed calling webhook \"odd.example.com\": could not get REST client: ", (await server.Api.PostAsync("/api/v1/namespaces/default/secrets", """{"metadata":{"name":"s"}}""")).Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validating_webhooks_are_asked_at_the_same_time_and_the_first_refusal_is_told()
    {
        await using var server = await StartAsync();
        var (one, two) = (new TaskCompletionSource(), new TaskCompletionSource());
        // Each waits for the other: asked in turn, the first would not answer.
        server.Webhook.On("one", (_, cancellationToken) => MeetAsync(one, two, "first", cancellationToken));
        server.Webhook.On("two", (_, cancellationToken) => MeetAsync(two, one, "second", cancellationToken));
        await server.ValidateAsync("one", Rule("CREATE", "configmaps"));
        await server.ValidateAsync("two", Rule("CREATE", "configmaps"));

        Assert.Equal("admission webhook \"one.example.com\" denied the request: first", (await server.CreateConfigMapAsync("a")).Message());

        static async Task<JsonObject> MeetAsync(TaskCompletionSource mine, TaskCompletionSource other, string message, CancellationToken cancellationToken)
        {
            mine.SetResult();
            await other.Task.WaitAsync(TimeSpan.FromSeconds(20), cancellationToken);
            return FakeWebhook.Deny(message);
        }
    }

    [Fact]
    public async Task The_audit_log_is_told_what_webhooks_changed_said_and_failed_to_say()
    {
        var objects = new InMemoryObjects();
        foreach (var (kind, names) in ((string, string[])[])[("MutatingWebhookConfiguration", ["changes", "fails"]), ("ValidatingWebhookConfiguration", ["fails", "says"])])
        {
            var hooks = names.Select(n => $$"""{"name":"{{n}}.example.com","clientConfig":{"url":"https://example.com/{{n}}"},"rules":[{{Rule("CREATE", "pods")}}],"failurePolicy":"Ignore","sideEffects":"None","admissionReviewVersions":["v1"]}""");
            objects.Put($$"""{"kind":"{{kind}}","apiVersion":"admissionregistration.k8s.io/v1","metadata":{"name":"c","uid":"1","resourceVersion":"1"},"webhooks":[{{string.Join(',', hooks)}}]}""");
        }
        var configurations = new WebhookConfigurations(objects);
        var dispatcher = new WebhookDispatcher(new ScriptedCaller(), objects, new AuthorizerChain(), new AdmissionMetrics(), TimeProvider.System, NullLogger<WebhookDispatcher>.Instance);
        var attributes = MatchingTests.Attributes("", "v1", "pods", AdmissionOperation.Create, """{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}}""");

        await new MutatingWebhooks(configurations, dispatcher).MutateAsync(attributes, CancellationToken.None);
        await new ValidatingWebhooks(configurations, dispatcher).ValidateAsync(attributes, CancellationToken.None);

        Assert.Equal(
            [
                "failed-open.mutating.webhook.admission.k8s.io/round_0_index_1=fails.example.com",
                "failed-open.validating.webhook.admission.k8s.io/round_0_index_0=fails.example.com",
                """mutation.webhook.admission.k8s.io/round_0_index_0={"configuration":"c","webhook":"changes.example.com","mutated":true}""",
                """mutation.webhook.admission.k8s.io/round_0_index_1={"configuration":"c","webhook":"fails.example.com","mutated":false}""",
                "says.example.com/why=because",
            ],
            attributes.AuditAnnotations!.Select(a => $"{a.Key}={a.Value}").Order(StringComparer.Ordinal));
        Assert.Equal("b", attributes.Object!["metadata"]!["labels"]!["a"]!.GetValue<string>());
    }

    /// <summary>Webhooks that answer by the name of their path.</summary>
    private sealed class ScriptedCaller : IWebhookCaller
    {
        public ValueTask<ReadOnlyMemory<byte>> PostAsync(WebhookTarget target, byte[] body, TimeSpan timeout, CancellationToken cancellationToken)
        {
            var response = target.Url.AbsolutePath switch
            {
                "/changes" => FakeWebhook.Patch("""[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]"""),
                "/says" => new() { ["allowed"] = true, ["auditAnnotations"] = new JsonObject { ["why"] = "because" } },
                _ => throw new WebhookException("nobody answers"),
            };
            response["uid"] = JsonNode.Parse(body)!["request"]!["uid"]!.DeepClone();
            return ValueTask.FromResult<ReadOnlyMemory<byte>>(ObjectWriter.Write(new JsonObject { ["kind"] = "AdmissionReview", ["apiVersion"] = "admission.k8s.io/v1", ["response"] = response }));
        }
    }

    [Fact]
    public async Task A_denial_carries_the_webhooks_own_status()
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => new() { ["allowed"] = false, ["status"] = new JsonObject { ["code"] = 409, ["reason"] = "Conflict", ["message"] = "taken", ["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["message"] = "m" }) } } });
        await server.ValidateAsync("deny", Rule("CREATE", "configmaps"));

        var refused = await server.CreateConfigMapAsync("a");

        Assert.Equal((HttpStatusCode.Conflict, "Conflict", "admission webhook \"deny.example.com\" denied the request: taken"), (refused.StatusCode, refused.Json["reason"]!.GetValue<string>(), refused.Message()));
        Assert.Equal("m", refused.Json["details"]!["causes"]![0]!["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task Answers_that_are_none_fail_the_call_and_patches_that_do_not_apply_the_request()
    {
        await using var server = await StartAsync();
        server.Webhook.On("odd", r => r["name"]!.GetValue<string>() switch
        {
            "type" => new() { ["allowed"] = true, ["patchType"] = "JSONPatch" },
            "undecodable" => FakeWebhook.Patch("""{"op":"add"}"""),
            "misplaced" => FakeWebhook.Patch("""[{"op":"remove","path":"/nowhere"}]"""),
            "empty" => FakeWebhook.Patch(" [ ] "),
            _ => FakeWebhook.Allow(),
        });
        await server.MutateAsync("odd", Rule("CREATE,DELETE", "configmaps"));

        const string Failed = "Internal error occurred: failed calling webhook \"odd.example.com\": ";
        Assert.Equal(Failed + "received invalid webhook response: webhook returned response.patchType but not response.patch", (await server.CreateConfigMapAsync("type")).Message());
        Assert.StartsWith(Failed + "received undecodable patch in webhook response: ", (await server.CreateConfigMapAsync("undecodable")).Message(), StringComparison.Ordinal);
        Assert.Equal("Internal error occurred: error in remove for path: '/nowhere': Unable to remove nonexistent key: nowhere: missing value", (await server.CreateConfigMapAsync("misplaced")).Message());
        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("empty")).StatusCode);
        server.Webhook.Spoil = r => r["response"]!["uid"] = "other";
        Assert.StartsWith(Failed + "received invalid webhook response: expected response.uid=\"", (await server.CreateConfigMapAsync("a")).Message(), StringComparison.Ordinal);
        server.Webhook.Spoil = r => r["apiVersion"] = "admission.k8s.io/v2";
        Assert.Equal(Failed + "received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v2, Kind=AdmissionReview", (await server.CreateConfigMapAsync("a")).Message());
        server.Webhook.Spoil = null;
        server.Webhook.On("odd", _ => FakeWebhook.Patch("""[{"op":"add","path":"/x","value":1}]"""));
        Assert.Equal("Internal error occurred: admission webhook \"odd.example.com\" attempted to modify the object, which is not supported for this operation", (await server.Api.DeleteAsync($"{ConfigMaps}/empty")).Message());
    }

    [Fact]
    public async Task A_failure_is_ignored_or_not_as_the_policy_says_and_metrics_count_both()
    {
        await using var server = await StartAsync();
        await server.ConfigureAsync(Validating, "a", server.Hook("missing", Rule("CREATE", "configmaps"), ""","failurePolicy":"Ignore" """));
        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("a")).StatusCode);
        server.Webhook.On("deny", _ => FakeWebhook.Deny("no"));
        await server.MutateAsync("deny", Rule("CREATE", "configmaps"));
        Assert.Equal(HttpStatusCode.BadRequest, (await server.CreateConfigMapAsync("b")).StatusCode);
        await server.MutateAsync("gone", Rule("UPDATE", "configmaps"));
        Assert.Equal("Internal error occurred: failed calling webhook \"gone.example.com\": failed to call webhook: the server could not find the requested resource", (await server.Api.PatchAsync($"{ConfigMaps}/a", """{"data":{"k":"v"}}""")).Message());

        var metrics = (await server.Api.GetAsync("/metrics")).Body;

        Assert.Contains("apiserver_admission_webhook_fail_open_count{name=\"missing.example.com\",type=\"validating\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_admission_webhook_rejection_count{error_type=\"no_error\",name=\"deny.example.com\",operation=\"CREATE\",rejection_code=\"400\",type=\"admit\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_admission_webhook_rejection_count{error_type=\"calling_webhook_error\",name=\"gone.example.com\",operation=\"UPDATE\",rejection_code=\"404\",type=\"admit\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_admission_webhook_admission_duration_seconds_count{name=\"deny.example.com\",operation=\"CREATE\",rejected=\"true\",type=\"admit\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_admission_webhook_request_total{code=\"404\",name=\"missing.example.com\",operation=\"CREATE\",rejected=\"false\",type=\"validating\"} 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Match_conditions_choose_the_requests_that_a_webhook_hears_of()
    {
        await using var server = await StartAsync();
        server.Webhook.On("deny", _ => FakeWebhook.Deny("no"));
        await server.ValidateAsync("deny", Rule("CREATE", "configmaps"), ""","matchConditions":[{"name":"not-system","expression":"!request.userInfo.username.startsWith('system:')"},{"name":"named","expression":"object.metadata.name != 'free'"},{"name":"errs","expression":"object.data.k == 'v'"}]""");

        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("free", """{"k":"v"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.CreateConfigMapAsync("other", """{"k":"w"}""")).StatusCode);
        Assert.Equal("admission webhook \"deny.example.com\" denied the request: no", (await server.CreateConfigMapAsync("bad", """{"k":"v"}""")).Message());
        var untold = await server.CreateConfigMapAsync("untold", """{"l":"v"}""");
        Assert.Equal((HttpStatusCode.Forbidden, "configmaps \"untold\" is forbidden: expression 'object.data.k == 'v'' resulted in error: no such key: k"), (untold.StatusCode, untold.Message()));
        Assert.Contains("apiserver_admission_match_condition_exclusions_total{kind=\"webhook\",name=\"deny.example.com\",operation=\"CREATE\",type=\"validating\"} 2\n", (await server.Api.GetAsync("/metrics")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_webhook_of_the_old_review_version_gets_it()
    {
        await using var server = await StartAsync();
        server.Webhook.On("old", _ => new() { ["allowed"] = true, ["patch"] = FakeWebhook.Patch("""[{"op":"add","path":"/data","value":{"k":"v"}}]""")["patch"]!.DeepClone() });
        string? sent = null;
        server.Webhook.Spoil = answer => sent = answer["apiVersion"]!.GetValue<string>();
        await server.ConfigureAsync(Mutating, "old", server.Hook("old", Rule("CREATE", "configmaps")).Replace("""["v1","v1beta1"]""", """["v9","v1beta1"]""", StringComparison.Ordinal));

        Assert.Equal("v", (await server.CreateConfigMapAsync("a")).Json["data"]!["k"]!.GetValue<string>());
        Assert.Equal("admission.k8s.io/v1beta1", sent);
    }

    [Fact]
    public async Task Webhooks_that_hang_one_after_another_share_the_time_of_their_request()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await WebhookServer.StartAsync(time);
        var (first, second) = (server.Webhook.OnHang("first"), server.Webhook.OnHang("second"));
        const string Patient = ",\"timeoutSeconds\":30,\"failurePolicy\":\"Ignore\"";
        await server.ConfigureAsync(Mutating, "slow", server.Hook("first", Rule("CREATE", "configmaps"), Patient), server.Hook("second", Rule("CREATE", "configmaps"), Patient));

        var creating = server.CreateConfigMapAsync("a");
        await first;
        time.Advance(TimeSpan.FromSeconds(30));
        await second;
        Assert.False(creating.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(4));

        var answer = await creating;
        Assert.Equal((HttpStatusCode.GatewayTimeout, "Timeout: request did not complete within requested timeout - context deadline exceeded"), (answer.StatusCode, answer.Message()));
        Assert.Equal(HttpStatusCode.NotFound, (await server.Api.GetAsync($"{ConfigMaps}/a")).StatusCode);
    }

    [Fact]
    public async Task A_service_is_dialled_at_its_endpoints_and_known_by_its_name()
    {
        await using var webhook = await FakeWebhook.StartAsync("hook.default.svc");
        await using var server = await TestApiServer.StartAsync();
        webhook.On("deny", _ => FakeWebhook.Deny("no"));
        await server.PostAsync("/api/v1/namespaces/default/services", """{"metadata":{"name":"hook"},"spec":{"ports":[{"port":8443,"targetPort":8444}]}}""");
        var created = await server.PostAsync(Validating, $$$"""
            {"metadata":{"name":"s"},"webhooks":[{"name":"s.example.com","clientConfig":{"service":{"namespace":"default","name":"hook","path":"/deny","port":8443},"caBundle":"{{{webhook.CaBundle}}}"},
              "rules":[{{{Rule("CREATE", "configmaps")}}}],"sideEffects":"None","admissionReviewVersions":["v1"]}]}
            """);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);

        const string Failed = "Internal error occurred: failed calling webhook \"s.example.com\": failed to call webhook: Post \"https://hook.default.svc:8443/deny?timeout=10s\": ";
        Assert.Equal(Failed + "no endpoints available for service \"hook\"", (await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""")).Message());
        await server.PostAsync(LoopbackEndpoints.Path("default"), LoopbackEndpoints.Slice("hook", webhook.Port));
        Assert.Equal("admission webhook \"s.example.com\" denied the request: no", (await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""")).Message());
    }
}
