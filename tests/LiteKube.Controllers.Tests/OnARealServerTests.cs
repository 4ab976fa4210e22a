using System.Net;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.Namespaces;
using LiteKube.Controllers.ResourceQuotas;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests;

/// <summary>Against the API server with its store, discovery, admission and the controllers' own roles.</summary>
public sealed class OnARealServerTests : IAsyncLifetime
{
    private readonly List<IComponent> _controllers = [];
    private TestApiServer _server = null!;
    private SharedInformers _informers = null!;
    private EventBroadcaster _events = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _informers = new SharedInformers(Client("generic-garbage-collector"), NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(Client("generic-garbage-collector"), NullLoggerFactory.Instance, TimeProvider.System);
        var collector = new GarbageCollector(Client("generic-garbage-collector"), ((IEventRecorderFactory)_events).Create("garbage-collector-controller"), NullLoggerFactory.Instance, TimeProvider.System);
        _controllers.Add(collector);
        _controllers.Add(new NamespaceController(Client("namespace-controller"), _informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        _controllers.Add(new ResourceQuotaController(Client("resourcequota-controller"), _informers, collector, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        foreach (var controller in _controllers)
            await controller.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        foreach (var controller in _controllers)
            await controller.StopAsync(default);
        await _events.DisposeAsync();
        await _informers.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_namespace_with_content_is_emptied_and_goes()
    {
        await using var watch = await _server.WatchAsync("/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dn");
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await CreateAsync("/api/v1/namespaces/n/configmaps", """{"metadata":{"name":"c"}}""");
        await CreateAsync("/apis/apps/v1/namespaces/n/deployments", """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        Assert.Equal(HttpStatusCode.OK, (await _server.DeleteAsync("/api/v1/namespaces/n")).StatusCode);
        await UntilAsync(watch, e => (string?)e["type"] == "DELETED");
        Assert.Equal(HttpStatusCode.NotFound, (await _server.GetAsync("/api/v1/namespaces/n/configmaps/c")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _server.GetAsync("/apis/apps/v1/namespaces/n/deployments/d")).StatusCode);
    }

    [Theory]
    [InlineData("Background", "DELETED child")]
    [InlineData("Foreground", "DELETED child")]
    [InlineData("Orphan", "MODIFIED child")]
    public async Task Dependents_fare_as_the_propagation_policy_says(string policy, string outcome)
    {
        var owner = await CreateAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"owner"}}""");
        await using var owners = await _server.WatchAsync("/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Downer");
        await using var watch = await _server.WatchAsync("/api/v1/namespaces/default/secrets?watch=true&fieldSelector=metadata.name%3Dchild");
        await CreateAsync("/api/v1/namespaces/default/secrets", $$$"""{"metadata":{"name":"child","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{{{owner["metadata"]!["uid"]}}}","blockOwnerDeletion":true}]}}""");
        Assert.Equal(["ADDED child"], await watch.TakeAsync(1));
        var deleted = await _server.DeleteAsync("/api/v1/namespaces/default/configmaps/owner", $$"""{"propagationPolicy":"{{policy}}"}""");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal([outcome], await watch.TakeAsync(1));
        await UntilAsync(owners, e => (string?)e["type"] == "DELETED");
    }

    [Fact]
    public async Task A_quota_shows_what_is_used()
    {
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await using var watch = await _server.WatchAsync("/api/v1/namespaces/n/resourcequotas?watch=true");
        await CreateAsync("/api/v1/namespaces/n/resourcequotas", """{"metadata":{"name":"q"},"spec":{"hard":{"count/leases.coordination.k8s.io":"5","services":"2"}}}""");
        await UntilAsync(watch, e => Used(e, "services") == "0");
        await CreateAsync("/apis/coordination.k8s.io/v1/namespaces/n/leases", """{"metadata":{"name":"l"}}""");
        await UntilAsync(watch, e => Used(e, "count/leases.coordination.k8s.io") == "1");
        await _server.DeleteAsync("/apis/coordination.k8s.io/v1/namespaces/n/leases/l");
        await UntilAsync(watch, e => Used(e, "count/leases.coordination.k8s.io") == "0");

        static string? Used(System.Text.Json.Nodes.JsonObject change, string name) => (string?)change["object"]?["status"]?["used"]?[name];
    }

    [Fact]
    public async Task Custom_resources_are_counted_collected_and_emptied_like_others()
    {
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await CreateAsync("/api/v1/namespaces/n/resourcequotas", """{"metadata":{"name":"q"},"spec":{"hard":{"count/foos.example.com":"2"}}}""");
        await using var definitions = await _server.WatchAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?watch=true");
        await CreateAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},
             "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}
            """);
        await UntilAsync(definitions, e => e["object"]!["status"]!["conditions"]?.ToJsonString().Contains("InitialNamesAccepted", StringComparison.Ordinal) == true);
        await using var quotas = await _server.WatchAsync("/api/v1/namespaces/n/resourcequotas?watch=true");
        await using var foos = await _server.WatchAsync("/apis/example.com/v1/namespaces/n/foos?watch=true");
        var owner = await CreateAsync("/apis/example.com/v1/namespaces/n/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"owner"}}""");
        await CreateAsync("/apis/example.com/v1/namespaces/n/foos", $$$"""{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"child","ownerReferences":[{"apiVersion":"example.com/v1","kind":"Foo","name":"owner","uid":"{{{owner["metadata"]!["uid"]}}}"}]}}""");
        await UntilAsync(quotas, e => (string?)e["object"]?["status"]?["used"]?["count/foos.example.com"] == "2");
        var refused = await _server.PostAsync("/apis/example.com/v1/namespaces/n/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"third"}}""");
        Assert.Contains("exceeded quota: q, requested: count/foos.example.com=1, used: count/foos.example.com=2, limited: count/foos.example.com=2", refused.Body, StringComparison.Ordinal);

        await _server.DeleteAsync("/apis/example.com/v1/namespaces/n/foos/owner");
        await UntilAsync(foos, e => (string?)e["type"] == "DELETED" && (string?)e["object"]?["metadata"]?["name"] == "child");

        await CreateAsync("/apis/example.com/v1/namespaces/n/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"last"}}""");
        await using var namespaces = await _server.WatchAsync("/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dn");
        await _server.DeleteAsync("/api/v1/namespaces/n");
        await UntilAsync(namespaces, e => (string?)e["type"] == "DELETED");
        Assert.DoesNotContain("last", (await _server.GetAsync("/apis/example.com/v1/foos")).Body, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(TestWatch watch, Func<System.Text.Json.Nodes.JsonObject, bool> predicate)
    {
        while (await watch.NextAsync() is { } next)
        {
            if (predicate(next))
                return;
        }
        Assert.Fail("the watch ended before the change came");
    }

    private async Task<System.Text.Json.Nodes.JsonObject> CreateAsync(string path, string body)
    {
        var response = await _server.PostAsync(path, body);
        Assert.True(response.StatusCode == HttpStatusCode.Created, response.Body);
        return response.Json;
    }

    private KubeClient Client(string controller) => new(new ServerTransport(_server.Server, controller));
}
