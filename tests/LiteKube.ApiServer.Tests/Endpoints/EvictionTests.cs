using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class EvictionTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

    [Fact]
    public async Task A_spent_budget_holds_ready_pods_alone()
    {
        await using var server = await StartAsync();
        await BudgetAsync(server, """{"minAvailable":2,"unhealthyPodEvictionPolicy":"AlwaysAllow","selector":{"matchLabels":{"app":"web"}}}""", """{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":2,"expectedPods":3}""");
        await RunAsync(server, "ready", "True");
        await RunAsync(server, "unready", "False");
        await server.PostAsync(Pods, Pod("waiting"));

        var refused = await EvictAsync(server, "ready");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("Cannot evict pod as it would violate the pod's disruption budget.", refused.Json["message"]!.GetValue<string>());
        var cause = refused.Json["details"]!["causes"]![0]!;
        Assert.Equal(("DisruptionBudget", "The disruption budget b needs 2 healthy pods and has 1 currently"), (cause["reason"]!.GetValue<string>(), cause["message"]!.GetValue<string>()));
        Assert.Equal(HttpStatusCode.Created, (await EvictAsync(server, "unready")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await EvictAsync(server, "waiting")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{Pods}/waiting")).StatusCode);

        var leaving = (await server.GetAsync($"{Pods}/unready")).Json;
        Assert.NotNull(leaving["metadata"]!["deletionTimestamp"]);
        var condition = leaving["status"]!["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "DisruptionTarget")!;
        Assert.Equal(("True", "EvictionByEvictionAPI", "Eviction API: evicting"), ((string?)condition["status"], (string?)condition["reason"], (string?)condition["message"]));
    }

    [Fact]
    public async Task A_dry_run_spends_nothing_and_a_precondition_is_kept()
    {
        await using var server = await StartAsync();
        await BudgetAsync(server, """{"maxUnavailable":1,"selector":{"matchLabels":{"app":"web"}}}""", """{"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":1,"desiredHealthy":0,"expectedPods":1}""");
        await RunAsync(server, "p", "True");
        Assert.Equal(HttpStatusCode.Created, (await EvictAsync(server, "p", """{"dryRun":["All"]}""")).StatusCode);
        Assert.Null((await server.GetAsync($"{Pods}/p")).Json["metadata"]!["deletionTimestamp"]);
        Assert.Equal(1, (int)(await server.GetAsync($"{Budgets}/b")).Json["status"]!["disruptionsAllowed"]!);

        var other = await EvictAsync(server, "p", """{"preconditions":{"uid":"another"}}""");
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Contains("the UID in the precondition (another) does not match the UID in record", (string?)other.Json["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"observedGeneration":0,"disruptionsAllowed":1,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2}""", 429, "The disruption budget b is still being processed by the server.", 10)]
    [InlineData("""{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":1,"expectedPods":2}""", 429, "The disruption budget b needs 1 healthy pods and has 1 currently", null)]
    [InlineData("""{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2}""", 429, "The disruption budget b does not allow evicting pods currently", null)]
    [InlineData("""{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"Paused","message":"by hand","lastTransitionTime":"2026-01-01T00:00:00Z"}]}""", 429, "The disruption budget b does not allow evicting pods currently (Paused): by hand", null)]
    [InlineData("""{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":1,"expectedPods":2,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"SyncFailed","message":"found no controllers","lastTransitionTime":"2026-01-01T00:00:00Z"}]}""", 429, "The disruption budget b does not allow evicting pods currently because it failed sync: found no controllers", null)]
    public async Task A_refusal_says_why(string status, int code, string cause, int? retryAfter)
    {
        await using var server = await StartAsync();
        await BudgetAsync(server, """{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}""", status);
        await RunAsync(server, "p", "True");
        var refused = await EvictAsync(server, "p");
        Assert.Equal((code, "TooManyRequests"), ((int)refused.StatusCode, (string?)refused.Json["reason"]));
        Assert.Equal(cause, (string?)refused.Json["details"]!["causes"]![0]!["message"]);
        Assert.Equal(retryAfter, (int?)refused.Json["details"]!["retryAfterSeconds"]);
        Assert.Equal(retryAfter?.ToString(System.Globalization.CultureInfo.InvariantCulture), refused.Headers.RetryAfter?.ToString());
    }

    [Fact]
    public async Task Too_many_evictions_that_nobody_has_confirmed_are_forbidden()
    {
        await using var server = await StartAsync();
        var pods = string.Join(',', Enumerable.Range(0, 2001).Select(i => $"\"p{i}\":\"2026-01-01T00:00:00Z\""));
        await BudgetAsync(server, """{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}""", $$$"""{"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2,"disruptedPods":{ {{{pods}}} } }""");
        await RunAsync(server, "p", "True");
        var refused = await EvictAsync(server, "p");
        Assert.Equal((HttpStatusCode.Forbidden, "poddisruptionbudget.policy \"b\" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller"), (refused.StatusCode, (string?)refused.Json["message"]));
        Assert.Equal("DisruptionBudget", (string?)refused.Json["details"]!["causes"]![0]!["reason"]);
    }

    [Fact]
    public async Task Of_two_budgets_for_one_pod_none_is_taken()
    {
        await using var server = await StartAsync();
        await BudgetAsync(server, """{"minAvailable":0,"selector":{"matchLabels":{"app":"web"}}}""", """{"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":1,"desiredHealthy":0,"expectedPods":1}""");
        await server.PostAsync(Budgets, """{"metadata":{"name":"c"},"spec":{"minAvailable":0,"selector":{"matchLabels":{"app":"web"}}}}""");
        await RunAsync(server, "p", "True");
        var refused = await EvictAsync(server, "p");
        Assert.Equal((HttpStatusCode.InternalServerError, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.", null), (refused.StatusCode, (string?)refused.Json["message"], (string?)refused.Json["reason"]));
    }

    [Fact]
    public async Task Of_many_evictions_at_once_only_as_many_go_through_as_the_budget_allows()
    {
        await using var server = await StartAsync();
        await BudgetAsync(server, """{"minAvailable":5,"selector":{"matchLabels":{"app":"web"}}}""", """{"observedGeneration":1,"disruptionsAllowed":3,"currentHealthy":8,"desiredHealthy":5,"expectedPods":8}""");
        for (var i = 0; i < 8; i++)
            await RunAsync(server, $"p{i}", "True");
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => EvictAsync(server, $"p{i}")));
        Assert.Equal((3, 5), (answers.Count(a => a.StatusCode == HttpStatusCode.Created), answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests)));
        var budget = (await server.GetAsync($"{Budgets}/b")).Json["status"]!;
        Assert.Equal((0, 3, "InsufficientPods"), ((int)budget["disruptionsAllowed"]!, budget["disruptedPods"]!.AsObject().Count, (string?)budget["conditions"]![0]!["reason"]));
    }

    private static string Pod(string name) => $$$"""{"metadata":{"name":"{{{name}}}","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"busybox"}]}}""";

    private static async Task<TestApiServer> StartAsync()
    {
        var server = await TestApiServer.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""")).StatusCode);
        return server;
    }

    private static async Task RunAsync(TestApiServer server, string name, string ready)
    {
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Pods, Pod(name))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{Pods}/{name}/binding", $$$"""{"metadata":{"name":"{{{name}}}"},"target":{"kind":"Node","name":"n1"}}""")).StatusCode);
        var running = await server.PatchAsync($"{Pods}/{name}/status", $$$"""{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"{{{ready}}}"}]}}""");
        Assert.True(running.StatusCode == HttpStatusCode.OK, running.Body);
    }

    private static async Task BudgetAsync(TestApiServer server, string spec, string status)
    {
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Budgets, $$"""{"metadata":{"name":"b"},"spec":{{spec}}}""")).StatusCode);
        var written = await server.PatchAsync($"{Budgets}/b/status", $$"""{"status":{{status}}}""");
        Assert.True(written.StatusCode == HttpStatusCode.OK, written.Body);
    }

    private static Task<TestResponse> EvictAsync(TestApiServer server, string name, string? options = null)
    {
        var eviction = new JsonObject { ["apiVersion"] = "policy/v1", ["kind"] = "Eviction", ["metadata"] = new JsonObject { ["name"] = name } };
        if (options is not null) eviction["deleteOptions"] = JsonNode.Parse(options);
        return server.PostAsync($"{Pods}/{name}/eviction", eviction.ToJsonString());
    }
}
