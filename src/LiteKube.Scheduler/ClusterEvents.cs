using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler;

/// <summary>Brings what the informers see into cache and queue.</summary>
/// <param name="profiles">The names of the schedulers that this one is.</param>
/// <param name="rejectWaiting">Turns a pod away that a Permit plugin holds; false when none does.</param>
internal sealed class ClusterEvents(SchedulerCache cache, SchedulingQueue queue, IReadOnlySet<string> profiles, Func<PodInfo, bool> rejectWaiting)
{
    private enum PodPlace
    {
        /// <summary>Finished, or another scheduler's.</summary>
        None,
        Waiting,
        OnNode,
    }

    public InformerHandler<V1Pod> PodHandler => new(pod => OnPod(null, pod), OnPod, OnPodDeleted);

    public InformerHandler<V1Node> NodeHandler => new(
        node =>
        {
            cache.SetNode(node);
            queue.Move(new ClusterChange(ClusterEvent.NodeAdd, null, node));
        },
        (old, node) =>
        {
            // A relist gives the same object again.
            if (ReferenceEquals(old, node))
                return;
            cache.SetNode(node);
            foreach (var change in Changes.Of(old, node))
                queue.Move(new ClusterChange(change, old, node));
        },
        node =>
        {
            queue.Move(new ClusterChange(ClusterEvent.NodeDelete, node, null));
            cache.RemoveNode(node.Metadata.Name);
        });

    public InformerHandler<T> Handler<T>(ClusterEvent change) where T : class, k8s.IKubernetesObject<V1ObjectMeta> => new(
        value => queue.Move(new ClusterChange(change, null, value)),
        (old, value) =>
        {
            if (!ReferenceEquals(old, value))
                queue.Move(new ClusterChange(change, old, value));
        },
        value => queue.Move(new ClusterChange(change, value, null)));

    private void OnPod(V1Pod? old, V1Pod pod)
    {
        // A relist gives the same object again.
        if (ReferenceEquals(old, pod))
            return;
        var before = old is null ? PodPlace.None : PlaceOf(old);
        switch (PlaceOf(pod))
        {
            case PodPlace.Waiting:
                OnWaiting(before == PodPlace.Waiting ? old : null, pod);
                break;
            case PodPlace.OnNode:
                OnAssigned(before, old, pod);
                break;
            case PodPlace.None when before != PodPlace.None:
                OnPodDeleted(old!);
                break;
        }
    }

    private void OnWaiting(V1Pod? old, V1Pod pod)
    {
        var info = new PodInfo(pod);
        if (cache.Contains(info.Uid))
        {
            // Placed, and not seen bound yet. Only its end is of interest: others may have the room.
            if (info.IsTerminating && old?.Metadata.DeletionTimestamp is null)
                OnAssumedGone(info);
            return;
        }
        if (old is null)
        {
            queue.Add(info);
            queue.Move(new ClusterChange(ClusterEvent.PodAdd, null, info));
            return;
        }
        var previous = new PodInfo(old);
        queue.Update(previous, info, [.. Changes.Of(previous, info, isAssigned: false)]);
        if (previous.NominatedNode.Length > 0 && previous.NominatedNode != info.NominatedNode)
            FreeNominated(previous);
    }

    private void OnAssigned(PodPlace before, V1Pod? old, V1Pod pod)
    {
        var info = new PodInfo(pod);
        if (before == PodPlace.Waiting)
            queue.Delete(info.Uid);
        cache.SetPod(info);
        if (before != PodPlace.OnNode)
        {
            queue.Move(new ClusterChange(ClusterEvent.AssignedPodAdd, null, info));
            return;
        }
        // Most changes are of no interest to pods that wait, and most of the time none waits.
        if (!queue.IsAnyoneInterested)
            return;
        var previous = new PodInfo(old!);
        foreach (var change in Changes.Of(previous, info, isAssigned: true))
            queue.Move(new ClusterChange(change, previous, info));
    }

    private void OnPodDeleted(V1Pod pod)
    {
        switch (PlaceOf(pod, ignorePhase: true))
        {
            case PodPlace.OnNode:
                cache.RemovePod(pod.Metadata.Uid);
                queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, new PodInfo(pod), null));
                break;
            case PodPlace.Waiting:
                var info = new PodInfo(pod);
                queue.Delete(info.Uid);
                if (cache.IsAssumed(info.Uid))
                    OnAssumedGone(info);
                else if (info.NominatedNode.Length > 0)
                    FreeNominated(info);
                break;
        }
    }

    private void OnAssumedGone(PodInfo pod)
    {
        // Held by a plugin: its attempt ends by itself when it is rejected. Otherwise its bind will fail, sooner or later.
        if (!rejectWaiting(pod))
            cache.Forget(pod.Uid);
        queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, pod, null));
    }

    /// <summary>Pods that are no more important could not have the room that was kept for this one.</summary>
    private void FreeNominated(PodInfo pod) =>
        queue.Move(new ClusterChange(ClusterEvent.AssignedPodDelete, pod, null), other => other.Priority <= pod.Priority);

    private PodPlace PlaceOf(V1Pod pod, bool ignorePhase = false)
    {
        if (!ignorePhase && pod.Status?.Phase is "Succeeded" or "Failed")
            return PodPlace.None;
        if (!string.IsNullOrEmpty(pod.Spec.NodeName))
            return PodPlace.OnNode;
        return profiles.Contains(string.IsNullOrEmpty(pod.Spec.SchedulerName) ? SchedulerOptions.DefaultSchedulerName : pod.Spec.SchedulerName) ? PodPlace.Waiting : PodPlace.None;
    }
}
