using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace LiteKube.Client.Queues;

/// <summary>One kind's control loop: brings the world a step nearer to what the object with this key wants.</summary>
public interface IReconciler
{
    /// <summary>Never runs twice at a time for one key. Exceptions are logged and the key is tried again with backoff.</summary>
    Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken);
}

/// <param name="Requeue">Run the key again after this long; null when only a change brings it back.</param>
public readonly record struct ReconcileResult(TimeSpan? Requeue)
{
    public static ReconcileResult Done => default;
    public static ReconcileResult RequeueAfter(TimeSpan delay) => new(delay);
}

/// <summary>
/// Runs a reconciler's workers on a queue of keys. Informers feed the queue (<see cref="Watch{T}(IInformer{T}, Func{T, IEnumerable{ObjectKey}})"/>);
/// work begins when all of them have synced.
/// </summary>
public sealed class ControllerRunner(string name, IReconciler reconciler, ILoggerFactory loggers, TimeProvider timeProvider, int workers = 1, IRateLimiter<ObjectKey>? limiter = null) : IComponent
{
    private readonly ILogger _logger = loggers.CreateLogger($"LiteKube.Controllers.{name}");
    private readonly List<Func<CancellationToken, Task>> _syncs = [];
    private readonly List<IDisposable> _handlers = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private volatile bool _ready;

    public string Name { get; } = name;

    public WorkQueue<ObjectKey> Queue { get; } = new(name, timeProvider, limiter);

    public ComponentHealth Health => _ready ? ComponentHealth.Ready : ComponentHealth.NotReady("waits for its first list from the API server");

    /// <summary>Queues the object itself on every event.</summary>
    public ControllerRunner Watch<T>(IInformer<T> informer) where T : class, IKubernetesObject<V1ObjectMeta> => Watch(informer, static value => [ObjectKey.Of(value)]);

    /// <summary>Queues the keys that an object concerns on every event; for an update those of both versions.</summary>
    public ControllerRunner Watch<T>(IInformer<T> informer, Func<T, IEnumerable<ObjectKey>> keys) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Watch(informer, new InformerHandler<T>(
            OnAdd: value => Enqueue(keys(value)),
            OnUpdate: (old, value) =>
            {
                Enqueue(keys(value));
                if (!ReferenceEquals(old, value))
                    Enqueue(keys(old));
            },
            OnDelete: value => Enqueue(keys(value))));

    /// <summary>With a handler of one's own, for observing expectations.</summary>
    public ControllerRunner Watch<T>(IInformer<T> informer, InformerHandler<T> handler) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        _syncs.Add(informer.WaitForSyncAsync);
        _handlers.Add(informer.AddHandler(handler));
        return this;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var handler in _handlers)
            handler.Dispose();
        await _stop.CancelAsync();
        Queue.ShutDown();
        await _running.WaitAsync(cancellationToken);
        _ready = false;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var sync in _syncs)
                await sync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        _ready = true;
        ClientLog.ControllerStarted(_logger, Name, workers);
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(cancellationToken)));
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        // Off the caller's thread before the first key.
        await Task.Yield();
        while (!cancellationToken.IsCancellationRequested)
        {
            ObjectKey key;
            try
            {
                (var isOpen, key) = await Queue.TakeAsync(cancellationToken);
                if (!isOpen)
                    return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            await ReconcileAsync(key, cancellationToken);
        }
    }

    private async Task ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        try
        {
            var result = await reconciler.ReconcileAsync(key, cancellationToken);
            Queue.Forget(key);
            if (result.Requeue is { } delay)
                Queue.AddAfter(key, delay);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopping; the next start begins from the objects as they are.
        }
        catch (KubeApiException e) when (e.IsConflict)
        {
            ClientLog.ReconcileConflicted(_logger, Name, key, e.Message);
            Queue.AddRateLimited(key);
        }
        // A reconciler may fail in any way; the key comes back, later each time.
        catch (Exception e)
        {
            ClientLog.ReconcileFailed(_logger, Name, key, Queue.Requeues(key) + 1, e);
            Queue.AddRateLimited(key);
        }
        finally
        {
            Queue.Done(key);
        }
    }

    private void Enqueue(IEnumerable<ObjectKey> keys)
    {
        foreach (var key in keys)
            Queue.Add(key);
    }
}
