using System.Net;
using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.StatefulSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.StatefulSets;

/// <summary>What the conformance specs "[sig-apps] StatefulSet" ask for, on a real API server. Each test names its spec.</summary>
public sealed class StatefulSetConformanceTests : WorkloadTest
{
    private const string Path = "/apis/apps/v1/namespaces/default/statefulsets";

    protected override Task StartWorkloadsAsync() =>
        StartAsync(new StatefulSetController(Client("statefulset-controller"), Informers, Events, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));

    /// <summary>"should perform rolling updates and roll backs of template modifications"</summary>
    [Fact]
    public async Task Should_perform_rolling_updates_and_roll_backs_of_template_modifications()
    {
        await CreateAsync(3);
        var ready = await AllReadyAsync(3, "one");
        var first = ready.Status.CurrentRevision;
        Assert.Equal(first, ready.Status.UpdateRevision);
        Assert.All(Pods(), p => Assert.Equal(first, p.Metadata.Labels["controller-revision-hash"]));

        // While a pod is not ready the update is known, and waits.
        Kubelet.Set("web-1", PodMood.Unready);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.ReadyReplicas == 2, "one unready pod in the status");
        await SetImageAsync("two");
        var waiting = await UntilAsync<V1StatefulSet>("web", s => s!.Status.ObservedGeneration == s.Metadata.Generation && s.Status.UpdateRevision != first, "the new revision in the status");
        Assert.Equal(first, waiting.Status.CurrentRevision);
        Assert.All(Pods(), p => Assert.Equal("one", p.Spec.Containers[0].Image));

        await using var watch = await Server.WatchAsync("/api/v1/namespaces/default/pods?watch=true&resourceVersion=" + waiting.Metadata.ResourceVersion);
        Kubelet.Set("web-1", PodMood.Ready);
        var updated = await AllReadyAsync(3, "two");
        Assert.Equal((waiting.Status.UpdateRevision, 3, 3), (updated.Status.CurrentRevision, updated.Status.CurrentReplicas, updated.Status.UpdatedReplicas));
        Assert.Equal(["DELETED web-2", "ADDED web-2", "DELETED web-1", "ADDED web-1", "DELETED web-0", "ADDED web-0"], await TakeAsync(watch, 6, "ADDED", "DELETED"));

        await SetImageAsync("one");
        var back = await AllReadyAsync(3, "one");
        Assert.Equal((first, first), (back.Status.CurrentRevision, back.Status.UpdateRevision));
        var revisions = (await Admin.ListAsync<V1ControllerRevision>(Ns, new ListOptions(), default)).Items;
        Assert.Equal([(first, 3L), (waiting.Status.UpdateRevision, 2L)], revisions.Select(r => (r.Metadata.Name, r.Revision)).OrderByDescending(r => r.Revision));
    }

    /// <summary>"should perform canary updates and phased rolling updates of template modifications"</summary>
    [Fact]
    public async Task Should_perform_canary_updates_and_phased_rolling_updates_of_template_modifications()
    {
        await CreateAsync(3, """ "updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":3}}, """);
        var first = (await AllReadyAsync(3, "one")).Status.CurrentRevision;
        await SetImageAsync("two");
        var known = await UntilAsync<V1StatefulSet>("web", s => s!.Status.UpdateRevision != first && s.Status.ObservedGeneration == s.Metadata.Generation, "the new revision");
        Assert.Equal(["one", "one", "one"], Images());

        await PartitionAsync(2);
        await ImagesAsync("one", "one", "two");
        Assert.Equal(first, (await SettledAsync()).Status.CurrentRevision);

        // Pods that are deleted in between come back as they were, below and above the partition.
        foreach (var pod in (string[])["web-0", "web-2"])
        {
            var uid = (await Admin.GetAsync<V1Pod>(Ns, pod, default)).Metadata.Uid;
            await Admin.DeleteAsync<V1Pod>(Ns, pod, new DeleteOptions(), default);
            await UntilAsync<V1Pod>(pod, p => p is not null && p.Metadata.Uid != uid, $"{pod} again");
        }
        await ImagesAsync("one", "one", "two");

        await PartitionAsync(1);
        await ImagesAsync("one", "two", "two");
        await PartitionAsync(0);
        Assert.Equal(known.Status.UpdateRevision, (await AllReadyAsync(3, "two")).Status.CurrentRevision);
    }

    /// <summary>"Scaling should happen in predictable order and halt if any stateful pod is unhealthy"</summary>
    [Fact]
    public async Task Scaling_should_happen_in_predictable_order_and_halt_if_any_stateful_pod_is_unhealthy()
    {
        await using var watch = await Server.WatchAsync("/api/v1/namespaces/default/pods?watch=true");
        Kubelet.Set("web-0", PodMood.Unready);
        await CreateAsync(3);
        await UntilAsync<V1StatefulSet>("web", s => s?.Status is { Replicas: 1, ObservedGeneration: 1 }, "the first pod in the status");
        await HoldsAsync("web-0");
        Kubelet.Set("web-0", PodMood.Ready);
        await AllReadyAsync(3, "one");
        Assert.Equal(["ADDED web-0", "ADDED web-1", "ADDED web-2"], await TakeAsync(watch, 3, "ADDED"));

        foreach (var pod in (string[])["web-0", "web-1", "web-2"])
            Kubelet.Set(pod, PodMood.Unready);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.ReadyReplicas is null, "unready pods in the status");
        await ScaleAsync(0);
        await HoldsAsync("web-0", "web-1", "web-2");
        foreach (var pod in (string[])["web-0", "web-1", "web-2"])
            Kubelet.Set(pod, PodMood.Ready);
        await UntilAllAsync<V1Pod>(pods => pods.Count == 0, "no pods");
        Assert.Equal(["DELETED web-2", "DELETED web-1", "DELETED web-0"], await TakeAsync(watch, 3, "DELETED"));
    }

    /// <summary>"Burst scaling should run to completion even with unhealthy pods"</summary>
    [Fact]
    public async Task Burst_scaling_should_run_to_completion_even_with_unhealthy_pods()
    {
        Kubelet.Mood = PodMood.Unready;
        await CreateAsync(1, """ "podManagementPolicy":"Parallel", """);
        await UntilAsync<V1StatefulSet>("web", s => s?.Status?.Replicas == 1, "one pod");
        await ScaleAsync(3);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.Replicas == 3, "three pods, none of them ready");
        await ScaleAsync(0);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.Replicas == 0, "no pods");
        Assert.Empty(Pods());
    }

    /// <summary>"Should recreate evicted statefulset"</summary>
    [Fact]
    public async Task Should_recreate_evicted_statefulset()
    {
        Kubelet.Set("web-0", PodMood.Failed);
        await CreateAsync(1);
        var failed = await UntilAsync<V1Pod>("web-0", p => p?.Status?.Phase == "Failed", "a failed pod");
        await UntilAsync<V1Pod>("web-0", p => p is not null && p.Metadata.Uid != failed.Metadata.Uid, "another pod in its place");
        Kubelet.Set("web-0", PodMood.Ready);
        await AllReadyAsync(1, "one");
        Assert.Contains("Normal SuccessfulDelete delete Pod web-0 in StatefulSet web successful", Events.All);
        Assert.Contains("Normal SuccessfulCreate create Pod web-0 in StatefulSet web successful", Events.All);
    }

    /// <summary>"should have a working scale subresource"</summary>
    [Fact]
    public async Task Should_have_a_working_scale_subresource()
    {
        await CreateAsync(1);
        await AllReadyAsync(1, "one");
        var scale = (await Server.GetAsync(Path + "/web/scale")).Json;
        Assert.Equal((1, 1, "app=web"), ((int)scale["spec"]!["replicas"]!, (int)scale["status"]!["replicas"]!, (string?)scale["status"]!["selector"]));
        scale["spec"]!["replicas"] = 2;
        Assert.Equal(HttpStatusCode.OK, (await Server.PutAsync(Path + "/web/scale", scale.ToJsonString())).StatusCode);
        await AllReadyAsync(2, "one");
        var patched = await Server.PatchAsync(Path + "/web/scale", """{"spec":{"replicas":4}}""");
        Assert.Equal(4, (int)patched.Json["spec"]!["replicas"]!);
        await AllReadyAsync(4, "one");
    }

    /// <summary>"should list, patch and delete a collection of StatefulSets"</summary>
    [Fact]
    public async Task Should_list_patch_and_delete_a_collection_of_StatefulSets()
    {
        var collector = new GarbageCollector(Client("generic-garbage-collector"), Events, NullLoggerFactory.Instance, TimeProvider.System);
        await collector.StartAsync(default);
        await CreateAsync(1);
        await AllReadyAsync(1, "one");
        Assert.Single((await Server.GetAsync("/apis/apps/v1/statefulsets?labelSelector=team%3Da")).Json["items"]!.AsArray());
        var patched = await Server.PatchAsync(Path + "/web", """{"metadata":{"labels":{"team":"patched"}},"spec":{"replicas":2,"template":{"spec":{"terminationGracePeriodSeconds":0}}}}""", "application/strategic-merge-patch+json");
        Assert.Equal(HttpStatusCode.OK, patched.StatusCode);
        await AllReadyAsync(2, "one");
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(Path + "?labelSelector=team%3Dpatched", """{"gracePeriodSeconds":0,"propagationPolicy":"Foreground"}""")).StatusCode);
        await UntilAllAsync<V1StatefulSet>(sets => sets.Count == 0, "no sets");
        Assert.Empty((await Admin.ListAsync<V1Pod>(Ns, new ListOptions(), default)).Items);
        await UntilAllAsync<V1ControllerRevision>(revisions => revisions.Count == 0, "no revisions");
        await collector.StopAsync(default);
    }

    /// <summary>"should validate Statefulset Status endpoints"</summary>
    [Fact]
    public async Task Should_validate_Statefulset_Status_endpoints()
    {
        await CreateAsync(1);
        await AllReadyAsync(1, "one");
        var set = (await Server.GetAsync(Path + "/web/status")).Json;
        set["status"]!["conditions"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject { ["type"] = "StatusUpdate", ["status"] = "True", ["reason"] = "E2E", ["message"] = "Set from e2e test" });
        var updated = await Server.PutAsync(Path + "/web/status", set.ToJsonString());
        Assert.True(updated.StatusCode == HttpStatusCode.OK, updated.Body);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.Conditions?.Any(c => c.Type == "StatusUpdate") == true, "the updated status");
        var patched = await Server.PatchAsync(Path + "/web/status", """{"status":{"conditions":[{"type":"StatusPatched","status":"True"}]}}""");
        Assert.True(patched.StatusCode == HttpStatusCode.OK, patched.Body);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.Conditions?.Any(c => c.Type == "StatusPatched") == true, "the patched status");
        // The counts are the controller's, the conditions others': each leaves the other's alone.
        await ScaleAsync(2);
        var scaled = await AllReadyAsync(2, "one");
        Assert.Contains(scaled.Status.Conditions, c => c.Type == "StatusPatched");
    }

    private Task CreateAsync(int replicas, string more = "") => CreateAsync(Path, $$$"""
        {"metadata":{"name":"web","labels":{"team":"a"}},"spec":{"replicas":{{{replicas}}},"serviceName":"svc",{{{more}}}"selector":{"matchLabels":{"app":"web"}},
         "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"one"}]} } } }
        """);

    private Task SetImageAsync(string image) =>
        Admin.PatchAsync<V1StatefulSet>(Ns, "web", KubePatch.StrategicMerge(Encoding.UTF8.GetBytes($$$"""{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"{{{image}}}"}]} } } }""")), null, default);

    private Task ScaleAsync(int replicas) => PatchAsync<V1StatefulSet>("web", $$$"""{"spec":{"replicas":{{{replicas}}} } }""");

    private Task PartitionAsync(int partition) => PatchAsync<V1StatefulSet>("web", $$$"""{"spec":{"updateStrategy":{"rollingUpdate":{"partition":{{{partition}}} } } } }""");

    private Task<V1StatefulSet> AllReadyAsync(int replicas, string image) => UntilAsync<V1StatefulSet>("web", s =>
        s?.Status is { } status && status.ObservedGeneration == s.Metadata.Generation && status.Replicas == replicas && (status.ReadyReplicas ?? 0) == replicas
        && (status.UpdatedReplicas ?? 0) == replicas && (status.AvailableReplicas ?? 0) == replicas && status.CurrentRevision == status.UpdateRevision && s.Spec.Template.Spec.Containers[0].Image == image,
        $"{replicas} ready pods of image {image}");

    private Task<V1StatefulSet> SettledAsync() => UntilAsync<V1StatefulSet>("web", s => s!.Status.ReadyReplicas == 3 && s.Status.ObservedGeneration == s.Metadata.Generation, "three ready pods");

    private Task ImagesAsync(params string[] images) => UntilAllAsync<V1Pod>(pods => pods.Select(p => p.Spec.Containers[0].Image).SequenceEqual(images) && pods.All(p => p.Status?.Phase == "Running"), string.Join(", ", images));

    private List<V1Pod> Pods() => [.. Informers.Get<V1Pod>().List(Ns).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal)];

    private List<string> Images() => [.. Pods().Select(p => p.Spec.Containers[0].Image)];

    /// <summary>A further round of the controller, brought about by a change that means nothing, leaves just these pods.</summary>
    private async Task HoldsAsync(params string[] pods)
    {
        var before = await PatchAsync<V1StatefulSet>("web", """{"spec":{"revisionHistoryLimit":7}}""");
        var after = await PatchAsync<V1StatefulSet>("web", """{"spec":{"revisionHistoryLimit":8}}""");
        Assert.NotEqual(before.Metadata.Generation, after.Metadata.Generation);
        await UntilAsync<V1StatefulSet>("web", s => s!.Status.ObservedGeneration == after.Metadata.Generation, "the next round of the controller");
        Assert.Equal(pods, Pods().Where(p => p.Metadata.DeletionTimestamp is null).Select(p => p.Metadata.Name));
    }

    private static async Task<List<string>> TakeAsync(LiteKube.Testing.TestWatch watch, int count, params string[] types)
    {
        var taken = new List<string>();
        while (taken.Count < count && await watch.NextAsync() is { } next)
        {
            if (types.Contains((string?)next["type"]))
                taken.Add($"{next["type"]} {next["object"]!["metadata"]!["name"]}");
        }
        return taken;
    }
}
