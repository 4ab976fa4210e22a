using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.Namespaces;
using LiteKube.Controllers.ResourceQuotas;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests;

/// <summary>Against the API server with its store, discovery, admission and the controllers' own roles.</summary>
public sealed class OnARealServerTests : ServerTest
{
    protected override async Task StartControllersAsync()
    {
        var collector = new GarbageCollector(Client("generic-garbage-collector"), Recorder("garbage-collector-controller"), NullLoggerFactory.Instance, TimeProvider.System);
        await StartAsync(collector);
        await StartAsync(new NamespaceController(Client("namespace-controller"), Informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new ResourceQuotaController(Client("resourcequota-controller"), Informers, collector, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
    }

    [Fact]
    public async Task A_namespace_with_content_is_emptied_and_goes()
    {
        await using var watch = await Server.WatchAsync("/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dn");
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await CreateAsync("/api/v1/namespaces/n/configmaps", """{"metadata":{"name":"c"}}""");
        await CreateAsync("/apis/apps/v1/namespaces/n/deployments", """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        Assert.Equal(HttpStatusCode.OK, (await Server.DeleteAsync("/api/v1/namespaces/n")).StatusCode);
        await UntilAsync(watch, e => (string?)e["type"] == "DELETED", "the end of the namespace");
        Assert.Equal(HttpStatusCode.NotFound, (await Server.GetAsync("/api/v1/namespaces/n/configmaps/c")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Server.GetAsync("/apis/apps/v1/namespaces/n/deployments/d")).StatusCode);
    }

    [Theory]
    [InlineData("Background", "DELETED child")]
    [InlineData("Foreground", "DELETED child")]
    [InlineData("Orphan", "MODIFIED child")]
    public async Task Dependents_fare_as_the_propagation_policy_says(string policy, string outcome)
    {
        var owner = await CreateAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"owner"}}""");
        await using var owners = await Server.WatchAsync("/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Downer");
        await using var watch = await Server.WatchAsync("/api/v1/namespaces/default/secrets?watch=true&fieldSelector=metadata.name%3Dchild");
        await CreateAsync("/api/v1/namespaces/default/secrets", $$$"""{"metadata":{"name":"child","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{{{owner["metadata"]!["uid"]}}}","blockOwnerDeletion":true}]}}""");
        Assert.Equal(["ADDED child"], await watch.TakeAsync(1));
        var deleted = await Server.DeleteAsync("/api/v1/namespaces/default/configmaps/owner", $$"""{"propagationPolicy":"{{policy}}"}""");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal([outcome], await watch.TakeAsync(1));
        await UntilAsync(owners, e => (string?)e["type"] == "DELETED", "the end of the owner");
    }

    [Fact]
    public async Task A_quota_shows_what_is_used()
    {
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await using var watch = await Server.WatchAsync("/api/v1/namespaces/n/resourcequotas?watch=true");
        await CreateAsync("/api/v1/namespaces/n/resourcequotas", """{"metadata":{"name":"q"},"spec":{"hard":{"count/leases.coordination.k8s.io":"5","services":"2"}}}""");
        await UntilAsync(watch, e => Used(e, "services") == "0", "an empty quota");
        await CreateAsync("/apis/coordination.k8s.io/v1/namespaces/n/leases", """{"metadata":{"name":"l"}}""");
        await UntilAsync(watch, e => Used(e, "count/leases.coordination.k8s.io") == "1", "the lease counted");
        await Server.DeleteAsync("/apis/coordination.k8s.io/v1/namespaces/n/leases/l");
        await UntilAsync(watch, e => Used(e, "count/leases.coordination.k8s.io") == "0", "the lease counted no more");

        static string? Used(JsonObject change, string name) => (string?)change["object"]?["status"]?["used"]?[name];
    }

    [Fact]
    public async Task A_quota_shows_the_devices_that_claims_ask_for()
    {
        const string Claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
        const string Gold = "gold.deviceclass.resource.k8s.io/devices";
        await using var watch = await Server.WatchAsync("/api/v1/namespaces/default/resourcequotas?watch=true");
        await CreateAsync("/api/v1/namespaces/default/resourcequotas", $$$"""{"metadata":{"name":"q"},"spec":{"hard":{"{{{Gold}}}":"50","count/resourceclaims.resource.k8s.io":"5"} } }""");
        await UntilAsync(watch, e => Used(e, Gold) == "0", "an empty quota");
        await CreateAsync(Claims, """{"metadata":{"name":"a"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"gold","count":2}},{"name":"s","exactly":{"deviceClassName":"gold","allocationMode":"All"}}]}}}""");
        await UntilAsync(watch, e => Used(e, Gold) == "34", "the devices of one claim");
        await CreateAsync(Claims, """{"metadata":{"name":"b"},"spec":{"devices":{"requests":[{"name":"r","firstAvailable":[{"name":"x","deviceClassName":"gold","count":3},{"name":"y","deviceClassName":"gold"}]}]}}}""");
        await UntilAsync(watch, e => Used(e, Gold) == "37" && Used(e, "count/resourceclaims.resource.k8s.io") == "2", "the devices of two claims");
        await Server.DeleteAsync($"{Claims}/a");
        await UntilAsync(watch, e => Used(e, Gold) == "3" && Used(e, "count/resourceclaims.resource.k8s.io") == "1", "the devices of the claim that is left");

        static string? Used(JsonObject change, string name) => (string?)change["object"]?["status"]?["used"]?[name];
    }

    [Fact]
    public async Task Custom_resources_are_counted_collected_and_emptied_like_others()
    {
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await CreateAsync("/api/v1/namespaces/n/resourcequotas", """{"metadata":{"name":"q"},"spec":{"hard":{"count/foos.example.com":"2"}}}""");
        await using var definitions = await Server.WatchAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?watch=true");
        await CreateAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},
             "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}
            """);
        await UntilAsync(definitions, e => e["object"]!["status"]!["conditions"]?.ToJsonString().Contains("InitialNamesAccepted", StringComparison.Ordinal) == true, "the names accepted");
        await using var quotas = await Server.WatchAsync("/api/v1/namespaces/n/resourcequotas?watch=true");
        await using var foos = await Server.WatchAsync("/apis/example.com/v1/namespaces/n/foos?watch=true");
        var owner = await CreateAsync("/apis/example.com/v1/namespaces/n/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"owner"}}""");
        await CreateAsync("/apis/example.com/v1/namespaces/n/foos", $$$"""{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"child","ownerReferences":[{"apiVersion":"example.com/v1","kind":"Foo","name":"owner","uid":"{{{owner["metadata"]!["uid"]}}}"}]}}""");
        await UntilAsync(quotas, e => (string?)e["object"]?["status"]?["used"]?["count/foos.example.com"] == "2", "two custom resources counted");
        var refused = await Server.PostAsync("/apis/example.com/v1/namespaces/n/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"third"}}""");
        Assert.Contains("exceeded quota: q, requested: count/foos.example.com=1, used: count/foos.example.com=2, limited: count/foos.example.com=2", refused.Body, StringComparison.Ordinal);

        await Server.DeleteAsync("/apis/example.com/v1/namespaces/n/foos/owner");
        await UntilAsync(foos, e => (string?)e["type"] == "DELETED" && (string?)e["object"]?["metadata"]?["name"] == "child", "the end of the dependent");

        await CreateAsync("/apis/example.com/v1/namespaces/n/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"last"}}""");
        await using var namespaces = await Server.WatchAsync("/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dn");
        await Server.DeleteAsync("/api/v1/namespaces/n");
        await UntilAsync(namespaces, e => (string?)e["type"] == "DELETED", "the end of the namespace");
        Assert.DoesNotContain("last", (await Server.GetAsync("/apis/example.com/v1/foos")).Body, StringComparison.Ordinal);
    }
}
