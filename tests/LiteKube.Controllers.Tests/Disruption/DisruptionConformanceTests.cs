using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Disruption;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Disruption;

/// <summary>What the conformance specs "[sig-apps] DisruptionController" ask for, on a real API server, and what else budgets and evictions do together. Conformance tests name their spec.</summary>
public sealed class DisruptionConformanceTests : WorkloadTest
{
    private const string Path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    private const string Pods = "/api/v1/namespaces/default/pods";

    protected override async Task StartWorkloadsAsync()
    {
        await StartAsync(new DisruptionController(Client("disruption-controller"), Informers, Events, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new StaleDisruptionCleaner(Client("disruption-controller"), Informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
    }

    /// <summary>"should create a PodDisruptionBudget"</summary>
    [Fact]
    public async Task Should_create_a_PodDisruptionBudget()
    {
        await BudgetAsync("""{"minAvailable":"1%","selector":{"matchLabels":{"app":"web"}}}""");
        await ProcessedAsync();
        var patched = await PatchAsync<V1PodDisruptionBudget>("b", """{"spec":{"minAvailable":"2%"}}""");
        Assert.Equal("2%", patched.Spec.MinAvailable.Value);
        await ProcessedAsync(2);
        var read = (await Server.GetAsync(Path + "/b")).Json;
        read["spec"]!["minAvailable"] = "3%";
        Assert.Equal(HttpStatusCode.OK, (await Server.PutAsync(Path + "/b", read.ToJsonString())).StatusCode);
        await ProcessedAsync(3);
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(Path + "/b")).StatusCode);
        await UntilAllAsync<V1PodDisruptionBudget>(all => all.Count == 0, "no budgets");
    }

    /// <summary>"Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets"</summary>
    [Fact]
    public async Task Should_list_and_delete_a_collection_of_PodDisruptionBudgets()
    {
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"other"}}""");
        foreach (var (ns, name) in ((string, string)[])[(Ns, "b"), (Ns, "c"), ("other", "d")])
            await CreateAsync($"/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets", $$$"""{"metadata":{"name":"{{{name}}}","labels":{"team":"a"}},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"web"} } } }""");
        Assert.Equal(3, (await Server.GetAsync("/apis/policy/v1/poddisruptionbudgets?labelSelector=team%3Da")).Json["items"]!.AsArray().Count);
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(Path + "?labelSelector=team%3Da")).StatusCode);
        Assert.Equal(["d"], (await Server.GetAsync("/apis/policy/v1/poddisruptionbudgets")).Json["items"]!.AsArray().Select(i => (string?)i!["metadata"]!["name"]));
    }

    /// <summary>"should observe PodDisruptionBudget status updated"</summary>
    [Fact]
    public async Task Should_observe_PodDisruptionBudget_status_updated()
    {
        await BudgetAsync("""{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}""");
        await ProcessedAsync();
        Assert.Contains("Normal NoPods No matching pods found", Events.All);
        await PodsAsync(3);
        await AllowedAsync(2);
    }

    /// <summary>"should update/patch PodDisruptionBudget status"</summary>
    [Fact]
    public async Task Should_update_and_patch_PodDisruptionBudget_status()
    {
        await BudgetAsync("""{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}""");
        await PodsAsync(1);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status?.CurrentHealthy == 1, "a healthy pod");
        var read = (await Server.GetAsync(Path + "/b/status")).Json;
        read["status"]!["disruptedPods"] = new JsonObject { ["p0"] = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture) };
        Assert.Equal(HttpStatusCode.OK, (await Server.PutAsync(Path + "/b/status", read.ToJsonString())).StatusCode);
        // The controller keeps it, as the pod is there, and does not count it as healthy.
        await UntilAsync<V1PodDisruptionBudget>("b", b => b!.Status.CurrentHealthy == 0 && b.Status.DisruptedPods?.ContainsKey("p0") == true, "the disrupted pod");
        var patched = await Server.PatchAsync(Path + "/b/status", """{"status":{"disruptedPods":null}}""");
        Assert.True(patched.StatusCode == HttpStatusCode.OK && patched.Json["status"]!["disruptedPods"] is null, patched.Body);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b!.Status.CurrentHealthy == 1, "a healthy pod again");
    }

    /// <summary>"should block an eviction until the PDB is updated to allow it"</summary>
    [Fact]
    public async Task Should_block_an_eviction_until_the_PDB_is_updated_to_allow_it()
    {
        await BudgetAsync("""{"minAvailable":3,"selector":{"matchLabels":{"app":"web"}}}""");
        await PodsAsync(3);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status?.CurrentHealthy == 3, "three healthy pods");
        AssertBlocked(await EvictAsync("p0"), "The disruption budget b needs 3 healthy pods and has 3 currently");

        await PatchAsync<V1PodDisruptionBudget>("b", """{"spec":{"minAvailable":2}}""");
        await AllowedAsync(1);
        Kubelet.LetsGo = false;
        Assert.Equal(HttpStatusCode.Created, (await EvictAsync("p0")).StatusCode);
        // Until the controller has counted anew the eviction itself has spent the allowance.
        AssertBlocked(await EvictAsync("p1"));
        await UntilAsync<V1PodDisruptionBudget>("b", b => b!.Status is { CurrentHealthy: 2, DisruptionsAllowed: 0, DisruptedPods: null or { Count: 0 } }, "the evicted pod seen going");
        AssertBlocked(await EvictAsync("p1"), "The disruption budget b needs 2 healthy pods and has 2 currently");

        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(Path + "/b")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await EvictAsync("p1")).StatusCode);
    }

    [Fact]
    public async Task A_share_is_counted_by_the_scale_of_the_pods_controllers()
    {
        await CreateAsync("/apis/apps/v1/namespaces/default/replicasets", Workload("ReplicaSet", "rs", 2));
        await CreateAsync("/apis/apps/v1/namespaces/default/statefulsets", Workload("StatefulSet", "sts", 3));
        await CreateAsync("/api/v1/namespaces/default/replicationcontrollers", """{"metadata":{"name":"rc"},"spec":{"replicas":1,"selector":{"app":"rc"},"template":{"metadata":{"labels":{"app":"rc"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        await CreateAsync("/apis/apps/v1/namespaces/default/deployments", Workload("Deployment", "deploy", 4));
        var deployment = await Admin.GetAsync<V1Deployment>(Ns, "deploy", default);
        await CreateAsync("/apis/apps/v1/namespaces/default/replicasets", Workload("ReplicaSet", "part", 1, $$$"""[{"apiVersion":"apps/v1","kind":"Deployment","name":"deploy","uid":"{{{deployment.Metadata.Uid}}}","controller":true}]"""));
        await BudgetAsync("""{"maxUnavailable":"50%","selector":{"matchLabels":{"app":"web"}}}""");
        foreach (var (name, kind, apiVersion, uid) in ((string, string, string, string)[])[
            ("rs", "ReplicaSet", "apps/v1", (await Admin.GetAsync<V1ReplicaSet>(Ns, "rs", default)).Metadata.Uid),
            ("part", "ReplicaSet", "apps/v1", (await Admin.GetAsync<V1ReplicaSet>(Ns, "part", default)).Metadata.Uid),
            ("sts", "StatefulSet", "apps/v1", (await Admin.GetAsync<V1StatefulSet>(Ns, "sts", default)).Metadata.Uid),
            ("rc", "ReplicationController", "v1", (await Admin.GetAsync<V1ReplicationController>(Ns, "rc", default)).Metadata.Uid)])
        {
            foreach (var i in (int[])[1, 2])
                await PodAsync($"{name}-{i}", apiVersion, kind, name, uid);
        }
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status is { ExpectedPods: 10, DesiredHealthy: 5, CurrentHealthy: 8, DisruptionsAllowed: 3 }, "ten pods expected");
        await PatchAsync<V1Deployment>("deploy", """{"spec":{"replicas":6}}""");
        await UntilAsync<V1PodDisruptionBudget>("b", b => b!.Status is { ExpectedPods: 12, DesiredHealthy: 6, DisruptionsAllowed: 2 }, "twelve pods expected");
    }

    [Fact]
    public async Task The_scale_of_a_custom_controller_is_read_and_one_without_a_scale_fails_the_budget()
    {
        await using var definitions = await Server.WatchAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?watch=true");
        await CreateAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"sets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"sets","kind":"Set"},"versions":[{"name":"v1","served":true,"storage":true,
             "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"replicas":{"type":"integer"}}},"status":{"type":"object","properties":{"replicas":{"type":"integer"}}}}}},
             "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}}}]}}
            """);
        while (await definitions.NextAsync() is { } change && change["object"]!["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Established" && (string?)c["status"] == "True") != true)
            continue;
        var custom = await Server.PostAsync("/apis/example.com/v1/namespaces/default/sets", """{"apiVersion":"example.com/v1","kind":"Set","metadata":{"name":"s"},"spec":{"replicas":4}}""");
        Assert.True(custom.StatusCode == HttpStatusCode.Created, custom.Body);
        await BudgetAsync("""{"maxUnavailable":1,"selector":{"matchLabels":{"app":"web"}}}""");
        await PodAsync("p0", "example.com/v1", "Set", "s", (string)custom.Json["metadata"]!["uid"]!);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status is { ExpectedPods: 4, DesiredHealthy: 3, CurrentHealthy: 1 }, "four pods expected");

        await CreateAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"owner"}}""");
        await PodAsync("p1", "v1", "ConfigMap", "owner", (await Admin.GetAsync<V1ConfigMap>(Ns, "owner", default)).Metadata.Uid);
        var failed = await UntilAsync<V1PodDisruptionBudget>("b", b => b!.Status.Conditions?.Any(c => c.Reason == "SyncFailed") == true, "the failure in the condition");
        Assert.Equal("configmaps does not implement the scale subresource", Assert.Single(failed.Status.Conditions).Message);
        Assert.Equal(0, failed.Status.DisruptionsAllowed);
        Assert.Contains("Warning CalculateExpectedPodCountFailed Failed to calculate the number of expected pods: configmaps does not implement the scale subresource", Events.All);
        AssertBlocked(await EvictAsync("p0"), "The disruption budget b does not allow evicting pods currently because it failed sync: configmaps does not implement the scale subresource");
    }

    [Fact]
    public async Task A_budget_that_has_settled_costs_no_request()
    {
        await BudgetAsync("""{"maxUnavailable":"50%","selector":{"matchLabels":{"app":"web"}}}""");
        await CreateAsync("/apis/apps/v1/namespaces/default/replicasets", Workload("ReplicaSet", "rs", 2));
        await PodAsync("p0", "apps/v1", "ReplicaSet", "rs", (await Admin.GetAsync<V1ReplicaSet>(Ns, "rs", default)).Metadata.Uid);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status is { ExpectedPods: 2, CurrentHealthy: 1 }, "the pod counted");
        Assert.Empty(await RequestsOfAsync(client => new DisruptionController(client, Informers, Events, TimeProvider.System), "b"));
    }

    [Fact]
    public async Task Pods_without_a_controller_are_left_out_of_shares_and_told_of()
    {
        await BudgetAsync("""{"maxUnavailable":1,"selector":{"matchLabels":{"app":"web"}}}""");
        await PodsAsync(1);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status is { ExpectedPods: 0, CurrentHealthy: 1, DisruptionsAllowed: 0 }, "no pods expected");
        Assert.Contains(Events.All, e => e.StartsWith("Warning UnmanagedPods Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_budgets_for_one_pod_are_an_error_of_the_eviction()
    {
        await BudgetAsync("""{"minAvailable":0,"selector":{"matchLabels":{"app":"web"}}}""");
        await CreateAsync(Path, """{"metadata":{"name":"c"},"spec":{"minAvailable":0,"selector":{"matchLabels":{"app":"web"}}}}""");
        await UntilAllAsync<V1PodDisruptionBudget>(all => all.Count == 2, "two budgets");
        await PodsAsync(1);
        var refused = await EvictAsync("p0");
        Assert.Equal((HttpStatusCode.InternalServerError, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.", null), (refused.StatusCode, (string?)refused.Json["message"], (string?)refused.Json["reason"]));
        Assert.Contains(Events.All, e => e.StartsWith("Warning MultiplePodDisruptionBudgets Pod \"default\"/\"p0\" matches multiple PodDisruptionBudgets.  Chose ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("IfHealthyBudget", 1, HttpStatusCode.Created)]
    [InlineData("IfHealthyBudget", 2, HttpStatusCode.TooManyRequests)]
    [InlineData("AlwaysAllow", 2, HttpStatusCode.Created)]
    public async Task An_unready_pod_may_go_by_the_budget_s_policy(string policy, int minAvailable, HttpStatusCode outcome)
    {
        Kubelet.Set("p1", PodMood.Unready);
        await BudgetAsync($$$"""{"minAvailable":{{{minAvailable}}},"unhealthyPodEvictionPolicy":"{{{policy}}}","selector":{"matchLabels":{"app":"web"} } }""");
        await PodsAsync(2);
        await UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status is { CurrentHealthy: 1, ExpectedPods: 2 }, "one healthy pod of two");
        Assert.Equal(outcome, (await EvictAsync("p1")).StatusCode);
    }

    [Fact]
    public async Task The_last_allowance_that_is_spent_shows_in_the_condition_at_once()
    {
        await BudgetAsync("""{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}""");
        await PodsAsync(2);
        await AllowedAsync(1);
        await using var watch = await Server.WatchAsync(Path + "?watch=true&resourceVersion=" + (await Server.GetAsync(Path + "/b")).Json["metadata"]!["resourceVersion"]);
        Assert.Equal(HttpStatusCode.Created, (await EvictAsync("p0")).StatusCode);
        var spent = (await watch.NextAsync())!["object"]!["status"]!;
        Assert.Equal((0, "False", "InsufficientPods"), ((int)spent["disruptionsAllowed"]!, (string?)spent["conditions"]![0]!["status"], (string?)spent["conditions"]![0]!["reason"]));
        Assert.NotNull(spent["disruptedPods"]!["p0"]);
    }

    [Fact]
    public async Task A_pod_that_was_evicted_long_ago_and_is_still_there_loses_the_condition()
    {
        await PodsAsync(1);
        await Admin.PatchAsync<V1Pod>(Ns, "p0", KubePatch.StrategicMerge("""{"status":{"conditions":[{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI","message":"Eviction API: evicting","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"""u8.ToArray()), "status", default);
        var cleared = await UntilAsync<V1Pod>("p0", p => p!.Status.Conditions.Any(c => c is { Type: "DisruptionTarget", Status: "False" }), "the condition taken back");
        Assert.Equal("True", cleared.Status.Conditions.Single(c => c.Type == "Ready").Status);
    }

    private Task BudgetAsync(string spec) => CreateAsync(Path, $$$"""{"metadata":{"name":"b"},"spec":{{{spec}}} }""");

    private async Task PodsAsync(int count)
    {
        for (var i = 0; i < count; i++)
            await CreateAsync(Pods, $$$"""{"metadata":{"name":"p{{{i}}}","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await UntilAllAsync<V1Pod>(pods => pods.Count(p => p.Status?.Phase == "Running") >= count, $"{count} running pods");
    }

    private Task PodAsync(string name, string apiVersion, string kind, string owner, string uid) => CreateAsync(Pods, $$$"""
        {"metadata":{"name":"{{{name}}}","labels":{"app":"web"},"ownerReferences":[{"apiVersion":"{{{apiVersion}}}","kind":"{{{kind}}}","name":"{{{owner}}}","uid":"{{{uid}}}","controller":true}]},"spec":{"containers":[{"name":"c","image":"i"}]}}
        """);

    private static string Workload(string kind, string name, int replicas, string owners = "[]") => $$$"""
        {"kind":"{{{kind}}}","apiVersion":"apps/v1","metadata":{"name":"{{{name}}}","ownerReferences":{{{owners}}} },"spec":{"replicas":{{{replicas}}},"selector":{"matchLabels":{"app":"{{{name}}}"}},"template":{"metadata":{"labels":{"app":"{{{name}}}"}},"spec":{"containers":[{"name":"c","image":"i"}]} } } }
        """;

    private Task<TestResponse> EvictAsync(string pod) => Server.PostAsync($"{Pods}/{pod}/eviction", $$$"""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{{{pod}}}"}}""");

    private Task<V1PodDisruptionBudget> ProcessedAsync(long generation = 1) => UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status?.ObservedGeneration == generation && b.Status.Conditions is { Count: 1 }, "the budget processed");

    private Task<V1PodDisruptionBudget> AllowedAsync(int count) => UntilAsync<V1PodDisruptionBudget>("b", b => b?.Status is { } status && status.ObservedGeneration == b.Metadata.Generation && status.DisruptionsAllowed == count, $"{count} disruptions allowed");

    private static void AssertBlocked(TestResponse response, string? cause = null)
    {
        Assert.True(response.StatusCode == HttpStatusCode.TooManyRequests, response.Body);
        var given = response.Json["details"]!["causes"]![0]!;
        Assert.Equal("DisruptionBudget", (string?)given["reason"]);
        if (cause is not null)
            Assert.Equal(cause, (string?)given["message"]);
    }
}
