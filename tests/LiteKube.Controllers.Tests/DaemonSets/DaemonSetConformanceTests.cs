using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Controllers.DaemonSets;
using LiteKube.Controllers.GarbageCollection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.DaemonSets;

/// <summary>What the conformance specs "[sig-apps] Daemon set [Serial]" ask for, on a real API server with three nodes. Each test names its spec.</summary>
public sealed class DaemonSetConformanceTests : WorkloadTest
{
    private const string Path = "/apis/apps/v1/namespaces/default/daemonsets";
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    protected override async Task StartWorkloadsAsync()
    {
        foreach (var node in (string[])["node-1", "node-2", "node-3"])
            await CreateNodeAsync(node);
        await StartAsync(new DaemonSetController(Client("daemon-set-controller"), Informers, Events, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
    }

    /// <summary>"should run and stop simple daemon"</summary>
    [Fact]
    public async Task Should_run_and_stop_simple_daemon()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        Assert.Equal(["node-1", "node-2", "node-3"], Pods().Select(p => p.Spec.NodeName).Order());
        var victim = Pods()[0];
        await Admin.DeleteAsync<V1Pod>(Ns, victim.Metadata.Name, new DeleteOptions(), default);
        await UntilAllAsync<V1Pod>(pods => pods.Count == 3 && pods.All(p => p.Metadata.Uid != victim.Metadata.Uid && p.Status?.Phase == "Running"), "another pod in its place");
        await ReadyAsync(3);
        Assert.Equal(4, Events.All.Count(e => e.StartsWith("Normal SuccessfulCreate Created pod: daemon-", StringComparison.Ordinal)));
    }

    /// <summary>"should run and stop complex daemon"</summary>
    [Fact]
    public async Task Should_run_and_stop_complex_daemon()
    {
        await CreateSetAsync(""" "nodeSelector":{"color":"blue"}, """);
        await UntilAsync<V1DaemonSet>("daemon", s => s?.Status is { ObservedGeneration: 1, DesiredNumberScheduled: 0 }, "no node wanted");
        await PatchAsync<V1Node>("node-2", """{"metadata":{"labels":{"color":"blue"}}}""");
        await ReadyAsync(1);
        Assert.Equal("node-2", Assert.Single(Pods()).Spec.NodeName);
        await PatchAsync<V1Node>("node-2", """{"metadata":{"labels":{"color":"green"}}}""");
        await UntilAllAsync<V1Pod>(pods => pods.Count == 0, "no pods");
        await UntilAsync<V1DaemonSet>("daemon", s => s!.Status is { DesiredNumberScheduled: 0, NumberMisscheduled: 0 }, "no node wanted");
        await PatchAsync<V1DaemonSet>("daemon", """{"spec":{"template":{"spec":{"nodeSelector":{"color":"green"}}}}}""");
        await ReadyAsync(1);
    }

    [Fact]
    public async Task A_taint_that_daemons_do_not_tolerate_keeps_new_ones_away_and_evicts_standing_ones_if_it_says_so()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        await PatchAsync<V1Node>("node-2", """{"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}}""");
        await UntilAsync<V1DaemonSet>("daemon", s => s!.Status is { DesiredNumberScheduled: 2, NumberMisscheduled: 1, NumberReady: 2 }, "a pod where none should be started");
        await PatchAsync<V1Node>("node-2", """{"spec":{"taints":[{"key":"k","effect":"NoExecute"}]}}""");
        await UntilAllAsync<V1Pod>(pods => pods.Count == 2, "the pod gone");
        await Admin.DeleteAsync<V1Node>(null, "node-2", new DeleteOptions(), default);
        await CreateNodeAsync("node-4");
        await ReadyAsync(3);
        Assert.Equal(["node-1", "node-3", "node-4"], Pods().Select(p => p.Spec.NodeName).Order());
    }

    /// <summary>"should retry creating failed daemon pods"</summary>
    [Fact]
    public async Task Should_retry_creating_failed_daemon_pods()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        var failed = Pods()[1];
        await Admin.PatchAsync<V1Pod>(Ns, failed.Metadata.Name, KubePatch.Merge("""{"status":{"phase":"Failed"}}"""u8.ToArray()), "status", default);
        await UntilAllAsync<V1Pod>(pods => pods.Count == 3 && pods.All(p => p.Metadata.Uid != failed.Metadata.Uid), "another pod in place of the failed one");
        await ReadyAsync(3);
        Assert.Contains($"Warning FailedDaemonPod Found failed daemon pod default/{failed.Metadata.Name} on node {failed.Spec.NodeName}, will try to kill it", Events.All);
    }

    /// <summary>"should update pod when spec was updated and update strategy is RollingUpdate"</summary>
    [Fact]
    public async Task Should_update_pod_when_spec_was_updated_and_update_strategy_is_RollingUpdate()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        var first = Assert.Single(await RevisionsAsync());
        Assert.Equal(1, first.Revision);
        Assert.All(Pods(), p => Assert.Equal(Hash(first), p.Metadata.Labels["controller-revision-hash"]));
        await SetImageAsync("two");
        await ReadyAsync(3, "two");
        var revisions = await RevisionsAsync();
        Assert.Equal([1, 2], revisions.Select(r => r.Revision));
        Assert.All(Pods(), p => Assert.Equal(("two", Hash(revisions[1])), (p.Spec.Containers[0].Image, p.Metadata.Labels["controller-revision-hash"])));
        Assert.Equal(first.Metadata.Name, "daemon-" + Hash(first));
    }

    /// <summary>Clients find the revision of today's template by comparing bytes with what Go makes of the set.</summary>
    [Fact]
    public async Task A_revision_holds_the_template_byte_for_byte_as_Go_writes_it()
    {
        await CreateSetAsync(""" "terminationGracePeriodSeconds":3, """, """["sh","-c","a && b > \"c\" <é"]""");
        await ReadyAsync(3);
        var template = (JsonObject)(await Server.GetAsync(Path + "/daemon")).Json["spec"]!["template"]!.DeepClone();
        template["$patch"] = "replace";
        var expected = new JsonObject { ["spec"] = new JsonObject { ["template"] = template } };
        var text = Sorted(expected)!.ToJsonString(Relaxed).Replace("&", "\\u0026", StringComparison.Ordinal).Replace("<", "\\u003c", StringComparison.Ordinal).Replace(">", "\\u003e", StringComparison.Ordinal);
        Assert.Contains(text, (await Server.GetAsync("/apis/apps/v1/namespaces/default/controllerrevisions")).Body, StringComparison.Ordinal);
    }

    /// <summary>"should rollback without unnecessary restarts"</summary>
    [Fact]
    public async Task Should_rollback_without_unnecessary_restarts()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        var before = Pods().Select(p => p.Metadata.Uid).ToHashSet();
        var first = Assert.Single(await RevisionsAsync());
        Kubelet.SetImage("foo:non-existent", PodMood.Unready);
        await SetImageAsync("foo:non-existent");
        await UntilAllAsync<V1Pod>(pods => pods.Count(p => p.Spec.Containers[0].Image == "foo:non-existent" && p.Status?.Phase == "Running") == 1, "one pod of the bad image");
        var kept = Pods().Where(p => before.Contains(p.Metadata.Uid)).Select(p => p.Metadata.Uid).ToList();
        Assert.Equal(2, kept.Count);
        await Admin.PatchAsync<V1DaemonSet>(Ns, "daemon", KubePatch.StrategicMerge(Encoding.UTF8.GetBytes(first.Data.ToString()!)), null, default);
        await ReadyAsync(3, "one");
        Assert.Subset(Pods().Select(p => p.Metadata.Uid).ToHashSet(), kept.ToHashSet());
        Assert.Equal([(first.Metadata.Name, 3L)], (await RevisionsAsync()).Where(r => r.Metadata.Uid == first.Metadata.Uid).Select(r => (r.Metadata.Name, r.Revision)));
    }

    /// <summary>"should list and delete a collection of DaemonSets"</summary>
    [Fact]
    public async Task Should_list_and_delete_a_collection_of_DaemonSets()
    {
        var collector = new GarbageCollector(Client("generic-garbage-collector"), Events, NullLoggerFactory.Instance, TimeProvider.System);
        await collector.StartAsync(default);
        await CreateSetAsync();
        await ReadyAsync(3);
        Assert.Single((await Server.GetAsync("/apis/apps/v1/daemonsets?labelSelector=team%3Da")).Json["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(Path + "?labelSelector=team%3Da")).StatusCode);
        await UntilAllAsync<V1DaemonSet>(sets => sets.Count == 0, "no sets");
        await UntilAllAsync<V1Pod>(pods => pods.Count == 0, "no pods");
        await collector.StopAsync(default);
    }

    /// <summary>"should verify changes to a daemon set status"</summary>
    [Fact]
    public async Task Should_verify_changes_to_a_daemon_set_status()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        var set = (await Server.GetAsync(Path + "/daemon/status")).Json;
        set["status"]!["conditions"] = new JsonArray(new JsonObject { ["type"] = "StatusUpdate", ["status"] = "True", ["reason"] = "E2E", ["message"] = "Set from e2e test" });
        Assert.Equal(HttpStatusCode.OK, (await Server.PutAsync(Path + "/daemon/status", set.ToJsonString())).StatusCode);
        await UntilAsync<V1DaemonSet>("daemon", s => s!.Status.Conditions?.Any(c => c.Type == "StatusUpdate") == true, "the updated status");
        Assert.Equal(HttpStatusCode.OK, (await Server.PatchAsync(Path + "/daemon/status", """{"status":{"conditions":[{"type":"StatusPatched","status":"True"}]}}""")).StatusCode);
        await UntilAsync<V1DaemonSet>("daemon", s => s!.Status.Conditions?.Any(c => c.Type == "StatusPatched") == true, "the patched status");
        await SetImageAsync("two");
        Assert.Contains((await ReadyAsync(3, "two")).Status.Conditions, c => c.Type == "StatusPatched");
    }

    /// <summary>"[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision"</summary>
    [Fact]
    public async Task Should_manage_the_lifecycle_of_a_ControllerRevision()
    {
        const string Revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";
        await CreateSetAsync();
        await ReadyAsync(3);
        var initial = Assert.Single((await Server.GetAsync("/apis/apps/v1/controllerrevisions?labelSelector=app%3Ddaemon")).Json["items"]!.AsArray())!.AsObject();
        var name = (string)initial["metadata"]!["name"]!;
        var patched = await Server.PatchAsync($"{Revisions}/{name}", $$$"""{"metadata":{"labels":{"{{{name}}}":"patched"} } }""", "application/strategic-merge-patch+json");
        Assert.Equal("patched", (string?)patched.Json["metadata"]!["labels"]![name]);

        // One that a client makes stays beside the controller's.
        var another = initial.DeepClone().AsObject();
        another["metadata"] = new JsonObject { ["name"] = "daemon-other", ["labels"] = new JsonObject { ["app"] = "daemon", ["controller-revision-hash"] = "other" }, ["ownerReferences"] = initial["metadata"]!["ownerReferences"]!.DeepClone() };
        another["revision"] = 2;
        await CreateAsync(Revisions, another.ToJsonString());
        await UntilAllAsync<V1ControllerRevision>(all => all.Count == 2, "two revisions");
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync($"{Revisions}/{name}")).StatusCode);
        await UntilAllAsync<V1ControllerRevision>(all => all.Count == 1 && all[0].Metadata.Name == "daemon-other", "the other revision alone");

        await PatchAsync<V1ControllerRevision>("daemon-other", """{"metadata":{"labels":{"daemon-other":"updated"}}}""");
        await Admin.PatchAsync<V1DaemonSet>(Ns, "daemon", KubePatch.StrategicMerge("""{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":1}}}}"""u8.ToArray()), null, default);
        await UntilAllAsync<V1ControllerRevision>(all => all.Count == 2, "a revision of the new template");
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync(Revisions + "?labelSelector=daemon-other%3Dupdated")).StatusCode);
        Assert.Equal(3, (await UntilAllAsync<V1ControllerRevision>(all => all.Count == 1, "the newest revision alone"))[0].Revision);
        await ReadyAsync(3);
    }

    [Fact]
    public async Task Of_two_revisions_with_one_template_the_newer_stays_and_its_pods_are_not_restarted()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        var first = Assert.Single(await RevisionsAsync());
        var uids = Pods().Select(p => p.Metadata.Uid).ToHashSet();
        var twin = KubeJson.Clone(first);
        twin.Metadata = new V1ObjectMeta { Name = "daemon-twin", NamespaceProperty = Ns, Labels = new Dictionary<string, string> { ["app"] = "daemon", ["controller-revision-hash"] = "twin" }, OwnerReferences = first.Metadata.OwnerReferences };
        twin.Revision = 5;
        await Admin.CreateAsync(twin, default);
        await PatchAsync<V1DaemonSet>("daemon", """{"spec":{"revisionHistoryLimit":3}}""");
        await UntilAllAsync<V1ControllerRevision>(all => all.Count == 1 && all[0].Metadata.Name == "daemon-twin", "the newer revision alone");
        var pods = await UntilAllAsync<V1Pod>(all => all.All(p => p.Metadata.Labels["controller-revision-hash"] == "twin"), "pods with its hash");
        Assert.Equal(uids, pods.Select(p => p.Metadata.Uid).ToHashSet());
    }

    [Fact]
    public async Task A_set_that_has_settled_costs_no_request()
    {
        await CreateSetAsync();
        await ReadyAsync(3);
        Assert.Empty(await RequestsOfAsync(client => new DaemonSetController(client, Informers, Events, TimeProvider.System), "daemon"));
    }

    [Fact]
    public async Task A_surge_keeps_the_old_pod_until_the_new_one_is_ready()
    {
        await CreateSetAsync();
        await PatchAsync<V1DaemonSet>("daemon", """{"spec":{"updateStrategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":1}}}}""");
        await ReadyAsync(3);
        Kubelet.SetImage("two", PodMood.Unready);
        await SetImageAsync("two");
        var during = await UntilAllAsync<V1Pod>(pods => pods.Count == 4 && pods.All(p => p.Status?.Phase == "Running"), "a fourth pod");
        Assert.Equal(["one", "one", "one", "two"], during.Select(p => p.Spec.Containers[0].Image).Order(StringComparer.Ordinal));
        Kubelet.SetImage("two", PodMood.Ready);
        await ReadyAsync(3, "two");
    }

    /// <summary>Without the taint that a node gets until its kubelet has reported.</summary>
    private async Task CreateNodeAsync(string name)
    {
        await CreateAsync("/api/v1/nodes", $$$"""{"metadata":{"name":"{{{name}}}"}}""");
        await PatchAsync<V1Node>(name, """{"spec":{"taints":null}}""");
    }

    private Task CreateSetAsync(string more = "", string command = "[]") => CreateAsync(Path, $$$"""
        {"metadata":{"name":"daemon","labels":{"team":"a"}},"spec":{"selector":{"matchLabels":{"app":"daemon"}},
         "template":{"metadata":{"labels":{"app":"daemon"}},"spec":{ {{{more}}} "containers":[{"name":"c","image":"one","command":{{{command}}} }]} } } }
        """);

    private Task SetImageAsync(string image) =>
        Admin.PatchAsync<V1DaemonSet>(Ns, "daemon", KubePatch.StrategicMerge(Encoding.UTF8.GetBytes($$$"""{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"{{{image}}}"}]} } } }""")), null, default);

    private async Task<V1DaemonSet> ReadyAsync(int count, string image = "one")
    {
        var set = await UntilAsync<V1DaemonSet>("daemon", s =>
            s?.Status is { } status && status.ObservedGeneration == s.Metadata.Generation && status.DesiredNumberScheduled == count && status.NumberAvailable == count && status.UpdatedNumberScheduled == count && s.Spec.Template.Spec.Containers[0].Image == image,
            $"{count} available pods of image {image}");
        await UntilAllAsync<V1Pod>(pods => pods.Count == count && pods.All(p => p.Spec.Containers[0].Image == image), $"just {count} pods of image {image}");
        return set;
    }

    private List<V1Pod> Pods() => [.. Informers.Get<V1Pod>().List(Ns).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal)];

    private async Task<List<V1ControllerRevision>> RevisionsAsync() => [.. (await Admin.ListAsync<V1ControllerRevision>(Ns, new ListOptions(), default)).Items.OrderBy(r => r.Revision)];

    private static string Hash(V1ControllerRevision revision) => revision.Metadata.Labels["controller-revision-hash"];

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject value => new JsonObject(value.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, Sorted(p.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
