using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Ends one container: preStop, stop signal, and a kill when its time is over.</summary>
internal sealed class ContainerKiller(PodServices services)
{
    /// <summary>What is left for the stop signal when preStop used up the grace period.</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(2);

    /// <param name="container">Null for one that only the runtime still knows: no preStop then.</param>
    /// <param name="message">Of the Killing event.</param>
    /// <param name="shorterGrace">A task that ends when the grace period was shortened, with the new one; asked again after each change. Null when it cannot be.</param>
    public async Task KillAsync(V1Pod? pod, V1Container? container, ContainerRecord record, string podIp, string message, TimeSpan grace, Func<Task<TimeSpan>?> shorterGrace, CancellationToken cancellationToken)
    {
        if (pod is not null)
        {
            services.Prober.ContainerStopped(pod.Metadata.Uid, record.Name, record.Id);
            services.Events.Record(ContainerEvents.Reference(pod, record.Name), EventTypes.Normal, "Killing", message);
        }
        var began = services.TimeProvider.GetTimestamp();
        if (pod is not null && container?.Lifecycle?.PreStop is { } hook && grace > TimeSpan.Zero)
        {
            await PreStopAsync(pod, container, record, podIp, hook, grace, shorterGrace, cancellationToken);
            grace -= services.TimeProvider.GetElapsedTime(began);
            if (grace < LeastGrace)
                grace = LeastGrace;
        }
        await StopAsync(record, grace, shorterGrace, cancellationToken);
    }

    private async Task PreStopAsync(V1Pod pod, V1Container container, ContainerRecord record, string podIp, V1LifecycleHandler hook, TimeSpan grace, Func<Task<TimeSpan>?> shorterGrace, CancellationToken cancellationToken)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timeout = services.TimeProvider.CreateTimer(_ => bound.Cancel(), null, grace, Timeout.InfiniteTimeSpan);
        var run = services.Hooks.RunAsync(pod, container, record.Id, podIp, hook, bound.Token);
        if (shorterGrace() is { } shortened && await Task.WhenAny(run, shortened) == shortened)
            await bound.CancelAsync();
        try
        {
            if (await run is not null)
                services.Events.Record(ContainerEvents.Reference(pod, container.Name), EventTypes.Warning, "FailedPreStopHook", "PreStopHook failed");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            WorkerLog.PreStopTimedOut(services.Logger, container.Name, PodSpecs.Describe(pod));
        }
    }

    private async Task StopAsync(ContainerRecord record, TimeSpan grace, Func<Task<TimeSpan>?> shorterGrace, CancellationToken cancellationToken)
    {
        var stops = new List<Task> { StopOnceAsync(record, grace, cancellationToken) };
        // A later deletion with a shorter grace period overtakes the one under way: the runtime takes a second stop.
        while (shorterGrace() is { } shortened)
        {
            var finished = await Task.WhenAny([.. stops, shortened]);
            if (finished != shortened)
                break;
            stops.Add(StopOnceAsync(record, await shortened, cancellationToken));
        }
        await await Task.WhenAny(stops);
    }

    private async Task StopOnceAsync(ContainerRecord record, TimeSpan grace, CancellationToken cancellationToken)
    {
        try
        {
            await services.Runtime.StopContainerAsync(record.Id, grace, cancellationToken);
        }
        catch (RuntimeException exception) when (exception.IsNotFound)
        {
            WorkerLog.AlreadyGone(services.Logger, record.Id);
        }
        catch (RuntimeException exception) when (exception.Error == RuntimeError.Unknown)
        {
            // It may have ended by itself in the moment it was signalled; its shim is gone then ("ttrpc: closed").
            if ((await services.Runtime.ContainerStatusAsync(record.Id, cancellationToken)).State == ContainerState.ContainerRunning)
                throw;
            WorkerLog.AlreadyGone(services.Logger, record.Id);
        }
    }
}
