using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Queue;
using Microsoft.Extensions.Logging;

namespace LiteKube.Scheduler;

/// <summary>
/// Gives pods their nodes (https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/). One loop decides
/// for one pod after another on a snapshot in memory; what takes time, binding, runs beside it for many pods at once.
/// </summary>
public sealed class Scheduler : IComponent
{
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromSeconds(30);

    private readonly SchedulerOptions _options;
    private readonly ISharedInformers _informers;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly IEventRecorder _events;
    private readonly PodConditions _conditions;
    private readonly PluginSet _plugins;
    private readonly SchedulingAlgorithm _algorithm;
    private readonly SchedulerCache _cache;
    private readonly SchedulingQueue _queue;
    private readonly Snapshot _snapshot = new();
    private readonly BackgroundTasks _background = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IDisposable> _handlers = [];
    private ITimer? _expiry;
    private Task _loop = Task.CompletedTask;
    private volatile ComponentHealth _health = ComponentHealth.NotReady("not started");

    public Scheduler(SchedulerOptions options, IKubeClient client, ISharedInformers informers, IEventRecorderFactory events, ILoggerFactory loggers, TimeProvider timeProvider)
    {
        _options = options;
        _informers = informers;
        _timeProvider = timeProvider;
        _logger = loggers.CreateLogger("LiteKube.Scheduler");
        _events = events.Create(options.SchedulerName);
        _conditions = new PodConditions(client, timeProvider, _logger);
        _plugins = new PluginSet(DefaultPlugins.Create(options, client, informers, timeProvider, () => _snapshot));
        _algorithm = new SchedulingAlgorithm(_plugins, options);
        _cache = new SchedulerCache(timeProvider);
        _queue = new SchedulingQueue(_plugins.Queue, timeProvider, options.Queue);
    }

    public string Name => "scheduler";

    public ComponentHealth Health => _health;

    /// <summary>Pods that wait to be tried, that back off, and that wait for the cluster to change.</summary>
    public (int Active, int Backoff, int Unschedulable) Waiting => _queue.Counts;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _health = ComponentHealth.NotReady("waits for its first list from the API server");
        _expiry = _timeProvider.CreateTimer(_ => ExpireAssumed(), null, ExpiryInterval, ExpiryInterval);
        _loop = RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var handler in _handlers)
            handler.Dispose();
        if (_expiry is not null)
            await _expiry.DisposeAsync();
        await _stop.CancelAsync();
        _queue.Dispose();
        await _loop.WaitAsync(cancellationToken);
        await _background.WhenAll().WaitAsync(cancellationToken);
        _health = ComponentHealth.NotReady("stopped");
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await ListenAsync(cancellationToken);
            _health = ComponentHealth.Ready;
            SchedulerLog.Started(_logger, _cache.NodeCount);
            while (true)
                TryOne(await _queue.PopAsync(cancellationToken), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception e)
        {
            SchedulerLog.LoopFailed(_logger, e);
            _health = ComponentHealth.NotReady($"its loop ended: {e.Message}; restart litekube");
            throw;
        }
    }

    /// <summary>Nodes and volumes first: a pod must not be tried against half a cluster.</summary>
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var handlers = new ClusterEvents(_cache, _queue, _options.SchedulerName);
        await ListenAsync(handlers.NodeHandler, cancellationToken);
        await ListenAsync(handlers.Handler<V1Namespace>(ClusterEvent.Namespace), cancellationToken);
        await ListenAsync(handlers.Handler<V1PersistentVolumeClaim>(ClusterEvent.PersistentVolumeClaim), cancellationToken);
        await ListenAsync(handlers.Handler<V1PersistentVolume>(ClusterEvent.PersistentVolume), cancellationToken);
        await ListenAsync(handlers.Handler<V1StorageClass>(ClusterEvent.StorageClass), cancellationToken);
        await ListenAsync(handlers.PodHandler, cancellationToken);
    }

    private async Task ListenAsync<T>(InformerHandler<T> handler, CancellationToken cancellationToken) where T : class, k8s.IKubernetesObject<V1ObjectMeta>
    {
        var informer = _informers.Get<T>();
        _handlers.Add(informer.AddHandler(handler));
        await informer.WaitForSyncAsync(cancellationToken);
    }

    private void TryOne(QueuedPod queued, CancellationToken cancellationToken)
    {
        var started = _timeProvider.GetTimestamp();
        var pod = queued.Pod;
        if (pod.Pod.Metadata.DeletionTimestamp is not null || _cache.Contains(pod.Uid))
        {
            _queue.Done(pod.Uid);
            return;
        }
        try
        {
            Schedule(queued, pod, started, cancellationToken);
        }
        // A fault of one pod's attempt is no reason to leave all others waiting.
        catch (Exception e)
        {
            SchedulerLog.AttemptFailed(_logger, pod.Key, e);
            Fail(queued, started, SchedulerMetrics.Error, "SchedulerError", e.Message, null, NoPlugins, cancellationToken);
        }
    }

    private void Schedule(QueuedPod queued, PodInfo pod, long started, CancellationToken cancellationToken)
    {
        _cache.Update(_snapshot);
        var state = new CycleState();
        if (_algorithm.Schedule(state, pod, _snapshot, out var diagnosis) is not { } node)
        {
            var nominated = _snapshot.Nodes.Count == 0 ? null : _plugins.PostFilter(state, pod, _snapshot, diagnosis);
            var message = diagnosis.ToString();
            SchedulerLog.Unschedulable(_logger, pod.Key, message);
            // With no node there is no plugin to ask: any node that comes helps.
            Fail(queued, started, SchedulerMetrics.Unschedulable, "Unschedulable", message, nominated, diagnosis.NodeCount == 0 ? NodeComes : diagnosis.RejectedBy, cancellationToken);
            return;
        }
        _cache.Assume(pod, node);
        if (_plugins.Reserve(state, pod, node) is { } refused)
        {
            _cache.Forget(pod.Uid);
            Fail(queued, started, SchedulerMetrics.Error, "SchedulerError", refused.Message, null, new HashSet<string>([refused.Plugin], StringComparer.Ordinal), cancellationToken);
            return;
        }
        _background.Add(BindAsync(queued, pod, node, state, started, cancellationToken));
    }

    private async Task BindAsync(QueuedPod queued, PodInfo pod, string node, CycleState state, long started, CancellationToken cancellationToken)
    {
        // The loop goes on with the next pod at once.
        await Task.Yield();
        PluginStatus? failed;
        try
        {
            failed = await _plugins.BindAsync(state, pod, node, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        // A transport may fail in any way; the pod must get back into the queue.
        catch (Exception e)
        {
            SchedulerLog.AttemptFailed(_logger, pod.Key, e);
            failed = PluginStatus.Error(e.Message);
        }
        if (failed is not null)
        {
            SchedulerLog.BindFailed(_logger, pod.Key, node, failed.Message);
            _plugins.Unreserve(state, pod, node);
            _cache.Forget(pod.Uid);
            // Its room is free again, for others that may have been turned away because of it.
            _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, pod, null));
            var isUnschedulable = failed.IsUnschedulable;
            Fail(queued, started, isUnschedulable ? SchedulerMetrics.Unschedulable : SchedulerMetrics.Error, isUnschedulable ? "Unschedulable" : "SchedulerError", failed.Message, null,
                isUnschedulable ? new HashSet<string>([failed.Plugin], StringComparer.Ordinal) : NoPlugins, cancellationToken);
            return;
        }
        _cache.FinishBinding(pod.Uid);
        _queue.Done(pod.Uid);
        SchedulerLog.Bound(_logger, pod.Key, node);
        SchedulerMetrics.Attempted(SchedulerMetrics.Scheduled, _timeProvider.GetElapsedTime(started));
        _events.Normal(pod.Pod, "Scheduled", $"Successfully assigned {pod.Key} to {node}");
        _plugins.PostBind(state, pod, node);
    }

    private void Fail(QueuedPod queued, long started, string result, string reason, string message, string? nominatedNode, IReadOnlySet<string> rejectedBy, CancellationToken cancellationToken)
    {
        SchedulerMetrics.Attempted(result, _timeProvider.GetElapsedTime(started));
        // While it was tried it may have been deleted, or bound by someone else.
        if (_informers.Get<V1Pod>().Find(queued.Pod.Key) is not { } current || current.Metadata.Uid != queued.Pod.Uid || !string.IsNullOrEmpty(current.Spec.NodeName))
        {
            _queue.Done(queued.Pod.Uid);
            return;
        }
        var pod = queued.Pod;
        _queue.Reject(queued, rejectedBy);
        _events.Warning(pod.Pod, "FailedScheduling", message);
        _background.Add(_conditions.SetNotScheduledAsync(pod, reason, message, nominatedNode, cancellationToken));
    }

    private void ExpireAssumed()
    {
        foreach (var pod in _cache.ExpireAssumed())
            SchedulerLog.AssumptionExpired(_logger, pod);
    }

    private static readonly HashSet<string> NoPlugins = [];
    private static readonly HashSet<string> NodeComes = new(["NodeName"], StringComparer.Ordinal);
}
