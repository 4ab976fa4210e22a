using LiteKube.ApiServer.Certificates;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Benchmarks.Scale;

/// <summary>A cluster whose nodes and pods are simulated.</summary>
internal interface IScaleTarget : IAsyncDisposable
{
    /// <summary>With all rights.</summary>
    IKubeClient Client { get; }

    /// <summary>CPU time of the server's process since it started; of this one when they are the same.</summary>
    double CpuSeconds();

    /// <summary>Resident memory of that process in MB (10^6 bytes).</summary>
    double ResidentMegabytes();
}

/// <summary>The program under test, in a process of its own, over TLS.</summary>
internal sealed class ProgramTarget : IScaleTarget
{
    private readonly Instance _instance;
    private readonly LiteKube.Client.Transport.HttpTransport _transport;

    private ProgramTarget(Instance instance)
    {
        _instance = instance;
        _transport = KubeEndpoint.Load(instance.Kubeconfig).Transport();
        Client = new KubeClient(_transport);
    }

    public IKubeClient Client { get; }

    public static async Task<ProgramTarget> StartAsync(string program, CancellationToken cancellationToken)
    {
        var instance = new Instance(program);
        await instance.StartAsync(cancellationToken);
        return new ProgramTarget(instance);
    }

    public double CpuSeconds() => _instance.CpuSeconds();

    public double ResidentMegabytes() => _instance.ResidentMegabytes();

    public ValueTask DisposeAsync()
    {
        _transport.Dispose();
        return _instance.DisposeAsync();
    }
}

/// <summary>
/// API server with its store on disk, controllers and scheduler in this process: what a profiler can look into without
/// a native build. Its figures hold the simulated nodes' own work as well.
/// </summary>
internal sealed class InProcessTarget : IScaleTarget
{
    private readonly TestApiServer _server;
    private readonly SharedInformers _informers;
    private readonly List<EventBroadcaster> _events = [];
    private readonly List<IComponent> _components = [];

    private InProcessTarget(TestApiServer server)
    {
        _server = server;
        Client = new KubeClient(ServerTransport.ForAdmin(server.Server));
        var manager = new KubeClient(ServerTransport.For(server.Server, "system:kube-controller-manager"));
        var scheduler = new KubeClient(ServerTransport.For(server.Server, "system:kube-scheduler"));
        _informers = new SharedInformers(manager, NullLoggerFactory.Instance, TimeProvider.System);
        ClusterPki pki = server.Server.Pki;
        _components.Add(new ControllerSet(name => new KubeClient(new ServerTransport(server.Server, name)), pki.CertificateAuthority, _informers, Events(manager), NullLoggerFactory.Instance, TimeProvider.System));
        Scheduler = new Scheduler.Scheduler(new Scheduler.SchedulerOptions(), scheduler, _informers, Events(scheduler), NullLoggerFactory.Instance, TimeProvider.System);
        _components.Add(Scheduler);
    }

    public IKubeClient Client { get; }
    public Scheduler.Scheduler Scheduler { get; }

    public static async Task<InProcessTarget> StartAsync(CancellationToken cancellationToken)
    {
        var target = new InProcessTarget(await TestApiServer.StartAsync());
        foreach (var component in target._components)
            await component.StartAsync(cancellationToken);
        return target;
    }

    public double CpuSeconds() => Environment.CpuUsage.TotalTime.TotalSeconds;

    public double ResidentMegabytes() => Environment.WorkingSet / 1e6;

    public async ValueTask DisposeAsync()
    {
        foreach (var component in Enumerable.Reverse(_components))
            await component.StopAsync(CancellationToken.None);
        foreach (var events in _events)
            await events.DisposeAsync();
        await _informers.DisposeAsync();
        await _server.DisposeAsync();
    }

    private EventBroadcaster Events(IKubeClient client)
    {
        var events = new EventBroadcaster(client, NullLoggerFactory.Instance, TimeProvider.System);
        _events.Add(events);
        return events;
    }
}
