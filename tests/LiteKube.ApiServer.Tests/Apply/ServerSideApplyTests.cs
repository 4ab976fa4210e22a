using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Apply;

/// <summary>PATCH with application/apply-patch+yaml, in Kubernetes' own words.</summary>
public sealed class ServerSideApplyTests(ApplyServer fixture) : IClassFixture<ApplyServer>
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    private TestApiServer Server => fixture.Server;

    [Fact]
    public async Task An_apply_creates_what_is_missing_and_merges_into_what_is_there()
    {
        var created = await ApplyAsync($"{ConfigMaps}/made", "a", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: made\ndata:\n  k1: x\n");
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("""{"f:data":{"f:k1":{}}}""", Entry(created, "a")["fieldsV1"]!.ToJsonString());
        Assert.Equal("Apply", Entry(created, "a")["operation"]!.GetValue<string>());
        Assert.Equal("FieldsV1", Entry(created, "a")["fieldsType"]!.GetValue<string>());

        var merged = await ApplyAsync($"{ConfigMaps}/made", "b", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"made"},"data":{"k2":"y"}}""");
        Assert.Equal(HttpStatusCode.OK, merged.StatusCode);
        Assert.Equal("""{"k1":"x","k2":"y"}""", merged.Json["data"]!.ToJsonString());

        var pruned = await ApplyAsync($"{ConfigMaps}/made", "a", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"made"}}""");
        Assert.Equal("""{"k2":"y"}""", pruned.Json["data"]!.ToJsonString());
        Assert.Equal(["b"], Managers(pruned));
    }

    [Fact]
    public async Task Applying_the_same_again_writes_nothing()
    {
        const string Config = """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"same"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1000m"}}}]}}}}""";
        var first = await ApplyAsync($"{Deployments}/same", "a", Config);
        var second = await ApplyAsync($"{Deployments}/same", "a", Config);
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal(first.Body, second.Body);
    }

    [Fact]
    public async Task Conflicts_name_the_managers_and_the_fields_and_force_takes_them()
    {
        await ApplyAsync($"{Deployments}/web", "a", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        await Server.PatchAsync($"{Deployments}/web?fieldManager=kubectl-edit", """{"spec":{"replicas":4}}""");
        const string Config = """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":5}}""";

        var refused = await ApplyAsync($"{Deployments}/web", "b", Config);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal("Conflict", refused.Json["reason"]!.GetValue<string>());
        Assert.Equal("Apply failed with 1 conflict: conflict with \"kubectl-edit\" using apps/v1: .spec.replicas", refused.Json["message"]!.GetValue<string>());
        Assert.Equal("""{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-edit\" using apps/v1","field":".spec.replicas"}]}""", Compact(refused.Json["details"]));

        var forced = await ApplyAsync($"{Deployments}/web", "b", Config, "&force=true");
        Assert.Equal(HttpStatusCode.OK, forced.StatusCode);
        Assert.Equal(5, forced.Json["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal(2, forced.Json["metadata"]!["generation"]!.GetValue<int>() - 1);
        Assert.Equal(["a", "b"], Managers(forced));
    }

    [Theory]
    [InlineData("", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"r"}}""", 422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")]
    [InlineData("?force=true", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"r"}}""", 422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")]
    [InlineData("?fieldManager=m", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"r","managedFields":[{"manager":"x"}]}}""", 400, "metadata.managedFields must be nil")]
    [InlineData("?fieldManager=m", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"r"}}""", 400, "invalid object type: /v1, Kind=Secret")]
    [InlineData("?fieldManager=m", """{"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"r"}}""", 400, "invalid object type: /v2, Kind=ConfigMap")]
    [InlineData("?fieldManager=m", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}""", 400, "the name of the object (other) does not match the name on the URL (r)")]
    [InlineData("?fieldManager=m", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"r"},"dta":{}}""", 500, "failed to create typed patch object (/r; /v1, Kind=ConfigMap): .dta: field not declared in schema")]
    [InlineData("?fieldManager=m", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"r","uid":"0b6"}}""", 409, "Operation cannot be fulfilled on configmaps \"r\": uid mismatch: the provided object specified uid 0b6, and no existing object was found")]
    [InlineData("?fieldManager=m", "a: b: c", 400, "error decoding patch: error converting YAML to JSON: yaml: line 1: found invalid mapping")]
    [InlineData("?fieldManager=m&fieldValidation=Strict", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: r\ndata:\n  a: x\n  a: z\n", 400, "error strict decoding patch: error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key \"a\" already set in map")]
    public async Task A_bad_apply_is_refused_in_Kubernetes_words(string query, string body, int code, string message)
    {
        var answer = await Server.PatchAsync($"{ConfigMaps}/r{query}", body, "application/apply-patch+yaml");
        Assert.Equal(message, answer.Json["message"]!.GetValue<string>());
        Assert.Equal(code, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Other_kinds_of_patches_take_no_force_and_cbor_is_not_taken()
    {
        var forced = await Server.PatchAsync($"{ConfigMaps}/x?force=true", "{}");
        Assert.Equal("PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch", forced.Json["message"]!.GetValue<string>());
        var cbor = await Server.PatchAsync($"{ConfigMaps}/x?fieldManager=m", "{}", "application/apply-patch+cbor");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, cbor.StatusCode);
    }

    [Fact]
    public async Task Duplicate_keys_warn_unless_they_are_ignored()
    {
        const string Config = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dup\ndata:\n  a: x\n  a: z\n";
        var warned = await ApplyAsync($"{ConfigMaps}/dup", "a", Config);
        Assert.Equal(HttpStatusCode.Created, warned.StatusCode);
        Assert.Contains("already set in map", string.Join(' ', warned.Headers.GetValues("Warning")), StringComparison.Ordinal);
        var silent = await ApplyAsync($"{ConfigMaps}/dup", "a", Config, "&fieldValidation=Ignore");
        Assert.False(silent.Headers.Contains("Warning"));
        Assert.Equal("z", silent.Json["data"]!["a"]!.GetValue<string>());
    }

    [Fact]
    public async Task Preconditions_in_the_configuration_hold()
    {
        var created = await ApplyAsync($"{ConfigMaps}/pre", "a", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"pre"},"data":{"k":"1"}}""");
        var version = created.Json["metadata"]!["resourceVersion"]!.GetValue<string>();
        var changed = await ApplyAsync($"{ConfigMaps}/pre", "a", $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"pre","resourceVersion":"{{{version}}}"},"data":{"k":"2"}}""");
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var stale = await ApplyAsync($"{ConfigMaps}/pre", "a", $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"pre","resourceVersion":"{{{version}}}"},"data":{"k":"3"}}""");
        Assert.Equal("Operation cannot be fulfilled on configmaps \"pre\": the object has been modified; please apply your changes to the latest version and try again", stale.Json["message"]!.GetValue<string>());
        var other = await ApplyAsync($"{ConfigMaps}/pre", "a", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"pre","uid":"0b6"},"data":{"k":"3"}}""");
        Assert.StartsWith("Operation cannot be fulfilled on configmaps \"pre\": Precondition failed: UID in precondition: 0b6, UID in object meta: ", other.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_answers_and_leaves_nothing()
    {
        var dry = await ApplyAsync($"{ConfigMaps}/dry", "a", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dry"},"data":{"k":"1"}}""", "&dryRun=All");
        Assert.Equal(HttpStatusCode.Created, dry.StatusCode);
        Assert.Equal(["a"], Managers(dry));
        Assert.Equal(HttpStatusCode.NotFound, (await Server.GetAsync($"{ConfigMaps}/dry")).StatusCode);
    }

    [Fact]
    public async Task Defaults_come_after_the_merge_and_belong_to_nobody()
    {
        var service = await ApplyAsync("/api/v1/namespaces/default/services/s", "a", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"app":"x"},"ports":[{"port":80}]}}""");
        Assert.Equal(HttpStatusCode.Created, service.StatusCode);
        Assert.Equal("TCP", service.Json["spec"]!["ports"]![0]!["protocol"]!.GetValue<string>());
        Assert.Equal("""{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:selector":{}}}""", Compact(Entry(service, "a")["fieldsV1"]));
    }

    [Fact]
    public async Task An_apply_on_status_owns_the_status_alone()
    {
        await ApplyAsync($"{Deployments}/st", "a", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"st"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var applied = await ApplyAsync($"{Deployments}/st/status", "s", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"st"},"spec":{"replicas":7},"status":{"replicas":2,"readyReplicas":2}}""", "&force=true");
        Assert.Equal(HttpStatusCode.OK, applied.StatusCode);
        Assert.Equal(1, applied.Json["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal(2, applied.Json["status"]!["readyReplicas"]!.GetValue<int>());
        var entry = Entry(applied, "s");
        Assert.Equal("status", entry["subresource"]!.GetValue<string>());
        Assert.Equal("""{"f:status":{"f:readyReplicas":{},"f:replicas":{}}}""", Compact(entry["fieldsV1"]));
        var missing = await ApplyAsync($"{Deployments}/nothere/status", "s", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"nothere"}}""");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public async Task Owners_of_one_version_meet_applies_of_another()
    {
        const string V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h";
        const string V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h";
        var created = await ApplyAsync(V1, "a", """{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":3,"minReplicas":2,"targetCPUUtilizationPercentage":50,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}""");
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        var refused = await ApplyAsync(V2, "b", """{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":9}}""");
        Assert.Equal("Apply failed with 1 conflict: conflict with \"a\": .spec.maxReplicas", refused.Json["message"]!.GetValue<string>());
        // The same manager in another version: what it applied in the old one and not in the new one goes.
        var moved = await ApplyAsync(V2, "a", """{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":4,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}""");
        Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
        Assert.Equal(1, moved.Json["spec"]!["minReplicas"]!.GetValue<int>());
        Assert.Equal("autoscaling/v2", Entry(moved, "a")["apiVersion"]!.GetValue<string>());
        Assert.Equal(["a"], Managers(moved));
    }

    private Task<TestResponse> ApplyAsync(string path, string manager, string config, string query = "") =>
        Server.PatchAsync($"{path}?fieldManager={manager}{query}", config, "application/apply-patch+yaml");

    private static JsonObject Entry(TestResponse answer, string manager) => ManagedFields.Entry(answer.Json, manager);

    private static string[] Managers(TestResponse answer) => ManagedFields.Managers(answer.Json);

    private static string Compact(JsonNode? node) => ManagedFields.Compact(node);
}
