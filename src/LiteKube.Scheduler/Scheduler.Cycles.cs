using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Metrics;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler;

/// <summary>The two halves of an attempt: the scheduling cycle, one pod at a time, and the binding cycle, beside it.</summary>
public sealed partial class Scheduler
{
    /// <summary>Of an event's note; what is longer is cut off, as the API would refuse it.</summary>
    private const int MaxNoteLength = 1024;
    private const int MeasuredPercent = 10;
    private const string Unschedulable = "Unschedulable";
    private const string SchedulerError = "SchedulerError";
    private static readonly HashSet<string> NoPlugins = [];
    private static readonly HashSet<string> NodeComes = new(["NodeName"], StringComparer.Ordinal);

    private void TryOne(QueuedPod queued, CancellationToken cancellationToken)
    {
        var pod = queued.Pod;
        if (!_profiles.TryGetValue(pod.SchedulerName, out var profile))
        {
            _queue.Done(pod.Uid);
            return;
        }
        if (pod.IsTerminating)
        {
            profile.Events.Warning(pod.Pod, "FailedScheduling", $"skip schedule deleting pod: {pod.Key}");
            _queue.Done(pod.Uid);
            return;
        }
        // It changed while it was tried, and was put on a node by that attempt.
        if (_cache.Contains(pod.Uid))
        {
            _queue.Done(pod.Uid);
            return;
        }
        var attempt = new Attempt(queued, pod, profile, new CycleState { IsMeasured = Random.Shared.Next(100) < MeasuredPercent }, _timeProvider.GetTimestamp());
        try
        {
            Schedule(attempt, cancellationToken);
        }
        catch (PluginFailedException e)
        {
            SchedulerLog.PluginFailed(_logger, pod.Key, e.Message);
            Fail(attempt, SchedulerError, e.Message, "", NoPlugins, cancellationToken);
        }
        // A fault of one pod's attempt is no reason to leave all others waiting.
        catch (Exception e)
        {
            SchedulerLog.AttemptFailed(_logger, pod.Key, e);
            Fail(attempt, SchedulerError, e.Message, "", NoPlugins, cancellationToken);
        }
    }

    private void Schedule(Attempt attempt, CancellationToken cancellationToken)
    {
        var (pod, plugins) = (attempt.Pod, attempt.Profile.Plugins);
        _cache.Update(_snapshot);
        var node = attempt.Profile.Algorithm.Schedule(attempt.State, pod, _snapshot, out var diagnosis);
        if (node is null)
        {
            // Without any node there is nothing to preempt.
            var nominated = diagnosis.NodeCount == 0 ? "" : plugins.PostFilter(attempt.State, pod, _snapshot, diagnosis);
            _metrics.AlgorithmSeconds.Observe(_timeProvider.GetElapsedTime(attempt.Started).TotalSeconds);
            var message = diagnosis.ToString();
            SchedulerLog.Unschedulable(_logger, pod.Key, message);
            // With no node there is no plugin to ask: any node that comes helps.
            Fail(attempt, Unschedulable, message, nominated, diagnosis.NodeCount == 0 ? NodeComes : diagnosis.RejectedBy, cancellationToken, diagnosis.PendingBy);
            return;
        }
        _metrics.AlgorithmSeconds.Observe(_timeProvider.GetElapsedTime(attempt.Started).TotalSeconds);
        _cache.Assume(pod, node);
        _queue.Nominator.Delete(pod.Uid);
        if (plugins.Reserve(attempt.State, pod, node) is { } refused)
        {
            _cache.Forget(pod.Uid);
            Reject(attempt, node, refused, cancellationToken);
            return;
        }
        if (plugins.Permit(attempt.State, pod, node, out var waiting) is { } forbidden)
        {
            plugins.Unreserve(attempt.State, pod, node);
            _cache.Forget(pod.Uid);
            Reject(attempt, node, forbidden, cancellationToken);
            return;
        }
        _background.Add(BindAsync(attempt, node, waiting, cancellationToken));
    }

    private async Task BindAsync(Attempt attempt, string node, WaitingPod? waiting, CancellationToken cancellationToken)
    {
        // The loop goes on with the next pod at once.
        await Task.Yield();
        var (pod, plugins) = (attempt.Pod, attempt.Profile.Plugins);
        PluginStatus? failed;
        var isRejectable = waiting is not null;
        try
        {
            // What takes long is told beforehand: others (an autoscaler) see where the pod is about to go.
            if (waiting is not null || plugins.HasPreBindWork(attempt.State, pod, node))
                await _conditions.SetNominatedNodeAsync(pod, node, cancellationToken);
            failed = waiting is null ? null : await plugins.WaitOnPermitAsync(waiting, cancellationToken);
            if (failed is null)
            {
                // From here on it is not turned away any more, only tried again: no event can help it.
                isRejectable = false;
                _queue.Done(pod.Uid);
                failed = await plugins.PreBindAsync(attempt.State, pod, node, cancellationToken) ?? await plugins.BindAsync(attempt.State, pod, node, cancellationToken);
            }
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
        if (failed is null)
            Bound(attempt, node);
        else
            NotBound(attempt, node, failed, isRejectable, cancellationToken);
    }

    private void Bound(Attempt attempt, string node)
    {
        var pod = attempt.Pod;
        _cache.FinishBinding(pod.Uid);
        SchedulerLog.Bound(_logger, pod.Key, node);
        _metrics.Attempted(SchedulerMetrics.Scheduled, attempt.Profile.Name, _timeProvider.GetElapsedTime(attempt.Started));
        _metrics.PodScheduled(attempt.Queued.Attempts, _timeProvider.GetUtcNow() - (attempt.Queued.FirstActiveAt ?? attempt.Queued.QueuedAt));
        attempt.Profile.Events.Normal(pod.Pod, "Scheduled", $"Successfully assigned {pod.Key} to {node}");
        attempt.Profile.Plugins.PostBind(attempt.State, pod, node);
    }

    private void NotBound(Attempt attempt, string node, PluginStatus failed, bool isRejectable, CancellationToken cancellationToken)
    {
        var pod = attempt.Pod;
        SchedulerLog.BindFailed(_logger, pod.Key, node, failed.Message);
        attempt.Profile.Plugins.Unreserve(attempt.State, pod, node);
        _cache.Forget(pod.Uid);
        if (isRejectable && failed.IsRejected)
            Reject(attempt, node, failed, cancellationToken);
        else
            Fail(attempt, failed.IsRejected ? Unschedulable : SchedulerError, failed.Message, "", NoPlugins, cancellationToken);
        // Its room is free again, for others that may have been turned away because of it.
        _queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, pod, null), other => other.Uid != pod.Uid);
    }

    /// <summary>Turned away by a plugin after its node was chosen.</summary>
    private void Reject(Attempt attempt, string node, PluginStatus status, CancellationToken cancellationToken)
    {
        if (!status.IsRejected)
        {
            Fail(attempt, SchedulerError, status.Message, "", NoPlugins, cancellationToken);
            return;
        }
        var diagnosis = new Diagnosis(1);
        diagnosis.Add(node, status);
        Fail(attempt, Unschedulable, diagnosis.ToString(), "", diagnosis.RejectedBy, cancellationToken, diagnosis.PendingBy);
    }

    /// <param name="reason">Of the pod's condition: Unschedulable or SchedulerError.</param>
    /// <param name="nominated">The node where room is made; "" takes an earlier nomination back, null leaves it.</param>
    private void Fail(Attempt attempt, string reason, string message, string? nominated, IReadOnlySet<string> rejectedBy, CancellationToken cancellationToken, IReadOnlySet<string>? pendingBy = null)
    {
        _metrics.Attempted(reason == Unschedulable ? SchedulerMetrics.Unschedulable : SchedulerMetrics.Error, attempt.Profile.Name, _timeProvider.GetElapsedTime(attempt.Started));
        var queued = attempt.Queued;
        // While it was tried it may have been deleted, or bound by someone else.
        if (_informers.Get<V1Pod>().Find(queued.Pod.Key) is not { } current || current.Metadata.Uid != queued.Pod.Uid || !string.IsNullOrEmpty(current.Spec.NodeName))
        {
            _queue.Nominator.Delete(queued.Pod.Uid);
            _queue.Done(queued.Pod.Uid);
            return;
        }
        if (!ReferenceEquals(current, queued.Pod.Pod))
            queued.Pod = new PodInfo(current);
        var pod = queued.Pod;
        // Before it may be popped again; the write below reaches the informer only later.
        _queue.Nominator.Set(pod, nominated);
        _queue.Reject(queued, rejectedBy, pendingBy);
        attempt.Profile.Events.Warning(pod.Pod, "FailedScheduling", message.Length <= MaxNoteLength ? message : message[..(MaxNoteLength - 4)] + " ...");
        _background.Add(_conditions.SetNotScheduledAsync(pod, reason, message, nominated, cancellationToken));
    }

    private sealed record Attempt(QueuedPod Queued, PodInfo Pod, Profile Profile, CycleState State, long Started);
}
