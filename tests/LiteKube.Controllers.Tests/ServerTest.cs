using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests;

/// <summary>The API server with its store, discovery, defaults, validation and admission; controllers under their own roles.</summary>
public abstract class ServerTest : IAsyncLifetime
{
    private readonly List<IComponent> _controllers = [];
    private EventBroadcaster _events = null!;

    protected TestApiServer Server { get; private set; } = null!;
    protected SharedInformers Informers { get; private set; } = null!;

    /// <summary>With all rights.</summary>
    protected KubeClient Admin { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await TestApiServer.StartAsync();
        Admin = new KubeClient(ServerTransport.ForAdmin(Server.Server));
        Informers = new SharedInformers(Client("generic-garbage-collector"), NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(Client("generic-garbage-collector"), NullLoggerFactory.Instance, TimeProvider.System);
        // The admission of service accounts asks for it in every pod's namespace.
        await CreateAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await StartControllersAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var controller in _controllers)
            await controller.StopAsync(default);
        await _events.DisposeAsync();
        await Informers.DisposeAsync();
        await Server.DisposeAsync();
    }

    /// <summary>Those of every test of the class.</summary>
    protected virtual Task StartControllersAsync() => Task.CompletedTask;

    /// <summary>A client with the rights of that controller.</summary>
    protected KubeClient Client(string controller) => new(new ServerTransport(Server.Server, controller));

    protected IEventRecorder Recorder(string component) => ((IEventRecorderFactory)_events).Create(component);

    protected async Task StartAsync(IComponent controller)
    {
        _controllers.Add(controller);
        await controller.StartAsync(default);
    }

    /// <summary>Ends it as the end of the process would.</summary>
    protected async Task StopAsync(IComponent controller)
    {
        _controllers.Remove(controller);
        await controller.StopAsync(default);
    }

    protected async Task<JsonObject> CreateAsync(string path, string body)
    {
        var response = await Server.PostAsync(path, body);
        Assert.True(response.StatusCode == HttpStatusCode.Created, response.Body);
        return response.Json;
    }

    protected async Task<JsonObject> PatchAsync(string path, string body)
    {
        var response = await Server.PatchAsync(path, body);
        Assert.True(response.StatusCode == HttpStatusCode.OK, response.Body);
        return response.Json;
    }

    protected async Task<IReadOnlyList<JsonObject>> ListAsync(string path) => [.. (await Server.GetAsync(path)).Json["items"]!.AsArray().Select(i => i!.AsObject())];

    /// <summary>The object of the first change that is as wanted.</summary>
    protected static async Task<JsonObject> UntilAsync(TestWatch watch, Func<JsonObject, bool> wanted, string what)
    {
        while (await watch.NextAsync() is { } next)
        {
            if (wanted(next))
                return next["object"]!.AsObject();
        }
        throw new InvalidOperationException($"the watch ended before it showed {what}");
    }

    protected static string Name(JsonObject value) => (string)value["metadata"]!["name"]!;

    protected static bool HasCondition(JsonObject value, string type) =>
        value["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == type && (string?)c["status"] == "True") == true;
}
