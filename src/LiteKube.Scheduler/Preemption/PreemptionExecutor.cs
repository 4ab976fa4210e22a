using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Metrics;
using LiteKube.Scheduler.Queue;
using Microsoft.Extensions.Logging;

namespace LiteKube.Scheduler.Preemption;

/// <summary>
/// Makes the room, beside the loop (https://kep.k8s.io/4832): marks and deletes the victims. Until they are on their way
/// the pod that they go for stays out of the queue, lest it be tried again and more go for it.
/// </summary>
internal sealed class PreemptionExecutor(PreemptionServices services)
{
    private readonly Lock _lock = new();
    /// <summary>Preempting pods by uid, with the last of their victims once only it is left.</summary>
    private readonly Dictionary<string, PodInfo?> _preempting = new(StringComparer.Ordinal);

    public bool IsPreempting(string uid)
    {
        PodInfo? last;
        lock (_lock)
        {
            if (!_preempting.TryGetValue(uid, out last))
                return false;
        }
        if (last is null)
            return true;
        // Seen to go: the answer to its deletion may be late, and nothing would wake the pod after it.
        return services.Pods.Find(last.Key) is { } current && current.Metadata.Uid == last.Uid && current.Metadata.DeletionTimestamp is null;
    }

    /// <summary>Begins it and returns.</summary>
    public void Begin(PodInfo pod, Candidate candidate)
    {
        var victims = candidate.Victims.Where(victim => !victim.IsTerminating).ToList();
        if (victims.Count == 0)
            return;
        services.Metrics?.Victims.Observe(candidate.Victims.Count);
        lock (_lock)
            _preempting[pod.Uid] = null;
        services.Background.Add(RunAsync(pod, candidate.Node, victims, services.Stopping));
    }

    private async Task RunAsync(PodInfo pod, string node, List<PodInfo> victims, CancellationToken cancellationToken)
    {
        // The loop goes on with the next pod at once.
        await Task.Yield();
        var failed = false;
        try
        {
            failed = !await ClearLesserNominationsAsync(pod, node, cancellationToken);
            await Task.WhenAll(victims.SkipLast(1).Select(victim => PreemptAsync(pod, node, victim, cancellationToken)));
            lock (_lock)
                _preempting[pod.Uid] = victims[^1];
            await PreemptAsync(pod, node, victims[^1], cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        // Whatever it was, the pod is to try again rather than wait for victims that do not go.
        catch (Exception e)
        {
            SchedulerLog.PreemptionFailed(services.Logger, pod.Key, node, e);
            failed = true;
        }
        finally
        {
            lock (_lock)
                _preempting.Remove(pod.Uid);
        }
        if (failed)
            services.Queue.Activate(pod.Uid);
    }

    private async Task PreemptAsync(PodInfo pod, string node, PodInfo victim, CancellationToken cancellationToken)
    {
        if (services.WaitingPod(victim) is { } waiting)
        {
            // Not bound yet: nobody but this process has to know.
            waiting.Reject("DefaultPreemption", "preempted");
        }
        else
        {
            try
            {
                await services.Conditions.SetDisruptionTargetAsync(victim, $"{pod.SchedulerName}: preempting to accommodate a higher priority pod", cancellationToken);
                await services.Client.DeleteAsync<V1Pod>(victim.Namespace, victim.Key.Name, new DeleteOptions(PreconditionUid: victim.Uid), cancellationToken);
            }
            // Gone by itself, or gone and made again under its name.
            catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
            {
                return;
            }
            SchedulerLog.Preempted(services.Logger, victim.Key, node, pod.Key);
        }
        services.Events(pod.SchedulerName).Normal(victim.Pod, "Preempted", $"Preempted by pod {pod.Uid} on node {node}");
    }

    /// <summary>Less important pods that were to come to this node may not fit there any more; they look for another place at once.</summary>
    private async Task<bool> ClearLesserNominationsAsync(PodInfo pod, string node, CancellationToken cancellationToken)
    {
        var all = true;
        foreach (var nominated in services.Queue.Nominator.PodsFor(node))
        {
            if (nominated.Priority >= pod.Priority || nominated.NominatedNode.Length == 0)
                continue;
            all &= await services.Conditions.SetNominatedNodeAsync(nominated, "", cancellationToken);
        }
        return all;
    }
}

/// <summary>What carrying a preemption out needs of the scheduler.</summary>
/// <param name="WaitingPod">The pod's wait for a Permit plugin, if it is held by one.</param>
/// <param name="Events">The recorder of a scheduler by its name.</param>
internal sealed record PreemptionServices(
    IKubeClient Client, IInformer<V1Pod> Pods, PodConditions Conditions, SchedulingQueue Queue, Func<PodInfo, Framework.WaitingPod?> WaitingPod, Func<string, IEventRecorder> Events,
    BackgroundTasks Background, SchedulerMetrics? Metrics, ILogger Logger, CancellationToken Stopping);
