using LiteKube.ApiServer.Authentication;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Configuration;
using LiteKube.Controllers;
using LiteKube.Network;
using LiteKube.Scheduler;
using Microsoft.Extensions.Logging;

namespace LiteKube.Hosting;

/// <summary>The composition root: makes every component of one instance and starts them in order.</summary>
internal sealed class Cluster(InstanceConfig config, ILoggerFactory loggerFactory) : IAsyncDisposable
{
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ApiServerComponent _apiServer = new(config, loggerFactory, TimeProvider.System);
    private readonly List<IComponent> _started = [];
    private readonly List<IAsyncDisposable> _owned = [];
    private volatile IReadOnlyList<IComponent> _components = [];
    private volatile bool _complete;

    public IReadOnlyList<IComponent> Components => _components.Count == 0 ? [_apiServer] : _components;
    public string ApiAddress => $"https://127.0.0.1:{config.ApiPort}";
    public bool IsReady => _complete && _components.All(c => c.Health.IsReady);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var network = new NetworkSetup(ClusterOptions.Network(config), System.Environment.ProcessPath!, loggerFactory);
        // Neither needs the other: the bridge by netlink, the API server by its disk and keys.
        await Task.WhenAll(StartAsync(_apiServer, cancellationToken), StartAsync(network, cancellationToken));

        var components = new List<IComponent> { _apiServer, network };
        components.AddRange(ControlPlane());
        _components = components;
        foreach (var component in components.Skip(2))
            await StartAsync(component, cancellationToken);
        _complete = true;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var component in Enumerable.Reverse(_started))
            await component.StopAsync(cancellationToken);
        _started.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
            await owned.DisposeAsync();
        await _apiServer.DisposeAsync();
    }

    private IEnumerable<IComponent> ControlPlane()
    {
        // One set of informers for the whole process: each kind is decoded once.
        var manager = Client("system:kube-controller-manager");
        var informers = Own(new SharedInformers(manager, loggerFactory, _time));
        yield return new ControllerSet(ControllerClient, informers, Own(new EventBroadcaster(manager, loggerFactory, _time)), loggerFactory, _time);

        var scheduler = Client("system:kube-scheduler");
        yield return new Scheduler.Scheduler(new SchedulerOptions(), scheduler, informers, Own(new EventBroadcaster(scheduler, loggerFactory, _time)), loggerFactory, _time);
    }

    private KubeClient Client(string user, params string[] groups) =>
        new(new InProcessTransport(_apiServer.Server, new UserInfo(user, [.. groups, UserInfo.AuthenticatedGroup])));

    private KubeClient ControllerClient(string name) =>
        Client($"system:serviceaccount:kube-system:{name}", "system:serviceaccounts", "system:serviceaccounts:kube-system");

    private T Own<T>(T value) where T : IAsyncDisposable
    {
        _owned.Add(value);
        return value;
    }

    private async Task StartAsync(IComponent component, CancellationToken cancellationToken)
    {
        await component.StartAsync(cancellationToken);
        lock (_started)
            _started.Add(component);
    }
}
