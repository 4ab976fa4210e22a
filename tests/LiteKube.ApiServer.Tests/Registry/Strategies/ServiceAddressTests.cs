using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

/// <summary>IPAddress objects of Services, and further ServiceCIDRs (KEP-1880).</summary>
public sealed class ServiceAddressTests
{
    private const string Services = "/api/v1/namespaces/default/services";
    private const string Addresses = "/apis/networking.k8s.io/v1/ipaddresses";
    private const string Ranges = "/apis/networking.k8s.io/v1/servicecidrs";

    private static string Service(string name, string spec = "") => $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"ports":[{"port":80}]{{{spec}}}}}""";

    private static async Task<string> CreateAsync(TestApiServer server, string name, string spec = "")
    {
        var created = await server.PostAsync(Services, Service(name, spec));
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        return (string)created.Json["spec"]!["clusterIP"]!;
    }

    private static async Task<List<string>> NamesAsync(TestApiServer server) =>
        [.. (await server.GetAsync(Addresses)).Json["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!)];

    private static async Task<JsonObject> UntilAsync(TestWatch watch, Func<JsonNode, bool> wanted)
    {
        while (await watch.NextAsync() is { } change)
        {
            if (wanted(change)) return change["object"]!.AsObject();
        }
        throw new InvalidOperationException("the watch ended before the event came");
    }

    [Fact]
    public async Task A_service_and_its_address_object_come_and_go_together()
    {
        await using var server = await TestApiServer.StartAsync();
        var first = (string)(await server.GetAsync($"{Services}/kubernetes")).Json["spec"]!["clusterIP"]!;
        Assert.Equal([first], await NamesAsync(server));

        var address = await CreateAsync(server, "s");
        var shown = (await server.GetAsync($"{Addresses}/{address}")).Json;
        Assert.Equal("""{"resource":"services","namespace":"default","name":"s"}""", shown["spec"]!["parentRef"]!.ToJsonString());
        Assert.Equal("""{"ipaddress.kubernetes.io/ip-family":"IPv4","ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}""", shown["metadata"]!["labels"]!.ToJsonString());
        await CreateAsync(server, "headless", ""","clusterIP":"None" """);
        Assert.Equal(2, (await NamesAsync(server)).Count);

        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Services}/s")).StatusCode);
        Assert.Equal([first], await NamesAsync(server));
        Assert.Equal(address, await CreateAsync(server, "again", $$""","clusterIP":"{{address}}" """));
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Services}/again", """{"spec":{"type":"ExternalName","externalName":"example.com","clusterIP":null,"clusterIPs":null}}""")).StatusCode);
        Assert.Equal([first], await NamesAsync(server));
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Services}/again", """{"spec":{"type":"ClusterIP","externalName":null}}""")).StatusCode);
        Assert.Equal(2, (await NamesAsync(server)).Count);
    }

    [Fact]
    public async Task A_service_that_is_refused_leaves_no_address_behind()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "s");
        var before = await NamesAsync(server);

        Assert.Equal(HttpStatusCode.Conflict, (await server.PostAsync(Services, Service("s"))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{Services}?dryRun=All", Service("dry"))).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PostAsync(Services, Service("far", ""","clusterIP":"192.0.2.1" """))).StatusCode);

        Assert.Equal(before, await NamesAsync(server));
    }

    [Fact]
    public async Task Services_made_at_once_have_an_address_and_an_object_each()
    {
        await using var server = await TestApiServer.StartAsync();

        var addresses = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => CreateAsync(server, $"s{i}")));

        Assert.Equal(50, addresses.Distinct().Count());
        Assert.Empty(addresses.Except(await NamesAsync(server)));
    }

    [Fact]
    public async Task An_address_has_one_holder()
    {
        await using var server = await TestApiServer.StartAsync();
        var address = await CreateAsync(server, "s");
        Assert.Equal(HttpStatusCode.Conflict, (await server.PostAsync(Addresses, $$$$"""{"metadata":{"name":"{{{{address}}}}"},"spec":{"parentRef":{"resource":"gateways","group":"example.com","name":"g"}}}""")).StatusCode);
        var network = address[..address.LastIndexOf('.')];
        var aside = $"{network}.{(address.EndsWith(".9", StringComparison.Ordinal) ? 8 : 9)}";
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Addresses, $$$$"""{"metadata":{"name":"{{{{aside}}}}"},"spec":{"parentRef":{"resource":"gateways","group":"example.com","name":"g"}}}""")).StatusCode);
        var refused = await server.PostAsync(Services, Service("t", $$""","clusterIP":"{{aside}}" """));
        Assert.Contains($"failed to allocate IP {aside}: provided IP is already allocated", (string?)refused.Json["message"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Addresses}/{aside}")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Services, Service("t", $$""","clusterIP":"{{aside}}" """))).StatusCode);
    }

    [Fact]
    public async Task What_users_take_away_is_put_back_and_what_belongs_to_nobody_goes()
    {
        await using var server = await TestApiServer.StartAsync();
        var address = await CreateAsync(server, "s");
        await using var watch = await server.WatchAsync($"{Addresses}?watch=1&resourceVersion={server.Store.CurrentRevision}");

        await server.DeleteAsync($"{Addresses}/{address}");
        await UntilAsync(watch, e => (string?)e["type"] == "DELETED");
        var back = await UntilAsync(watch, e => (string?)e["type"] == "ADDED");
        Assert.Equal((address, "s"), ((string?)back["metadata"]!["name"], (string?)back["spec"]!["parentRef"]!["name"]));

        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Addresses, """{"metadata":{"name":"192.0.2.7","labels":{"ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io","ipaddress.kubernetes.io/ip-family":"IPv4"}},"spec":{"parentRef":{"resource":"services","namespace":"default","name":"gone"}}}""")).StatusCode);
        var orphan = await UntilAsync(watch, e => (string?)e["type"] == "DELETED");
        Assert.Equal("192.0.2.7", (string?)orphan["metadata"]!["name"]);
    }

    [Fact]
    public async Task Another_range_gives_addresses_when_the_first_is_full()
    {
        await using var server = await TestApiServer.StartAsync(configure: o => o with { ServiceCidr = "10.77.0.0/29" });
        for (var i = 0; i < 5; i++) await CreateAsync(server, $"s{i}");
        var full = await server.PostAsync(Services, Service("more"));
        Assert.Equal((HttpStatusCode.InternalServerError, "Internal error occurred: failed to allocate a serviceIP: range is full"), (full.StatusCode, (string?)full.Json["message"]));

        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Ranges, """{"metadata":{"name":"more"},"spec":{"cidrs":["10.78.0.0/24"]}}""")).StatusCode);

        Assert.StartsWith("10.78.0.", await CreateAsync(server, "more"), StringComparison.Ordinal);
        Assert.Equal("10.78.0.10", await CreateAsync(server, "named", ""","clusterIP":"10.78.0.10" """));
    }

    [Fact]
    public async Task The_range_given_at_start_is_shown_again_when_it_was_deleted()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var watch = await server.WatchAsync($"{Ranges}?watch=1&resourceVersion={server.Store.CurrentRevision}");

        await server.DeleteAsync($"{Ranges}/kubernetes");

        await UntilAsync(watch, e => (string?)e["type"] == "DELETED");
        var back = await UntilAsync(watch, e => e["object"]!["status"]?["conditions"] is JsonArray { Count: 1 } && (string?)e["type"] != "DELETED");
        Assert.Equal(("kubernetes", "True"), ((string?)back["metadata"]!["name"], (string?)back["status"]!["conditions"]![0]!["status"]));
    }
}
