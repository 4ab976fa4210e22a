using LiteKube.ApiServer.Authentication;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Configuration;
using LiteKube.Controllers;
using LiteKube.Kubelet;
using LiteKube.Kubelet.Server;
using LiteKube.Network;
using LiteKube.Network.Dns;
using LiteKube.Network.Proxy;
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
    private SharedInformers? _informers;
    private volatile bool _complete;

    public IReadOnlyList<IComponent> Components => _components.Count == 0 ? [_apiServer] : _components;
    public string ApiAddress => $"https://127.0.0.1:{config.ApiPort}";
    public bool IsReady => _complete && _components.All(c => c.Health.IsReady);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var network = new NetworkSetup(ClusterOptions.Network(config), Environment.ProcessPath!, loggerFactory);
        // Neither needs the other: the bridge by netlink, the API server by its disk and keys.
        await Task.WhenAll(StartAsync(_apiServer, cancellationToken), StartAsync(network, cancellationToken));

        var components = new List<IComponent> { _apiServer, network };
        components.AddRange(ControlPlane());
        components.AddRange(NodeComponents(network));
        _components = components;
        // All of them wait for what they need by watching the API; only the kubelet's containerd takes time.
        await Task.WhenAll(components.Skip(2).Select(c => StartAsync(c, cancellationToken)));
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
        var manager = Client("system:kube-controller-manager");
        var informers = Informers(manager);
        var controllers = new ControllerSet(ControllerClient, _apiServer.Server.Pki.CertificateAuthority, informers, Own(new EventBroadcaster(manager, loggerFactory, _time)), loggerFactory, _time);
        _apiServer.Server.AddMetrics(controllers.WriteMetrics);
        yield return controllers;

        var schedulerClient = Client("system:kube-scheduler");
        var scheduler = new Scheduler.Scheduler(new SchedulerOptions(), schedulerClient, informers, Own(new EventBroadcaster(schedulerClient, loggerFactory, _time)), loggerFactory, _time);
        _apiServer.Server.AddMetrics(scheduler.WriteMetrics);
        yield return scheduler;
    }

    private IEnumerable<IComponent> NodeComponents(NetworkSetup network)
    {
        var informers = Informers(Client("system:kube-controller-manager"));
        var networkOptions = ClusterOptions.Network(config);
        yield return new ServiceProxy(new ServiceProxyOptions(networkOptions, config.NodeName), informers, loggerFactory, _time);
        yield return new DnsServer(DnsOptions.For(networkOptions, config.ClusterDomain), informers, loggerFactory, _time);

        var kubelet = ClusterOptions.Kubelet(config);
        var pki = _apiServer.Server.Pki;
        var serving = pki.KubeletServing(config.NodeName, [.. kubelet.NodeIps.Select(ip => ip.ToString())]);
        var security = new KubeletServerSecurity { ServingCertificate = () => serving.CurrentContext, ClientAuthority = pki.CertificateAuthority };
        var node = Client($"system:node:{config.NodeName}", UserInfo.NodesGroup);
        yield return Own(new KubeletComponent(kubelet, security, node, informers, Own(new EventBroadcaster(node, loggerFactory, _time)),
            new KubeletNetwork { NotReadyReason = () => network.Health.IsReady ? null : network.Health.Message }, loggerFactory, _time));
    }

    /// <summary>One set for the whole process: each kind is decoded once, whoever reads it.</summary>
    private SharedInformers Informers(IKubeClient client) => _informers ??= Own(new SharedInformers(client, loggerFactory, _time));

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
