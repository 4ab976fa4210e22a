using System.Net;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.FlowControl;
using LiteKube.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.FlowControl;

public sealed class FlowControlObjectsTests
{
    private const string Root = "/apis/flowcontrol.apiserver.k8s.io/v1";

    [Fact]
    public async Task Every_server_has_the_mandatory_and_the_suggested_objects()
    {
        await using var server = await TestApiServer.StartAsync();

        var schemas = await server.GetAsync($"{Root}/flowschemas");
        Assert.Equal(
            ["catch-all 10000 catch-all", "exempt 1 exempt", "global-default 9900 global-default", "kube-controller-manager 800 workload-high", "kube-scheduler 800 workload-high",
                "kube-system-service-accounts 900 workload-high", "probes 2 exempt", "service-accounts 9000 workload-low", "system-leader-election 100 leader-election",
                "system-node-high 400 node-high", "system-nodes 500 system"],
            schemas.Json["items"]!.AsArray().Select(s => $"{s!["metadata"]!["name"]} {s["spec"]!["matchingPrecedence"]} {s["spec"]!["priorityLevelConfiguration"]!["name"]}"));
        var levels = await server.GetAsync($"{Root}/prioritylevelconfigurations");
        Assert.Equal(
            ["catch-all Limited 5", "exempt Exempt 0", "global-default Limited 20", "leader-election Limited 10", "node-high Limited 40", "system Limited 30", "workload-high Limited 40", "workload-low Limited 100"],
            levels.Json["items"]!.AsArray().Select(l => $"{l!["metadata"]!["name"]} {l["spec"]!["type"]} {(l["spec"]!["limited"] ?? l["spec"]!["exempt"])!["nominalConcurrencyShares"]}"));
        foreach (var value in schemas.Json["items"]!.AsArray().Concat(levels.Json["items"]!.AsArray()))
            Assert.Equal("true", value!["metadata"]!["annotations"]!["apf.kubernetes.io/autoupdate-spec"]!.GetValue<string>());
    }

    [Fact]
    public async Task Each_answer_names_by_uid_what_the_request_fell_under()
    {
        await using var server = await TestApiServer.StartAsync();
        using var node = server.ClientFor(server.Server.Pki.IssueClientCertificate("system:node:a", ["system:nodes"], TimeSpan.FromHours(1)));

        var answer = await server.SendAsync(HttpMethod.Get, "/api/v1/nodes/a", null, null, client: node);
        var refused = await server.SendAsync(HttpMethod.Get, "/api/v1/secrets", null, null, client: node);

        Assert.Equal(await UidOf(server, "flowschemas/system-node-high"), answer.Headers.GetValues("X-Kubernetes-PF-FlowSchema-UID").Single());
        Assert.Equal(await UidOf(server, "prioritylevelconfigurations/node-high"), answer.Headers.GetValues("X-Kubernetes-PF-PriorityLevel-UID").Single());
        // Fairness comes before authorization.
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(await UidOf(server, "flowschemas/system-nodes"), refused.Headers.GetValues("X-Kubernetes-PF-FlowSchema-UID").Single());
    }

    [Fact]
    public async Task A_schema_says_whether_its_level_exists()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var watch = await server.WatchAsync($"{Root}/flowschemas?watch=1&fieldSelector=metadata.name=mine");

        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{Root}/flowschemas", Schema("mine", 700, "jail"))).StatusCode);
        var dangling = await ConditionAsync(watch, "True");
        Assert.Equal("NotFound", dangling["reason"]!.GetValue<string>());
        Assert.Equal("This FlowSchema references the PriorityLevelConfiguration object named \"jail\" but there is no such object", dangling["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{Root}/prioritylevelconfigurations", Level("jail", 0))).StatusCode);
        var found = await ConditionAsync(watch, "False");
        Assert.Equal("Found", found["reason"]!.GetValue<string>());

        var standing = (await server.GetAsync($"{Root}/flowschemas/mine")).Json;
        Assert.Contains(standing["metadata"]!["managedFields"]!.AsArray(), e => e!["manager"]!.GetValue<string>() == "api-priority-and-fairness-config-consumer-v1" && e["subresource"]!.GetValue<string>() == "status");
    }

    [Fact]
    public async Task What_every_server_has_comes_back_within_a_minute_and_what_is_no_longer_suggested_goes()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await TestApiServer.StartAsync(time);
        await using var watch = await server.WatchAsync($"{Root}/flowschemas?watch=1&resourceVersion={(await server.GetAsync($"{Root}/flowschemas")).Json["metadata"]!["resourceVersion"]}");
        await server.PostAsync($"{Root}/flowschemas", Schema("old", 700, "exempt", """{"apf.kubernetes.io/autoupdate-spec":"true"}"""));
        await server.DeleteAsync($"{Root}/flowschemas/probes");
        await server.PatchAsync($"{Root}/flowschemas/global-default", """{"spec":{"matchingPrecedence":9901}}""");
        Assert.Equal(9901, (await server.GetAsync($"{Root}/flowschemas/global-default")).Json["spec"]!["matchingPrecedence"]!.GetValue<int>());

        time.Advance(TimeSpan.FromMinutes(1));

        var seen = new HashSet<string>();
        while (!seen.IsSupersetOf(["ADDED probes", "DELETED old", "9900"]))
        {
            var next = await watch.NextAsync();
            seen.Add($"{next!["type"]} {next["object"]!["metadata"]!["name"]}");
            if (next["object"]!["metadata"]!["name"]!.GetValue<string>() == "global-default") seen.Add(next["object"]!["spec"]!["matchingPrecedence"]!.ToString());
        }
    }

    [Theory]
    [InlineData("""{"annotations":{"apf.kubernetes.io/autoupdate-spec":"true"},"generation":5}""", false, 9900)]
    [InlineData("""{"annotations":{"apf.kubernetes.io/autoupdate-spec":"false"},"generation":5}""", false, null)]
    [InlineData("""{"annotations":{"apf.kubernetes.io/autoupdate-spec":"false"},"generation":5}""", true, 9900)]
    [InlineData("""{"generation":1}""", false, 9900)]
    [InlineData("""{"generation":2}""", false, 9000)]
    public void A_spec_is_put_right_unless_its_annotation_or_generation_says_that_a_user_cares_for_it(string metadata, bool isMandatory, int? precedence)
    {
        var wanted = BootstrapConfiguration.SuggestedSchemas.First(s => s["metadata"]!["name"]!.GetValue<string>() == "global-default");
        var current = (JsonObject)wanted.DeepClone();
        current["metadata"] = JsonNode.Parse(metadata);
        current["spec"]!["matchingPrecedence"] = 9000;

        var corrected = FlowConfiguration.Corrected(current, wanted, isMandatory);

        Assert.Equal(precedence, corrected?["spec"]!["matchingPrecedence"]!.GetValue<int>());
        if (corrected is not null) Assert.Equal(precedence == 9900 ? "true" : "false", corrected["metadata"]!["annotations"]!["apf.kubernetes.io/autoupdate-spec"]!.GetValue<string>());
    }

    [Fact]
    public async Task The_mandatory_objects_are_fixed_but_for_what_the_exempt_level_lends()
    {
        await using var server = await TestApiServer.StartAsync();

        var level = await server.PatchAsync($"{Root}/prioritylevelconfigurations/catch-all", """{"spec":{"limited":{"nominalConcurrencyShares":50}}}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, level.StatusCode);
        Assert.EndsWith("spec of 'catch-all' must equal the fixed value", level.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        var schema = await server.PatchAsync($"{Root}/flowschemas/exempt", """{"spec":{"matchingPrecedence":3}}""");
        Assert.EndsWith("spec of 'exempt' must equal the fixed value", schema.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Root}/prioritylevelconfigurations/exempt", """{"spec":{"exempt":{"lendablePercent":10}}}""")).StatusCode);
    }

    [Fact]
    public async Task Metrics_count_by_schema_and_level()
    {
        await using var server = await TestApiServer.StartAsync();
        using var jane = server.ClientFor(server.Server.Pki.IssueClientCertificate("jane", [], TimeSpan.FromHours(1)));
        for (var i = 0; i < 3; i++) await server.SendAsync(HttpMethod.Get, "/api/v1/pods", null, null, client: jane);

        var metrics = (await server.GetAsync("/metrics")).Body;

        Assert.Contains("apiserver_flowcontrol_dispatched_requests_total{flow_schema=\"global-default\",priority_level=\"global-default\"} 3\n", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_flowcontrol_request_wait_duration_seconds_count{execute=\"true\",flow_schema=\"global-default\",priority_level=\"global-default\"} 3\n", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_flowcontrol_nominal_limit_seats{priority_level=\"workload-low\"} 245\n", metrics, StringComparison.Ordinal);
        // The server's own writes may be among them at this moment.
        Assert.Matches("apiserver_flowcontrol_current_executing_requests\\{flow_schema=\"exempt\",priority_level=\"exempt\"\\} [1-9]", metrics);
        Assert.Matches("apiserver_current_inflight_requests\\{request_kind=\"readOnly\"\\} [1-9]", metrics);
    }

    private static async Task<JsonNode> ConditionAsync(TestWatch watch, string status)
    {
        while (await watch.NextAsync() is { } next)
        {
            if (next["object"]!["status"]?["conditions"]?[0] is { } condition && condition["type"]!.GetValue<string>() == "Dangling" && condition["status"]!.GetValue<string>() == status) return condition;
        }
        throw new InvalidOperationException($"The watch ended before the condition Dangling was {status}.");
    }

    private static async Task<string> UidOf(TestApiServer server, string path) => (await server.GetAsync($"{Root}/{path}")).Json["metadata"]!["uid"]!.GetValue<string>();

    private static string Schema(string name, int precedence, string level, string annotations = "{}") => $$$"""
        {"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{"name":"{{{name}}}","annotations":{{{annotations}}}},"spec":{"priorityLevelConfiguration":{"name":"{{{level}}}"},"matchingPrecedence":{{{precedence}}},
          "rules":[{"subjects":[{"kind":"User","user":{"name":"nobody"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"]}]}]}}
        """;

    private static string Level(string name, int shares) => $$$"""
        {"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"PriorityLevelConfiguration","metadata":{"name":"{{{name}}}"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":{{{shares}}},"limitResponse":{"type":"Reject"} } } }
        """;
}
