using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.ServiceCidrs;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Controllers.Tests.ServiceCidrs;

/// <summary>Against the API server with its allocator, under the controller's own role.</summary>
public sealed class ServiceCidrControllerTests : IAsyncLifetime
{
    private const string Ranges = "/apis/networking.k8s.io/v1/servicecidrs";
    private const string Services = "/api/v1/namespaces/default/services";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private TestApiServer _server = null!;
    private SharedInformers _informers = null!;
    private ControllerRunner _runner = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        var client = new KubeClient(new ServerTransport(_server.Server, "service-cidrs-controller"));
        _informers = new SharedInformers(client, NullLoggerFactory.Instance, TimeProvider.System);
        _runner = new ServiceCidrController(client, _informers, _time).CreateRunner(NullLoggerFactory.Instance);
        await _runner.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _runner.StopAsync(default);
        await _informers.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_range_becomes_ready_is_held_while_in_use_and_goes_when_free()
    {
        await using var watch = await WatchAsync("more");
        await CreateAsync(Ranges, """{"metadata":{"name":"more"},"spec":{"cidrs":["10.99.0.0/24"]}}""");
        var ready = await UntilAsync(watch, e => Ready(e) is not null);
        Assert.Equal([ServiceCidrController.Finalizer], ready["metadata"]!["finalizers"]!.AsArray().Select(f => (string?)f));
        Assert.Equal(("True", "Kubernetes Service CIDR is ready"), ((string?)Ready(ready)!["status"], (string?)Ready(ready)!["message"]));
        await CreateAsync(Services, """{"metadata":{"name":"s"},"spec":{"clusterIP":"10.99.0.5","ports":[{"port":80}]}}""");

        Assert.Equal(HttpStatusCode.OK, (await _server.DeleteAsync($"{Ranges}/more")).StatusCode);
        var held = await UntilAsync(watch, e => (string?)Ready(e)?["status"] == "False");
        Assert.Equal(("Terminating", "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"), ((string?)Ready(held)!["reason"], (string?)Ready(held)!["message"]));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await _server.PostAsync(Services, """{"metadata":{"name":"t"},"spec":{"clusterIP":"10.99.0.6","ports":[{"port":80}]}}""")).StatusCode);

        Assert.Equal(HttpStatusCode.OK, (await _server.DeleteAsync($"{Services}/s")).StatusCode);
        await GoneAsync(watch);
    }

    [Fact]
    public async Task A_range_within_another_one_goes_though_in_use()
    {
        await using var watch = await WatchAsync("small");
        await CreateAsync(Ranges, """{"metadata":{"name":"small"},"spec":{"cidrs":["10.99.0.0/28"]}}""");
        await CreateAsync(Ranges, """{"metadata":{"name":"wide"},"spec":{"cidrs":["10.99.0.0/16"]}}""");
        await UntilAsync(watch, e => Ready(e) is not null);
        await CreateAsync(Services, """{"metadata":{"name":"s"},"spec":{"clusterIP":"10.99.0.5","ports":[{"port":80}]}}""");

        Assert.Equal(HttpStatusCode.OK, (await _server.DeleteAsync($"{Ranges}/small")).StatusCode);

        await GoneAsync(watch);
    }

    private static JsonNode? Ready(JsonObject range) => (range["status"]?["conditions"] as JsonArray)?.FirstOrDefault(c => (string?)c!["type"] == "Ready");

    private Task<TestWatch> WatchAsync(string name) => _server.WatchAsync($"{Ranges}?watch=1&fieldSelector=metadata.name%3D{name}");

    private async Task CreateAsync(string path, string body)
    {
        var created = await _server.PostAsync(path, body);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    private static async Task<JsonObject> UntilAsync(TestWatch watch, Func<JsonObject, bool> wanted)
    {
        while (await watch.NextAsync() is { } change)
        {
            if (change["object"] is JsonObject range && wanted(range)) return range;
        }
        throw new InvalidOperationException("the watch ended before the event came");
    }

    /// <summary>Lets the grace of a deletion pass until the range is gone.</summary>
    private async Task GoneAsync(TestWatch watch)
    {
        while (true)
        {
            var next = watch.NextAsync();
            while (!next.IsCompleted)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }
            var change = await next;
            Assert.NotNull(change);
            if ((string?)change["type"] == "DELETED") return;
        }
    }
}
