using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Pleg;

/// <summary>
/// The pod lifecycle event generator: hands each runtime event to the worker whose container it is. A list every
/// <see cref="RelistInterval"/>, and after each reconnection, finds what an event did not tell.
/// </summary>
/// <param name="apiPods">Whether the API has a pod of this uid; null while that is not known.</param>
internal sealed class PodLifecycleEvents(IRuntime runtime, PodWorkerSet workers, Func<Func<string, bool>?> apiPods, TimeProvider timeProvider, ILogger<PodLifecycleEvents> logger)
{
    private static readonly TimeSpan RelistInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromMilliseconds(200);

    private readonly TaskCompletionSource _firstConnection = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isConnected;

    /// <summary>The runtime answers and its events arrive.</summary>
    public bool IsHealthy => _isConnected;

    /// <summary>Ends when events arrive for the first time.</summary>
    public Task WhenConnectedAsync() => _firstConnection.Task;

    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(FollowAsync(cancellationToken), RelistRegularlyAsync(cancellationToken));

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var runtimeEvent in runtime.WatchEventsAsync(cancellationToken))
                {
                    if (runtimeEvent.Type == RuntimeEventType.Connected)
                    {
                        await RelistAsync(cancellationToken);
                        _isConnected = true;
                        _firstConnection.TrySetResult();
                    }
                    else if (runtimeEvent.Type is RuntimeEventType.Exited or RuntimeEventType.OutOfMemory)
                    {
                        // Starts are this kubelet's own doing, and deletions too: only ends are news.
                        workers.FindOwner(runtimeEvent.Id)?.RuntimeEvent(runtimeEvent);
                    }
                }
            }
            catch (RuntimeException exception)
            {
                if (_isConnected)
                    PlegLog.Disconnected(logger, exception.Message);
                _isConnected = false;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            await DelayAsync(ReconnectDelay, cancellationToken);
        }
    }

    private async Task RelistRegularlyAsync(CancellationToken cancellationToken)
    {
        while (await DelayAsync(RelistInterval, cancellationToken))
        {
            try
            {
                await RelistAsync(cancellationToken);
            }
            catch (RuntimeException exception)
            {
                PlegLog.NotListed(logger, exception.Message);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task RelistAsync(CancellationToken cancellationToken)
    {
        // Taken before the list: a pod that begins meanwhile is not missing from it, only younger.
        var known = workers.Workers.ToDictionary(w => w.Identity.Uid, w => w.Runtime, StringComparer.Ordinal);
        var pods = await RuntimePods.ListAsync(runtime, cancellationToken);
        foreach (var (uid, before) in known)
        {
            if (workers.Find(uid) is not { } worker)
                continue;
            var now = pods.TryGetValue(uid, out var entry) ? entry.Snapshot : PodSnapshot.Empty;
            foreach (var container in before.Containers)
            {
                var current = now.Find(container.Id);
                if (current is null || current.Phase != container.Phase)
                    worker.RuntimeEvent(new RuntimeEvent(current is null ? RuntimeEventType.Deleted : RuntimeEventType.Started, container.Id));
            }
            foreach (var sandbox in before.Sandboxes)
            {
                var current = now.Sandboxes.FirstOrDefault(s => s.Id == sandbox.Id);
                if (current is null || current.IsReady != sandbox.IsReady)
                    worker.RuntimeEvent(new RuntimeEvent(RuntimeEventType.Deleted, sandbox.Id));
            }
        }
        if (apiPods() is { } isInApi)
            workers.RemoveOrphans(pods, isInApi);
    }

    private async Task<bool> DelayAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(delay, timeProvider, cancellationToken);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}

internal static partial class PlegLog
{
    [LoggerMessage(EventId = 3401, Level = LogLevel.Warning, Message = "The container runtime's events ended; they are asked for again: {Reason}")]
    public static partial void Disconnected(ILogger logger, string reason);

    [LoggerMessage(EventId = 3402, Level = LogLevel.Warning, Message = "The container runtime's pods could not be listed: {Reason}")]
    public static partial void NotListed(ILogger logger, string reason);
}
