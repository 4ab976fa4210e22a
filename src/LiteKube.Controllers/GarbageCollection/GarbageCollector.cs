using System.Collections.Concurrent;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.GarbageCollection;

/// <summary>
/// Deletes objects whose owners are gone, and carries out foreground and orphaning deletion
/// (https://kubernetes.io/docs/concepts/architecture/garbage-collection/).
/// </summary>
internal sealed class GarbageCollector : IComponent, IReconciler, IObjectCounts
{
    private static readonly TimeSpan UnknownRecheck = TimeSpan.FromSeconds(30);

    private readonly LiveObjects _live;
    private readonly OwnerGraph _graph;
    private readonly MonitoredResources _resources;
    private readonly OwnerVerification _owners;
    private readonly ControllerRunner _runner;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    /// <summary>Objects whose owner is of a kind that is not served, or not yet.</summary>
    private readonly ConcurrentDictionary<ObjectKey, bool> _ofUnknownOwners = new();
    private Task _starting = Task.CompletedTask;

    /// <param name="spread">Where the chance in waits comes from.</param>
    public GarbageCollector(IKubeClient client, IEventRecorder events, ILoggerFactory loggers, TimeProvider timeProvider, Random? spread = null, ControllerMetrics? metrics = null)
    {
        _logger = loggers.CreateLogger("LiteKube.Controllers.garbage-collector");
        _live = new LiveObjects(client.Transport);
        _runner = new ControllerRunner("garbage-collector", this, loggers, timeProvider, workers: 10);
        _graph = new OwnerGraph(node => _runner.Queue.Add(KeyOf(node)));
        _resources = new MonitoredResources(client.Transport, _graph, OnResourcesChange, spread ?? Random.Shared, _logger, timeProvider, metrics);
        _owners = new OwnerVerification(_graph, _resources, _live, events);
    }

    public string Name => _runner.Name;

    public ComponentHealth Health => _runner.Health;

    public Action<string, string>? CountChanged
    {
        get => _graph.CountChanged;
        set => _graph.CountChanged = value;
    }

    public int Count(string groupResource, string ns) => _graph.Count(groupResource, ns);

    public Task WaitForSyncAsync(CancellationToken cancellationToken) => _resources.WaitForSyncAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _resources.Start();
        _starting = StartWhenSyncedAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _starting;
        await _runner.StopAsync(cancellationToken);
        await _resources.DisposeAsync();
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_graph.Find(key.Name) is not { } node)
        {
            _ofUnknownOwners.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        if (node.IsOrphaning)
            await OrphanDependentsAsync(node, cancellationToken);
        else if (node.IsDeletingDependents)
            await AwaitDependentsAsync(node, cancellationToken);
        else if (!node.Metadata.IsDeleting)
            return await CollectAsync(key, node, cancellationToken);
        // A dependent that waits for its own dependents while an owner waits for it may be part of a circle.
        if (node.IsDeletingDependents && node.Metadata.Owners.Any(link => _graph.Find(link.Uid) is { IsDeletingDependents: true }))
            await BreakCircleAsync(node, cancellationToken);
        return ReconcileResult.Done;
    }

    private static ObjectKey KeyOf(GraphNode node) => new(node.Resource.GroupResource, node.Uid);

    private async Task StartWhenSyncedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _resources.WaitForSyncAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        await _runner.StartAsync(cancellationToken);
    }

    private void OnResourcesChange()
    {
        foreach (var key in _ofUnknownOwners.Keys)
            _runner.Queue.Add(key);
    }

    private async Task OrphanDependentsAsync(GraphNode node, CancellationToken cancellationToken)
    {
        await _resources.WaitForSyncAsync(cancellationToken);
        var uid = new HashSet<string>(StringComparer.Ordinal) { node.Uid };
        foreach (var dependent in _graph.DependentsOf(node.Uid))
            await _live.RemoveOwnersAsync(dependent, uid, cancellationToken);
        await _live.RemoveFinalizerAsync(node, ObjectMetadata.OrphanFinalizer, cancellationToken);
    }

    private async Task AwaitDependentsAsync(GraphNode node, CancellationToken cancellationToken)
    {
        await _resources.WaitForSyncAsync(cancellationToken);
        var dependents = _graph.DependentsOf(node.Uid);
        // All of them are deleted, those that block are waited for: each that goes, or lets go of its owner, brings the owner back.
        foreach (var dependent in dependents.Where(d => !d.Metadata.IsDeleting))
            _runner.Queue.Add(KeyOf(dependent));
        if (!dependents.Any(d => d.Metadata.Owners.Any(o => o.Uid == node.Uid && o.BlockOwnerDeletion)))
            await _live.RemoveFinalizerAsync(node, ObjectMetadata.ForegroundFinalizer, cancellationToken);
    }

    private async Task<ReconcileResult> CollectAsync(ObjectKey key, GraphNode node, CancellationToken cancellationToken)
    {
        var live = await _live.FindAsync(node.Resource, node.Metadata.Namespace, node.Metadata.Name, cancellationToken);
        if (live is null || live.Uid != node.Uid)
        {
            _graph.Remove(node.Uid);
            return ReconcileResult.Done;
        }
        if (live.IsDeleting || live.Owners.Count == 0)
            return ReconcileResult.Done;

        var verdicts = new List<(OwnerLink Link, OwnerState State)>();
        foreach (var link in live.Owners)
            verdicts.Add((link, await _owners.VerifyAsync(node, link, cancellationToken)));
        if (verdicts.Any(v => v.State == OwnerState.Unknown))
        {
            _ofUnknownOwners[key] = true;
            return ReconcileResult.RequeueAfter(UnknownRecheck);
        }
        _ofUnknownOwners.TryRemove(key, out _);
        if (verdicts.Any(v => v.State == OwnerState.Unresolvable))
            return ReconcileResult.Done;

        var waiting = verdicts.Any(v => v.State == OwnerState.WaitingForDependents);
        if (verdicts.Any(v => v.State is OwnerState.Alive or OwnerState.AliveUnseen))
        {
            var lost = verdicts.Where(v => v.State is OwnerState.Absent or OwnerState.WaitingForDependents).Select(v => v.Link.Uid).ToHashSet(StringComparer.Ordinal);
            if (lost.Count > 0)
                await _live.RemoveOwnersAsync(node, lost, cancellationToken);
            // Perhaps no watch will tell when such an owner goes.
            return verdicts.Any(v => v.State == OwnerState.AliveUnseen) ? ReconcileResult.RequeueAfter(UnknownRecheck) : ReconcileResult.Done;
        }
        var policy = live.HasOrphanFinalizer ? "Orphan"
            : live.HasForegroundFinalizer || waiting && _graph.DependentsOf(node.Uid).Count > 0 ? "Foreground"
            : "Background";
        GarbageCollectionLog.Deleting(_logger, node.Resource.GroupResource, live.Namespace, live.Name, policy);
        await _live.DeleteAsync(node.Resource, live, policy, cancellationToken);
        return ReconcileResult.Done;
    }

    /// <summary>Two objects that wait for each other would wait forever: one that can be reached from itself over waiting owners stops blocking.</summary>
    private async Task BreakCircleAsync(GraphNode node, CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var next = new Stack<GraphNode>([node]);
        while (next.TryPop(out var current))
        {
            foreach (var owner in current.Metadata.Owners.Select(o => _graph.Find(o.Uid)).OfType<GraphNode>().Where(o => o.IsDeletingDependents))
            {
                if (owner.Uid == node.Uid)
                {
                    await _live.UnblockOwnersAsync(node, cancellationToken);
                    return;
                }
                if (seen.Add(owner.Uid))
                    next.Push(owner);
            }
        }
    }
}
