using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Scheduler;
using LiteKube.Testing.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Integration.Tests.Support;

/// <summary>The scheduler and two nodes whose pods run at once, beside the server's controllers.</summary>
internal sealed class ScheduledNodes : IAsyncDisposable
{
    private readonly SharedInformers _informers;
    private readonly EventBroadcaster _events;
    private readonly Scheduler.Scheduler _scheduler;
    private readonly SimulatedNodes _nodes;

    private ScheduledNodes(SharedInformers informers, EventBroadcaster events, Scheduler.Scheduler scheduler, SimulatedNodes nodes) =>
        (_informers, _events, _scheduler, _nodes) = (informers, events, scheduler, nodes);

    public string First => _nodes.NameOf(0);
    public string Second => _nodes.NameOf(1);

    public static async Task<ScheduledNodes> StartAsync(IntegrationServer server)
    {
        var client = new KubeClient(ServerTransport.For(server.Api.Server, "system:kube-scheduler"));
        var informers = new SharedInformers(new KubeClient(ServerTransport.For(server.Api.Server, "system:kube-controller-manager")), NullLoggerFactory.Instance, TimeProvider.System);
        var events = new EventBroadcaster(client, NullLoggerFactory.Instance, TimeProvider.System);
        var scheduler = new Scheduler.Scheduler(new SchedulerOptions(), client, informers, events, NullLoggerFactory.Instance, TimeProvider.System);
        var options = new SimulatedNodeOptions(2, "worker") { Cpu = "4", Memory = "8Gi" };
        var nodes = await SimulatedNodes.StartAsync(new KubeClient(ServerTransport.ForAdmin(server.Api.Server)), options, NullLoggerFactory.Instance, TimeProvider.System);
        await scheduler.StartAsync(default);
        return new ScheduledNodes(informers, events, scheduler, nodes);
    }

    public async ValueTask DisposeAsync()
    {
        await _scheduler.StopAsync(default);
        await _nodes.DisposeAsync();
        await _events.DisposeAsync();
        await _informers.DisposeAsync();
    }
}
