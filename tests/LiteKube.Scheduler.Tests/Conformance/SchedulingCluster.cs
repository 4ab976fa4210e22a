using System.Net;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers;
using LiteKube.Testing;
using LiteKube.Testing.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Scheduler.Tests.Conformance;

/// <summary>The API server with its store, the controllers, the scheduler under its own role, and two simulated nodes.</summary>
public sealed class SchedulingCluster : IAsyncDisposable
{
    public const string Namespace = "sched";
    private readonly TestApiServer _server;
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<IComponent> _components = [];
    private SharedInformers _informers = null!;

    private SchedulingCluster(TestApiServer server) => _server = server;

    public TestApiServer Api => _server;
    public SimulatedNodes Nodes { get; private set; } = null!;
    public Scheduler Scheduler { get; private set; } = null!;
    public IInformer<V1Pod> Pods { get; private set; } = null!;

    public static async Task<SchedulingCluster> StartAsync(int nodes = 2)
    {
        var cluster = new SchedulingCluster(await TestApiServer.StartAsync());
        var server = cluster._server.Server;
        var informers = cluster._informers = cluster.Own(new SharedInformers(new KubeClient(ServerTransport.For(server, "system:kube-controller-manager")), NullLoggerFactory.Instance, TimeProvider.System));
        var client = new KubeClient(ServerTransport.For(server, "system:kube-scheduler"));
        var events = cluster.Own(new EventBroadcaster(client, NullLoggerFactory.Instance, TimeProvider.System));
        IKubeClient Of(string controller) => new KubeClient(new ServerTransport(server, controller));
        cluster._components.Add(new ControllerSet(Of, server.Pki.CertificateAuthority, informers, events, NullLoggerFactory.Instance, TimeProvider.System));
        cluster.Scheduler = new Scheduler(new SchedulerOptions(), client, informers, events, NullLoggerFactory.Instance, TimeProvider.System);
        cluster._components.Add(cluster.Scheduler);
        cluster.Pods = informers.Get<V1Pod>();
        cluster.Nodes = await SimulatedNodes.StartAsync(new KubeClient(ServerTransport.ForAdmin(server)), new SimulatedNodeOptions(nodes) { Cpu = "10", Memory = "32Gi" }, NullLoggerFactory.Instance, TimeProvider.System);
        foreach (var component in cluster._components)
            await component.StartAsync(default);
        await cluster.CreateAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{Namespace}}}"}}""");
        await cluster.UntilAsync($"/api/v1/namespaces/{Namespace}/serviceaccounts", account => (string?)account["metadata"]!["name"] == "default");
        await cluster.UntilAsync("/api/v1/namespaces/kube-system/serviceaccounts", account => (string?)account["metadata"]!["name"] == "default");
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        await Nodes.DisposeAsync();
        foreach (var component in Enumerable.Reverse(_components))
            await component.StopAsync(default);
        foreach (var owned in Enumerable.Reverse(_owned))
            await owned.DisposeAsync();
        await _server.DisposeAsync();
    }

    public async Task<JsonObject> CreateAsync(string path, string body)
    {
        var response = await _server.PostAsync(path, body);
        Assert.True(response.StatusCode == HttpStatusCode.Created, response.Body);
        return response.Json;
    }

    public Task<JsonObject> PodAsync(string name, string spec, string? labels = null, string ns = Namespace) => CreateAsync($"/api/v1/namespaces/{ns}/pods",
        $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}","labels":{{{labels ?? "{}"}}}},"spec":{"terminationGracePeriodSeconds":0,{{{spec}}}}}""");

    public async Task PatchNodeStatusAsync(int index, string capacity)
    {
        await using var watch = await _server.WatchAsync($"/api/v1/nodes?watch=true&fieldSelector=metadata.name%3D{Nodes.NameOf(index)}");
        var patched = await _server.PatchAsync($"/api/v1/nodes/{Nodes.NameOf(index)}/status", $$$"""{"status":{"capacity":{{{capacity}}}}}""", "application/strategic-merge-patch+json");
        Assert.True(patched.StatusCode == HttpStatusCode.OK, patched.Body);
        // The node offers what it was given, as the server writes it: "1000" is "1k".
        var wanted = patched.Json["status"]!["capacity"]!.AsObject();
        while (await watch.NextAsync() is { } change)
        {
            if (wanted.All(entry => (string?)change["object"]!["status"]!["allocatable"]![entry.Key] == (string?)entry.Value))
                return;
        }
        Assert.Fail("the watch ended before the node offered the resource");
    }

    public Task<JsonObject> RunningAsync(string name, string ns = Namespace) =>
        UntilAsync($"/api/v1/namespaces/{ns}/pods", pod => (string?)pod["metadata"]!["name"] == name && (string?)pod["status"]?["phase"] == "Running");

    public async Task<JsonObject?> FindPodAsync(string name, string ns = Namespace)
    {
        var response = await _server.GetAsync($"/api/v1/namespaces/{ns}/pods/{name}");
        return response.StatusCode == HttpStatusCode.OK ? response.Json : null;
    }

    /// <summary>Until an object of the collection is as wanted: those that are there first, then those that change.</summary>
    public async Task<JsonObject> UntilAsync(string collection, Func<JsonObject, bool> predicate)
    {
        await using var watch = await _server.WatchAsync($"{collection}?watch=true");
        while (await watch.NextAsync() is { } change)
        {
            if ((string?)change["type"] is "ADDED" or "MODIFIED" && predicate(change["object"]!.AsObject()))
                return change["object"]!.AsObject();
        }
        throw new InvalidOperationException($"the watch of {collection} ended before the change came");
    }

    /// <summary>Until the scheduler has seen the object as wanted: what is decided afterwards is decided by it.</summary>
    public async Task SeenAsync<T>(string name, Func<T, bool>? wanted = null) where T : class, k8s.IKubernetesObject<V1ObjectMeta>
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Check(T value)
        {
            if (value.Metadata.Name == name && wanted?.Invoke(value) != false)
                seen.TrySetResult();
        }
        // Handlers are called one after another: the scheduler's before this.
        using var handler = _informers.Get<T>().AddHandler(new InformerHandler<T>(Check, (_, value) => Check(value), null));
        await seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private T Own<T>(T value) where T : IAsyncDisposable
    {
        _owned.Add(value);
        return value;
    }
}
