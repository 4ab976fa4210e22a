using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class SubresourceTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    private static async Task<TestApiServer> StartAsync()
    {
        var server = await TestApiServer.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""")).StatusCode);
        return server;
    }

    private static Task<TestResponse> CreatePodAsync(TestApiServer server, string name) =>
        server.PostAsync(Pods, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"busybox"}]}}""");

    [Fact]
    public async Task Scale_reads_and_writes_the_replicas_of_a_deployment()
    {
        await using var server = await StartAsync();
        var created = await server.PostAsync(Deployments, """{"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal(1, created.Json["metadata"]!["generation"]!.GetValue<int>());

        var scale = (await server.GetAsync($"{Deployments}/d/scale")).Json;
        Assert.Equal("Scale", scale["kind"]!.GetValue<string>());
        Assert.Equal(2, scale["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal("app=x", scale["status"]!["selector"]!.GetValue<string>());
        scale["spec"]!["replicas"] = 5;
        Assert.Equal(HttpStatusCode.OK, (await server.PutAsync($"{Deployments}/d/scale", scale.ToJsonString())).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await server.PutAsync($"{Deployments}/d/scale", scale.ToJsonString())).StatusCode);
        Assert.Equal(7, (await server.PatchAsync($"{Deployments}/d/scale", """{"spec":{"replicas":7}}""")).Json["spec"]!["replicas"]!.GetValue<int>());

        var deployment = (await server.GetAsync($"{Deployments}/d")).Json;
        Assert.Equal(7, deployment["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal(3, deployment["metadata"]!["generation"]!.GetValue<int>());
    }

    [Fact]
    public async Task Status_and_spec_are_written_through_their_own_doors()
    {
        await using var server = await StartAsync();
        await server.PostAsync(Deployments, """{"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");

        var byStatus = (await server.PatchAsync($"{Deployments}/d/status", """{"spec":{"replicas":9},"status":{"replicas":1},"metadata":{"annotations":{"k":"v"}}}""")).Json;
        Assert.Equal((2, 1), (byStatus["spec"]!["replicas"]!.GetValue<int>(), byStatus["status"]!["replicas"]!.GetValue<int>()));
        Assert.Equal("v", byStatus["metadata"]!["annotations"]!["k"]!.GetValue<string>());
        Assert.Equal(1, byStatus["metadata"]!["generation"]!.GetValue<int>());
        var bySpec = (await server.PatchAsync($"{Deployments}/d", """{"spec":{"replicas":3},"status":{"replicas":8}}""")).Json;
        Assert.Equal((3, 1), (bySpec["spec"]!["replicas"]!.GetValue<int>(), bySpec["status"]!["replicas"]!.GetValue<int>()));
        Assert.Equal(2, bySpec["metadata"]!["generation"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_pod_is_bound_once()
    {
        await using var server = await StartAsync();
        await CreatePodAsync(server, "p");
        const string Binding = """{"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}""";

        var nominated = await server.PatchAsync($"{Pods}/p/status", """{"status":{"nominatedNodeName":"n2"}}""");
        Assert.Equal("n2", (string?)nominated.Json["status"]!["nominatedNodeName"]);
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{Pods}/p/binding", Binding)).StatusCode);
        var again = await server.PostAsync($"{Pods}/p/binding", Binding);

        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        Assert.Contains("pod p is already assigned to node \"n1\"", again.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        var pod = (await server.GetAsync($"{Pods}/p")).Json;
        Assert.Equal("n1", pod["spec"]!["nodeName"]!.GetValue<string>());
        Assert.Null(pod["status"]!["nominatedNodeName"]);
        Assert.Contains(pod["status"]!["conditions"]!.AsArray(), c => c!["type"]!.GetValue<string>() == "PodScheduled" && c["status"]!.GetValue<string>() == "True");
        Assert.Single((await server.GetAsync("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task A_bound_pod_gets_its_grace_and_goes_at_once_when_forced()
    {
        await using var server = await StartAsync();
        await CreatePodAsync(server, "p");
        await server.PostAsync($"{Pods}/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}""");

        var deleted = await server.DeleteAsync($"{Pods}/p");
        Assert.Equal(30, deleted.Json["metadata"]!["deletionGracePeriodSeconds"]!.GetValue<int>());
        var longer = await server.DeleteAsync($"{Pods}/p?gracePeriodSeconds=60");
        Assert.Equal(30, longer.Json["metadata"]!["deletionGracePeriodSeconds"]!.GetValue<int>());
        var shorter = await server.DeleteAsync($"{Pods}/p?gracePeriodSeconds=5");
        Assert.Equal(5, shorter.Json["metadata"]!["deletionGracePeriodSeconds"]!.GetValue<int>());
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Pods}/p", """{"gracePeriodSeconds":0}""")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{Pods}/p")).StatusCode);
    }

    [Fact]
    public async Task An_eviction_spends_the_disruption_budget_and_is_refused_when_it_is_spent()
    {
        await using var server = await StartAsync();
        foreach (var name in (string[])["p1", "p2"])
        {
            await CreatePodAsync(server, name);
            await server.PostAsync($"{Pods}/{name}/binding", $$$"""{"metadata":{"name":"{{{name}}}"},"target":{"kind":"Node","name":"n1"}}""");
            await server.PatchAsync($"{Pods}/{name}/status", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}""");
        }
        const string Budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        await server.PostAsync(Budgets, """{"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}}""");
        const string Eviction = """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p1"}}""";

        var unprocessed = await server.PostAsync($"{Pods}/p1/eviction", Eviction);
        Assert.Equal(HttpStatusCode.TooManyRequests, unprocessed.StatusCode);
        Assert.Equal("The disruption budget b is still being processed by the server.", unprocessed.Json["details"]!["causes"]![0]!["message"]!.GetValue<string>());
        Assert.True(unprocessed.Headers.RetryAfter is not null);
        var budget = await server.PatchAsync($"{Budgets}/b/status", """{"status":{"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2}}""");
        Assert.Equal(HttpStatusCode.OK, budget.StatusCode);

        var evicted = await server.PostAsync($"{Pods}/p1/eviction", Eviction);
        Assert.Equal(HttpStatusCode.Created, evicted.StatusCode);
        var refused = await server.PostAsync($"{Pods}/p2/eviction", Eviction.Replace("p1", "p2", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("DisruptionBudget", refused.Json["details"]!["causes"]![0]!["reason"]!.GetValue<string>());
        Assert.NotNull((await server.GetAsync($"{Pods}/p1")).Json["metadata"]!["deletionTimestamp"]);
        Assert.True((await server.GetAsync($"{Budgets}/b")).Json["status"]!["disruptedPods"]!.AsObject().ContainsKey("p1"));
    }

    [Fact]
    public async Task A_namespace_terminates_until_it_is_finalized()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"doomed"}}""");

        var deleted = (await server.DeleteAsync("/api/v1/namespaces/doomed")).Json;
        Assert.Equal("Terminating", deleted["status"]!["phase"]!.GetValue<string>());
        var inside = await server.PostAsync("/api/v1/namespaces/doomed/configmaps", """{"metadata":{"name":"a"}}""");
        Assert.Equal(HttpStatusCode.Forbidden, inside.StatusCode);
        var current = (await server.GetAsync("/api/v1/namespaces/doomed")).Json;
        current["spec"] = new JsonObject();
        Assert.Equal(HttpStatusCode.OK, (await server.PutAsync("/api/v1/namespaces/doomed/finalize", current.ToJsonString())).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/api/v1/namespaces/doomed")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.PostAsync("/api/v1/namespaces/doomed/configmaps", """{"metadata":{"name":"a"}}""")).StatusCode);
    }

    [Fact]
    public async Task Events_of_both_groups_are_one_storage()
    {
        await using var server = await TestApiServer.StartAsync();
        var core = await server.PostAsync("/api/v1/namespaces/default/events", """{"metadata":{"name":"e1"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"R","message":"hello","source":{"component":"me"},"type":"Normal"}""");
        Assert.Equal(HttpStatusCode.Created, core.StatusCode);

        var served = (await server.GetAsync("/apis/events.k8s.io/v1/namespaces/default/events/e1")).Json;
        Assert.Equal("events.k8s.io/v1", served["apiVersion"]!.GetValue<string>());
        Assert.Equal("hello", served["note"]!.GetValue<string>());
        Assert.Equal("p", served["regarding"]!["name"]!.GetValue<string>());
        // The newer version takes what the older one made only as it is.
        var refused = await server.PatchAsync("/apis/events.k8s.io/v1/namespaces/default/events/e1", """{"note":"bye"}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        var patched = await server.PatchAsync("/api/v1/namespaces/default/events/e1", """{"message":"bye"}""");
        Assert.Equal(HttpStatusCode.OK, patched.StatusCode);
        Assert.Equal("bye", (await server.GetAsync("/apis/events.k8s.io/v1/namespaces/default/events/e1")).Json["note"]!.GetValue<string>());
        Assert.Single((await server.GetAsync("/api/v1/events?fieldSelector=involvedObject.name%3Dp,source%3Dme")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task A_collection_is_deleted_by_selector()
    {
        await using var server = await TestApiServer.StartAsync();
        const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
        foreach (var name in (string[])["a", "b", "c"])
            await server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"set":"{{{(name == "b" ? "keep" : "go")}}}" } } }""");

        var deleted = await server.DeleteAsync($"{ConfigMaps}?labelSelector=set%3Dgo");

        Assert.Equal(2, deleted.Json["items"]!.AsArray().Count);
        Assert.Equal(["b"], (await server.GetAsync($"{ConfigMaps}?labelSelector=set")).Json["items"]!.AsArray().Select(i => i!["metadata"]!["name"]!.GetValue<string>()));
    }
}
