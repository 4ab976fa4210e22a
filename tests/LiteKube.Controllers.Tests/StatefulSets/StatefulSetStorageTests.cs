using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.StatefulSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.StatefulSets;

/// <summary>Claims, history and orphans of StatefulSets on a real API server.</summary>
public sealed class StatefulSetStorageTests : WorkloadTest
{
    private const string Path = "/apis/apps/v1/namespaces/default/statefulsets";

    private LiteKube.Client.Queues.ControllerRunner _runner = null!;

    protected override Task StartWorkloadsAsync()
    {
        _runner = new StatefulSetController(Client("statefulset-controller"), Informers, Events, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance);
        return StartAsync(_runner);
    }

    [Fact]
    public async Task A_set_that_has_settled_costs_no_request()
    {
        await CreateAsync(2, Claims + """ "persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete","whenDeleted":"Delete"}, """);
        await ReadyAsync(2);
        await UntilAllAsync<V1PersistentVolumeClaim>(claims => claims.Count == 2 && claims.All(c => c.Metadata.OwnerReferences?.Count == 1), "claims of the set");
        Assert.Empty(await RequestsOfAsync(client => new StatefulSetController(client, Informers, Events, TimeProvider.System), "web"));
    }

    [Fact]
    public async Task A_rollout_goes_on_where_a_controller_left_it()
    {
        await CreateAsync(3, Claims);
        await ReadyAsync(3);
        Kubelet.LetsGo = false;
        var patched = await PatchAsync<V1StatefulSet>("web", """{"spec":{"template":{"metadata":{"annotations":{"round":"2"}}}}}""");
        await UntilAsync<V1Pod>("web-2", p => p?.Metadata.DeletionTimestamp is not null, "web-2 going");
        await StopAsync(_runner);
        Kubelet.LetsGo = true;
        Kubelet.Refresh();
        await UntilAsync<V1Pod>("web-2", p => p is null, "web-2 gone");
        Assert.Equal(["web-0", "web-1"], Informers.Get<V1Pod>().List(Ns).Select(p => p.Metadata.Name).Order(StringComparer.Ordinal));
        await StartWorkloadsAsync();
        await ReadyAsync(3, patched.Metadata.Generation);
        Assert.Equal(2, Informers.Get<V1ControllerRevision>().List(Ns).Count);
        Assert.Equal(3, (await ClaimNamesAsync()).Count);
    }

    [Fact]
    public async Task Each_pod_gets_a_claim_of_its_own_before_it_is_made_and_finds_it_again()
    {
        await CreateAsync(2, Claims);
        await ReadyAsync(2);
        Assert.Equal(["data-web-0", "data-web-1"], await ClaimNamesAsync());
        var claim = await Admin.GetAsync<V1PersistentVolumeClaim>(Ns, "data-web-1", default);
        Assert.Equal(("web", "fast"), (claim.Metadata.Labels["app"], claim.Metadata.Labels["disk"]));
        Assert.Null(claim.Metadata.OwnerReferences);
        Assert.Contains("Normal SuccessfulCreate create Claim data-web-1 Pod web-1 in StatefulSet web success", Events.All);
        await ScaleAsync(0);
        await ReadyAsync(0);
        Assert.Equal(["data-web-0", "data-web-1"], await ClaimNamesAsync());
        await ScaleAsync(2);
        await ReadyAsync(2);
        Assert.Equal(claim.Metadata.Uid, (await Admin.GetAsync<V1PersistentVolumeClaim>(Ns, "data-web-1", default)).Metadata.Uid);
    }

    [Fact]
    public async Task Claims_go_with_what_the_retention_policy_says()
    {
        var collector = new GarbageCollector(Client("generic-garbage-collector"), Events, NullLoggerFactory.Instance, TimeProvider.System);
        await collector.StartAsync(default);
        await CreateAsync(2, Claims + """ "persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete","whenDeleted":"Delete"}, """);
        await ReadyAsync(2);
        await UntilAllAsync<V1PersistentVolumeClaim>(claims => claims.Count == 2 && claims.All(c => c.Metadata.OwnerReferences?.SingleOrDefault() is { Kind: "StatefulSet", Controller: true }), "claims of the set");
        await ScaleAsync(1);
        await UntilAllAsync<V1PersistentVolumeClaim>(claims => claims.Count(c => c.Metadata.DeletionTimestamp is null) == 1, "the claim of the pod that was scaled away gone");
        await PatchAsync<V1StatefulSet>("web", """{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain"}}}""");
        await UntilAsync<V1PersistentVolumeClaim>("data-web-0", c => c?.Metadata.OwnerReferences is not { Count: > 0 }, "the claim without an owner");
        await Admin.DeleteAsync<V1StatefulSet>(Ns, "web", new DeleteOptions(PropagationPolicy: "Foreground"), default);
        await UntilAllAsync<V1StatefulSet>(sets => sets.Count == 0, "no sets");
        Assert.Null((await Admin.GetAsync<V1PersistentVolumeClaim>(Ns, "data-web-0", default)).Metadata.DeletionTimestamp);
        await collector.StopAsync(default);
    }

    [Fact]
    public async Task A_pod_that_matches_is_taken_in_and_one_that_no_longer_does_is_let_go_and_replaced()
    {
        await CreateAsync("/api/v1/namespaces/default/pods", """{"metadata":{"name":"web-0","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"one"}]}}""");
        await CreateAsync("/api/v1/namespaces/default/pods", """{"metadata":{"name":"other-0","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"one"}]}}""");
        await CreateAsync(1);
        var adopted = await UntilAsync<V1Pod>("web-0", p => p?.Metadata.OwnerReferences?.SingleOrDefault()?.Name == "web" && p.Metadata.Labels.ContainsKey("apps.kubernetes.io/pod-index"), "web-0 taken in and labelled");
        Assert.Null((await Admin.GetAsync<V1Pod>(Ns, "other-0", default)).Metadata.OwnerReferences);
        // It has no revision: the update gives it one.
        await UntilAsync<V1Pod>("web-0", p => p is not null && p.Metadata.Uid != adopted.Metadata.Uid && p.Metadata.Labels.ContainsKey("controller-revision-hash"), "web-0 made anew");
    }

    [Fact]
    public async Task History_is_kept_to_its_limit()
    {
        await CreateAsync(1, """ "revisionHistoryLimit":2, """);
        await ReadyAsync(1);
        for (var i = 1; i <= 4; i++)
        {
            var patched = await PatchAsync<V1StatefulSet>("web", $$$"""{"spec":{"template":{"metadata":{"annotations":{"round":"{{{i}}}"} } } } }""");
            await ReadyAsync(1, patched.Metadata.Generation);
        }
        var revisions = await UntilAllAsync<V1ControllerRevision>(all => all.Select(r => r.Revision).Order().SequenceEqual([3, 4, 5]), "two old revisions and today's");
        Assert.All(revisions, r => Assert.Equal(r.Metadata.Name, "web-" + r.Metadata.Labels["controller.kubernetes.io/hash"]));
    }

    [Fact]
    public async Task A_name_that_another_template_has_taken_is_not_used_again()
    {
        await CreateAsync(1);
        var name = (await ReadyAsync(1)).Status.UpdateRevision;
        var taken = await Admin.GetAsync<V1ControllerRevision>(Ns, name, default);
        await Admin.DeleteAsync<V1StatefulSet>(Ns, "web", new DeleteOptions(), default);
        await UntilAllAsync<V1StatefulSet>(all => all.Count == 0, "no set");
        await Admin.DeleteAsync<V1ControllerRevision>(Ns, name, new DeleteOptions(), default);
        await Admin.DeleteAsync<V1Pod>(Ns, "web-0", new DeleteOptions(), default);
        await UntilAllAsync<V1Pod>(all => all.Count == 0, "no pod");
        await CreateAsync("/apis/apps/v1/namespaces/default/controllerrevisions", $$$"""{"metadata":{"name":"{{{taken.Metadata.Name}}}"},"revision":1,"data":{"spec":{"template":{} } } }""");

        await CreateAsync(1);
        var set = await ReadyAsync(1);
        Assert.Equal(1, set.Status.CollisionCount);
        Assert.NotEqual(name, set.Status.UpdateRevision);
    }

    [Fact]
    public async Task An_orphaned_revision_is_taken_in_with_its_number()
    {
        await CreateAsync(1);
        var name = (await ReadyAsync(1)).Status.UpdateRevision;
        await PatchAsync<V1ControllerRevision>(name, """{"metadata":{"ownerReferences":null},"revision":7}""");
        await UntilAsync<V1ControllerRevision>(name, r => r!.Metadata.OwnerReferences?.SingleOrDefault() is { Name: "web", Controller: true } && r.Revision == 7, "the revision with its owner");
        Assert.Single(Informers.Get<V1ControllerRevision>().List(Ns));
    }

    private const string Claims = """ "volumeClaimTemplates":[{"metadata":{"name":"data","labels":{"disk":"fast"}},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}], """;

    private Task CreateAsync(int replicas, string more = "") => CreateAsync(Path, $$$"""
        {"metadata":{"name":"web"},"spec":{"replicas":{{{replicas}}},"serviceName":"svc",{{{more}}}"selector":{"matchLabels":{"app":"web"}},
         "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"one"}]} } } }
        """);

    private Task ScaleAsync(int replicas) => PatchAsync<V1StatefulSet>("web", $$$"""{"spec":{"replicas":{{{replicas}}} } }""");

    private Task<V1StatefulSet> ReadyAsync(int replicas, long? generation = 0) => UntilAsync<V1StatefulSet>("web", s =>
        s?.Status is { } status && s.Metadata.Generation >= generation && status.ObservedGeneration == s.Metadata.Generation && status.Replicas == replicas && (status.ReadyReplicas ?? 0) == replicas && (status.UpdatedReplicas ?? 0) == replicas && s.Spec.Replicas == replicas,
        $"{replicas} ready pods of today's template");

    private async Task<List<string>> ClaimNamesAsync() => [.. (await Admin.ListAsync<V1PersistentVolumeClaim>(Ns, new ListOptions(), default)).Items.Select(c => c.Metadata.Name).Order(StringComparer.Ordinal)];
}
