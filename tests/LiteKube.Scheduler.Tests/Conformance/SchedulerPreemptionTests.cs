using System.Net;
using System.Text.Json.Nodes;

namespace LiteKube.Scheduler.Tests.Conformance;

/// <summary>[sig-scheduling] SchedulerPreemption [Serial], what its four conformance specs ask for.</summary>
public sealed class SchedulerPreemptionTests : IAsyncLifetime
{
    private const string Resource = "scheduling.k8s.io/foo";
    private const string FakeCpu = "example.com/fakecpu";
    private SchedulingCluster _cluster = null!;

    public async Task InitializeAsync()
    {
        _cluster = await SchedulingCluster.StartAsync();
        foreach (var (name, value) in ((string, int)[])[("low", 1), ("medium", 100), ("high", 1000), ("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)])
            await _cluster.CreateAsync("/apis/scheduling.k8s.io/v1/priorityclasses", $$$"""{"metadata":{"name":"{{{name}}}"},"value":{{{value}}}}""");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Validates_basic_preemption_works()
    {
        await FillAsync();
        await _cluster.PodAsync("preemptor-pod", Spec("high", Resource, "2"));
        await _cluster.RunningAsync("preemptor-pod");
        await OnlyTheLowestWentAsync();
    }

    [Fact]
    public async Task Validates_lower_priority_pod_preemption_by_critical_pod()
    {
        await FillAsync();
        await _cluster.PodAsync("critical-pod", Spec("system-cluster-critical", Resource, "2"), ns: "kube-system");
        await _cluster.RunningAsync("critical-pod", "kube-system");
        await OnlyTheLowestWentAsync();
    }

    [Fact]
    public async Task PreemptionExecutionPath_runs_ReplicaSets_to_verify_preemption_running_path()
    {
        await _cluster.PatchNodeStatusAsync(0, $$"""{"{{FakeCpu}}":"1000"}""");
        var node = _cluster.Nodes.NameOf(0);
        foreach (var (index, amount) in ((int, string)[])[(1, "200"), (2, "300"), (3, "450")])
        {
            await _cluster.CreateAsync($"/apis/apps/v1/namespaces/{SchedulingCluster.Namespace}/replicasets", $$$"""
                {"metadata":{"name":"rs-pod{{{index}}}"},"spec":{"replicas":1,"selector":{"matchLabels":{"name":"pod{{{index}}}"}},
                 "template":{"metadata":{"labels":{"name":"pod{{{index}}}"}},"spec":{"terminationGracePeriodSeconds":0,"nodeSelector":{"kubernetes.io/hostname":"{{{node}}}"},{{{Spec($"p{index}", FakeCpu, amount)}}} } } } }
                """);
            await _cluster.UntilAsync($"/apis/apps/v1/namespaces/{SchedulingCluster.Namespace}/replicasets", set => (string?)set["metadata"]!["name"] == $"rs-pod{index}" && (int?)set["status"]?["availableReplicas"] == 1);
        }
        await using var events = await _cluster.Api.WatchAsync($"/api/v1/namespaces/{SchedulingCluster.Namespace}/pods?watch=true");
        await _cluster.PodAsync("pod4", $"\"nodeSelector\":{{\"kubernetes.io/hostname\":\"{node}\"}},{Spec("p4", FakeCpu, "500")}");

        // Of the first two sets each pod is preempted once and made anew, of the third none: 50 are left, and 450 of it would be too much.
        var seen = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal) { ["pod1"] = [], ["pod2"] = [], ["pod3"] = [], ["pod4"] = [] };
        var unplaced = new HashSet<string>(StringComparer.Ordinal);
        var isBound = false;
        while (!(isBound && seen["pod1"].Count == 2 && seen["pod2"].Count == 2 && unplaced.Count == 2))
        {
            var pod = (await events.NextAsync())!["object"]!;
            var (name, label) = ((string)pod["metadata"]!["name"]!, (string?)pod["metadata"]!["labels"]?["name"] ?? "pod4");
            seen[label].Add(name);
            isBound |= name == "pod4" && (string?)pod["spec"]!["nodeName"] == node;
            // The new ones are told that there is no room for them: the state is stable then.
            if (label is "pod1" or "pod2" && pod["spec"]!["nodeName"] is null && Condition(pod, "PodScheduled")?["reason"]?.ToString() == "Unschedulable")
                unplaced.Add(name);
        }
        Assert.Equal(2, seen["pod1"].Count);
        Assert.Equal(2, seen["pod2"].Count);
        Assert.Single(seen["pod3"]);
    }

    [Fact]
    public async Task PriorityClass_endpoints_verify_PriorityClass_endpoints_can_be_operated_with_different_HTTP_methods()
    {
        const string Classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
        var refused = await _cluster.Api.PatchAsync($"{Classes}/p1", """{"value":10}""", "application/strategic-merge-patch+json");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains("may not be changed in an update", refused.Body, StringComparison.Ordinal);
        var second = (await _cluster.Api.GetAsync($"{Classes}/p2")).Json;
        second["value"] = 20;
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await _cluster.Api.PutAsync($"{Classes}/p2", second.ToJsonString())).StatusCode);

        Assert.Equal(HttpStatusCode.OK, (await _cluster.Api.PatchAsync($"{Classes}/p1", """{"description":"updated description"}""", "application/strategic-merge-patch+json")).StatusCode);
        second["value"] = 2;
        second["description"] = "updated description";
        Assert.Equal(HttpStatusCode.OK, (await _cluster.Api.PutAsync($"{Classes}/p2", second.ToJsonString())).StatusCode);

        var listed = (await _cluster.Api.GetAsync(Classes)).Json["items"]!.AsArray();
        foreach (var (name, value) in ((string, int)[])[("p1", 1), ("p2", 2)])
        {
            var found = listed.Single(item => (string?)item!["metadata"]!["name"] == name)!;
            Assert.Equal((value, "updated description"), ((int)found["value"]!, (string?)found["description"]));
        }
    }

    /// <summary>Two pods of 2 on each node that has 5: the first of low priority, the others of medium.</summary>
    private async Task FillAsync()
    {
        for (var i = 0; i < 4; i++)
        {
            if (i % 2 == 0)
                await _cluster.PatchNodeStatusAsync(i / 2, $$"""{"{{Resource}}":"5"}""");
            var affinity = $$$$"""
                "affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["{{{{_cluster.Nodes.NameOf(i / 2)}}}}"]}]}]}}}
                """;
            await _cluster.PodAsync($"pod{i}", $"{affinity},{Spec(i == 0 ? "low" : "medium", Resource, "2")}");
            await _cluster.RunningAsync($"pod{i}");
        }
    }

    private async Task OnlyTheLowestWentAsync()
    {
        var lowest = await _cluster.FindPodAsync("pod0");
        Assert.True(lowest is null || lowest["metadata"]!["deletionTimestamp"] is not null);
        for (var i = 1; i < 4; i++)
            Assert.Null((await _cluster.FindPodAsync($"pod{i}"))!["metadata"]!["deletionTimestamp"]);
        await _cluster.UntilAsync($"/api/v1/namespaces/{SchedulingCluster.Namespace}/events", e => (string?)e["reason"] == "Preempted" && (string?)e["involvedObject"]!["name"] == "pod0");
    }

    private static JsonNode? Condition(JsonNode pod, string type) => pod["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string?)condition!["type"] == type);

    private static string Spec(string priorityClass, string resource, string amount) => $$$$"""
        "priorityClassName":"{{{{priorityClass}}}}","containers":[{"name":"pause","image":"pause","resources":{"requests":{"{{{{resource}}}}":"{{{{amount}}}}"},"limits":{"{{{{resource}}}}":"{{{{amount}}}}"}}}]
        """;
}
