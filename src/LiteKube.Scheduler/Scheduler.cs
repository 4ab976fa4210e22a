using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Metrics;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Preemption;
using LiteKube.Scheduler.Queue;
using Microsoft.Extensions.Logging;

namespace LiteKube.Scheduler;

/// <summary>
/// Gives pods their nodes (https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/). One loop decides
/// for one pod after another on a snapshot in memory; what takes time, binding, runs beside it for many pods at once.
/// </summary>
public sealed partial class Scheduler : IComponent
{
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromSeconds(30);

    private readonly ISharedInformers _informers;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly PodConditions _conditions;
    private readonly Dictionary<string, Profile> _profiles = new(StringComparer.Ordinal);
    private readonly SchedulerCache _cache;
    private readonly SchedulingQueue _queue;
    private readonly SchedulerMetrics _metrics;
    private readonly Snapshot _snapshot = new();
    private readonly BackgroundTasks _background = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IDisposable> _handlers = [];
    private ITimer? _expiry;
    private Task _loop = Task.CompletedTask;
    private volatile ComponentHealth _health = ComponentHealth.NotReady("not started");

    public Scheduler(SchedulerOptions options, IKubeClient client, ISharedInformers informers, IEventRecorderFactory events, ILoggerFactory loggers, TimeProvider timeProvider)
    {
        _informers = informers;
        _timeProvider = timeProvider;
        _logger = loggers.CreateLogger("LiteKube.Scheduler");
        _conditions = new PodConditions(client, timeProvider, _logger);
        _cache = new SchedulerCache(timeProvider);
        _metrics = new SchedulerMetrics(() => _queue!.Counts, () => _cache.Sizes, () => _queue!.RejectedByPlugin);

        var queuePlugins = new Dictionary<string, QueuePlugins>(StringComparer.Ordinal);
        _queue = new SchedulingQueue(queuePlugins, new PrioritySort(), timeProvider, options.Queue) { Metrics = _metrics };
        var executor = new PreemptionExecutor(new PreemptionServices(client, informers.Get<V1Pod>(), _conditions, _queue,
            pod => _profiles.GetValueOrDefault(pod.SchedulerName)?.Plugins.WaitingPods.Find(pod.Uid), name => _profiles[name].Events, _background, _metrics, _logger, _stop.Token));
        foreach (var profile in options.Profiles)
        {
            PluginSet? set = null;
            var evaluator = new PreemptionEvaluator(profile, _queue.Nominator, () => set!, () => informers.Get<V1PodDisruptionBudget>().List(), options.Seed);
            var parts = new PluginParts(profile, options.MaxBindsInFlight, client, informers, timeProvider, () => _snapshot, new DefaultPreemption(evaluator, executor, _metrics));
            set = new PluginSet(DefaultPlugins.Create(parts), profile.SchedulerName, timeProvider, _metrics);
            queuePlugins.Add(profile.SchedulerName, set.Queue);
            _profiles.Add(profile.SchedulerName, new Profile(profile.SchedulerName, set, new SchedulingAlgorithm(set, profile, _queue.Nominator, options.Seed), events.Create(profile.SchedulerName)));
        }
    }

    public string Name => "scheduler";

    public ComponentHealth Health => _health;

    /// <summary>Pods that wait to be tried, that back off, and that wait for the cluster to change.</summary>
    public QueueCounts Waiting => _queue.Counts;

    /// <summary>The pod of that uid while a Permit plugin holds it back; null when none does.</summary>
    public WaitingPod? FindWaitingPod(string uid)
    {
        foreach (var profile in _profiles.Values)
        {
            if (profile.Plugins.WaitingPods.Find(uid) is { } waiting)
                return waiting;
        }
        return null;
    }

    /// <summary>kube-scheduler's metrics in Prometheus' text form.</summary>
    public void WriteMetrics(StringBuilder text) => _metrics.Write(text);

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
            SchedulerLog.Started(_logger, _cache.Sizes.Nodes);
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
        var handlers = new ClusterEvents(_cache, _queue, _profiles.Keys.ToHashSet(StringComparer.Ordinal), RejectWaiting);
        await ListenAsync(handlers.NodeHandler, cancellationToken);
        await ListenAsync(handlers.Handler<V1Namespace>(ClusterEvent.Namespace), cancellationToken);
        await ListenAsync(handlers.Handler<V1PersistentVolumeClaim>(ClusterEvent.PersistentVolumeClaim), cancellationToken);
        await ListenAsync(handlers.Handler<V1PersistentVolume>(ClusterEvent.PersistentVolume), cancellationToken);
        await ListenAsync(handlers.Handler<V1StorageClass>(ClusterEvent.StorageClass), cancellationToken);
        await ListenAsync(handlers.Handler<V1CSINode>(ClusterEvent.CsiNode), cancellationToken);
        await ListenAsync(handlers.Handler<V1CSIDriver>(ClusterEvent.CsiDriver), cancellationToken);
        await ListenAsync(handlers.Handler<V1CSIStorageCapacity>(ClusterEvent.CsiStorageCapacity), cancellationToken);
        await ListenAsync(handlers.Handler<V1VolumeAttachment>(ClusterEvent.VolumeAttachment), cancellationToken);
        // Read, not waited for: who is to be evicted last, and what belongs together.
        await _informers.Get<V1PodDisruptionBudget>().WaitForSyncAsync(cancellationToken);
        await _informers.Get<V1Service>().WaitForSyncAsync(cancellationToken);
        await _informers.Get<V1ReplicationController>().WaitForSyncAsync(cancellationToken);
        await _informers.Get<V1ReplicaSet>().WaitForSyncAsync(cancellationToken);
        await _informers.Get<V1StatefulSet>().WaitForSyncAsync(cancellationToken);
        await ListenAsync(handlers.PodHandler, cancellationToken);
    }

    private async Task ListenAsync<T>(InformerHandler<T> handler, CancellationToken cancellationToken) where T : class, k8s.IKubernetesObject<V1ObjectMeta>
    {
        var informer = _informers.Get<T>();
        _handlers.Add(informer.AddHandler(handler));
        await informer.WaitForSyncAsync(cancellationToken);
    }

    private bool RejectWaiting(PodInfo pod)
    {
        if (FindWaitingPod(pod.Uid) is not { } waiting)
            return false;
        waiting.Reject("", "removed");
        return true;
    }

    private void ExpireAssumed()
    {
        foreach (var pod in _cache.ExpireAssumed())
            SchedulerLog.AssumptionExpired(_logger, pod);
    }

    /// <summary>One schedulerName, with what places its pods.</summary>
    private sealed record Profile(string Name, PluginSet Plugins, SchedulingAlgorithm Algorithm, IEventRecorder Events);
}
