using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.GarbageCollection;

public sealed class GarbageCollectorTests : IAsyncLifetime, IEventRecorder
{
    private readonly InMemoryKube _kube = new InMemoryKube().Serve<V1Pod>().Serve<V1ConfigMap>().Serve<V1Secret>().Serve<V1ReplicaSet>()
        .Serve<V1Namespace>(namespaced: false).Serve<V1Node>(namespaced: false).Serve<V1CustomResourceDefinition>(namespaced: false);
    private readonly ConcurrentQueue<string> _events = new();
    private readonly GarbageCollector _collector;

    public GarbageCollectorTests() => _collector = new GarbageCollector(_kube.Client, this, NullLoggerFactory.Instance, TimeProvider.System);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _collector.StopAsync(default);

    void IEventRecorder.Record(V1ObjectReference about, string type, string reason, string message) => _events.Enqueue($"{type} {reason} {about.Kind}/{about.Name}: {message}");

    [Fact]
    public async Task Dependents_follow_their_deleted_owner_down_all_generations()
    {
        var root = Map("root");
        var child = Map("child", root);
        Map("grandchild", child);
        Map("stranger");
        await _collector.StartAsync(default);
        await DeleteAsync("root", "Background");
        await _kube.WaitForAllAsync<V1ConfigMap>("n", maps => maps.Count == 1, "only the stranger is left");
        Assert.NotNull(_kube.Find<V1ConfigMap>("n", "stranger"));
    }

    [Fact]
    public async Task What_lost_its_owner_while_nobody_watched_is_collected_at_the_start()
    {
        var owner = Map("owner");
        Map("kept", owner);
        var gone = Map("gone");
        Map("lost", gone);
        // The same name with another uid owns nothing.
        Map("wrong-uid", new V1ConfigMap { Metadata = new V1ObjectMeta { Name = "owner", Uid = "not-that-one" } });
        await DeleteAsync("gone", "Background");
        await _collector.StartAsync(default);
        await _kube.WaitForAllAsync<V1ConfigMap>("n", maps => maps.Count == 2, "what has no owner is gone");
        Assert.NotNull(_kube.Find<V1ConfigMap>("n", "kept"));
    }

    [Fact]
    public async Task With_one_owner_left_only_the_reference_to_the_other_goes()
    {
        var (a, b) = (Map("a"), Map("b"));
        Map("child", a, b);
        await _collector.StartAsync(default);
        await DeleteAsync("a", "Background");
        var child = await _kube.WaitForAsync<V1ConfigMap>("n", "child", c => c?.Metadata.OwnerReferences?.Count == 1, "the reference to the lost owner is removed");
        Assert.Equal("b", child!.Metadata.OwnerReferences[0].Name);
    }

    [Fact]
    public async Task Foreground_deletion_waits_for_blocking_dependents_only()
    {
        var root = Map("root");
        await HoldAsync(Map("blocking", root), "example.com/hold");
        await HoldAsync(_kube.Seed(new V1ConfigMap { Metadata = Metadata("free", [Reference(root, blocks: false)]) }), "example.com/hold");
        await _collector.StartAsync(default);
        await DeleteAsync("root", "Foreground");
        await _kube.WaitForAsync<V1ConfigMap>("n", "blocking", c => c?.Metadata.DeletionTimestamp is not null, "the blocking dependent is deleted");
        Assert.Equal(["foregroundDeletion"], _kube.Find<V1ConfigMap>("n", "root")!.Metadata.Finalizers);
        await _kube.WaitForAsync<V1ConfigMap>("n", "free", c => c?.Metadata.DeletionTimestamp is not null, "the dependent that does not block is deleted as well");

        await PatchAsync("blocking", """{"metadata":{"finalizers":null}}""");
        await _kube.WaitForAsync<V1ConfigMap>("n", "root", c => c is null, "the owner goes after its dependent");
        Assert.NotNull(_kube.Find<V1ConfigMap>("n", "free"));
    }

    [Fact]
    public async Task Orphans_lose_the_reference_before_their_owner_goes()
    {
        var root = Map("root");
        Map("child", root);
        await _collector.StartAsync(default);
        await DeleteAsync("root", "Orphan");
        await _kube.WaitForAsync<V1ConfigMap>("n", "root", c => c is null, "the owner is gone");
        var child = _kube.Find<V1ConfigMap>("n", "child");
        Assert.NotNull(child);
        Assert.Null(child.Metadata.OwnerReferences);
    }

    [Fact]
    public async Task A_circle_of_owners_can_be_deleted_in_the_foreground()
    {
        var a = Map("a");
        var b = Map("b", a);
        await PatchAsync("a", $$$"""{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"b","uid":"{{{b.Metadata.Uid}}}","blockOwnerDeletion":true}]}}""");
        await _collector.StartAsync(default);
        await DeleteAsync("a", "Foreground");
        await _kube.WaitForAllAsync<V1ConfigMap>("n", maps => maps.Count == 0, "both are gone");
    }

    [Fact]
    public async Task An_owner_in_another_namespace_is_reported_and_does_not_count()
    {
        var owner = Map("owner");
        _kube.Seed(new V1Secret { Metadata = new V1ObjectMeta { Name = "child", NamespaceProperty = "other", OwnerReferences = [Reference(owner)] } });
        await _collector.StartAsync(default);
        await _kube.WaitForAsync<V1Secret>("other", "child", c => c is null, "the dependent in the other namespace is gone");
        Assert.Equal([$"Warning OwnerRefInvalidNamespace Secret/child: ownerRef [v1/ConfigMap, namespace: other, name: owner, uid: {owner.Metadata.Uid}] does not exist in namespace \"other\""], _events);
    }

    [Fact]
    public async Task A_cluster_scoped_object_is_never_collected_for_a_namespaced_owner()
    {
        var gone = new V1ConfigMap { Metadata = new V1ObjectMeta { Name = "gone", Uid = "gone" } };
        _kube.Seed(new V1Node { Metadata = new V1ObjectMeta { Name = "node", OwnerReferences = [Reference(gone)] } });
        _kube.Seed(new V1Secret { Metadata = Metadata("marker", [Reference(gone)]) });
        await _collector.StartAsync(default);
        await _kube.WaitForAsync<V1Secret>("n", "marker", c => c is null, "the namespaced dependent of the same owner is gone");
        Assert.NotNull(_kube.Find<V1Node>(null, "node"));
    }

    [Fact]
    public async Task Lost_watches_and_expired_versions_are_recovered_from()
    {
        var root = Map("root");
        Map("child", root);
        await _collector.StartAsync(default);
        await WaitForReadyAsync();
        _kube.Intercept = request => request.PathAndQuery.Contains("watch=true", StringComparison.Ordinal) ? InMemoryKube.Failure(503, "ServiceUnavailable", "not now") : null;
        _kube.DropWatches();
        await DeleteAsync("root", "Background");
        _kube.Compact();
        _kube.Intercept = null;
        await _kube.WaitForAsync<V1ConfigMap>("n", "child", c => c is null, "the dependent goes after the relist");
    }

    [Fact]
    public async Task Custom_resources_are_collected_once_their_definition_came_and_their_kind_is_never_guessed()
    {
        _kube.SeedJson("example.com", "v1", "widgets", "n", """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","uid":"widget-uid"}}""");
        var of = new V1OwnerReference { ApiVersion = "example.com/v1", Kind = "Widget", Name = "w", Uid = "widget-uid" };
        var ofNone = new V1OwnerReference { ApiVersion = "example.com/v1", Kind = "Widget", Name = "none", Uid = "none" };
        _kube.Seed(new V1Secret { Metadata = Metadata("child", [of]) });
        _kube.Seed(new V1Secret { Metadata = Metadata("lost", [ofNone]) });
        _kube.Seed(new V1Secret { Metadata = Metadata("marker", [new V1OwnerReference { ApiVersion = "v1", Kind = "ConfigMap", Name = "gone", Uid = "gone" }]) });
        await _collector.StartAsync(default);
        await _kube.WaitForAsync<V1Secret>("n", "marker", c => c is null, "the object of a known, absent owner is gone");
        Assert.NotNull(_kube.Find<V1Secret>("n", "lost"));

        _kube.Serve("example.com", "v1", "widgets", "Widget");
        await _kube.Client.CreateAsync(new V1CustomResourceDefinition { Metadata = new V1ObjectMeta { Name = "widgets.example.com" }, Spec = new V1CustomResourceDefinitionSpec { Group = "example.com" } }, default);
        await _kube.WaitForAsync<V1Secret>("n", "lost", c => c is null, "the dependent of an absent custom resource is gone");
        Assert.NotNull(_kube.Find<V1Secret>("n", "child"));
        await _kube.SendAsync(new KubeRequest("DELETE", "/apis/example.com/v1/namespaces/n/widgets/w"), default);
        await _kube.WaitForAsync<V1Secret>("n", "child", c => c is null, "the dependent of a deleted custom resource is gone");
    }

    private async Task WaitForReadyAsync()
    {
        var marker = new V1ConfigMap { Metadata = new V1ObjectMeta { Name = "gone", Uid = "gone" } };
        _kube.Seed(new V1Secret { Metadata = Metadata("ready", [Reference(marker)]) });
        await _kube.WaitForAsync<V1Secret>("n", "ready", c => c is null, "the collector works");
    }

    private V1ConfigMap Map(string name, params V1ConfigMap[] owners) =>
        _kube.Seed(new V1ConfigMap { Metadata = Metadata(name, [.. owners.Select(o => Reference(o))]) });

    private Task HoldAsync(V1ConfigMap map, string finalizer) => PatchAsync(map.Metadata.Name, $$$"""{"metadata":{"finalizers":["{{{finalizer}}}"]}}""");

    private static V1ObjectMeta Metadata(string name, List<V1OwnerReference> owners) => new() { Name = name, NamespaceProperty = "n", OwnerReferences = owners.Count > 0 ? owners : null };

    private static V1OwnerReference Reference(V1ConfigMap owner, bool blocks = true) =>
        new() { ApiVersion = "v1", Kind = "ConfigMap", Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, BlockOwnerDeletion = blocks };

    private Task DeleteAsync(string name, string policy) => _kube.Client.DeleteAsync<V1ConfigMap>("n", name, new DeleteOptions(PropagationPolicy: policy), default);

    private Task PatchAsync(string name, string patch) => _kube.Client.PatchAsync<V1ConfigMap>("n", name, KubePatch.Merge(System.Text.Encoding.UTF8.GetBytes(patch)), null, default);
}
