using k8s;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Queues;

namespace LiteKube.Controllers.Common;

/// <summary>
/// Which pods an object controls, by its selector and the pods' controller references
/// (https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#non-template-pod-acquisitions), and which
/// owners an event of a pod concerns.
/// </summary>
/// <param name="belongs">What else, beside the selector, makes a pod the owner's.</param>
internal sealed class PodClaims<T>(IKubeClient client, IInformer<T> owners, IInformer<V1Pod> pods, string apiVersion, string kind, Func<T, LabelSelector> selector, Func<T, V1Pod, bool>? belongs = null)
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>
    /// Whoever looks at an owner looks at all of its pods. While many of them change, one look takes in what happened
    /// since the last, so that what n pods cost does not grow with n squared: 0.2 s for 5,000.
    /// </summary>
    private static readonly TimeSpan PacePerPod = TimeSpan.FromMicroseconds(40);
    private const int PacedFrom = 100;

    /// <summary>The pods that the owner controls, after taking in orphans that match and letting go of its own that no longer do. An owner that is being deleted does neither.</summary>
    /// <param name="mayAdopt">Which orphans are worth having.</param>
    public async Task<List<V1Pod>> ClaimAsync(T owner, Func<V1Pod, bool> mayAdopt, CancellationToken cancellationToken)
    {
        var wanted = selector(owner);
        var claimed = new List<V1Pod>();
        foreach (var pod in pods.ByIndex(OwnedPods.Index, owner.Metadata.Uid))
        {
            if (Wants(owner, wanted, pod))
                claimed.Add(pod);
            else if (!pod.IsTerminating() && owner.Metadata.DeletionTimestamp is null)
                await client.TryPatchAsync(pod, MetadataPatches.Release(pod, owner.Metadata.Uid), cancellationToken);
        }
        if (owner.Metadata.DeletionTimestamp is not null)
            return claimed;
        foreach (var orphan in pods.ByIndex(OwnedPods.Index, OwnedPods.Orphans(owner.Metadata.NamespaceProperty)))
        {
            if (!mayAdopt(orphan) || !Wants(owner, wanted, orphan) || !await client.IsCurrentAsync(owner, cancellationToken))
                continue;
            if (await client.TryPatchAsync(orphan, MetadataPatches.Adopt(orphan, Owners.ReferenceTo(owner, apiVersion, kind)), cancellationToken) is { } adopted)
                claimed.Add(adopted);
        }
        return claimed;
    }

    /// <summary>Queues the owners that pods concern, and tells the expectations what came back.</summary>
    public void Watch(ControllerRunner runner, Expectations expectations) => runner.Watch(pods, new InformerHandler<V1Pod>(
        OnAdd: pod =>
        {
            foreach (var key in Concerned(pod))
            {
                // An orphan that matches is none of those that are awaited.
                var isLast = pod.IsTerminating() ? expectations.DeletionObserved(key, pod.Metadata.Uid) : pod.Controller() is not null && expectations.CreationObserved(key);
                Queue(runner, key, pod, isLast);
            }
        },
        OnUpdate: (old, pod) =>
        {
            if (ReferenceEquals(old, pod) || old.Metadata.ResourceVersion == pod.Metadata.ResourceVersion)
                return;
            foreach (var key in Concerned(pod).Union(Concerned(old)))
                Queue(runner, key, pod, pod.IsTerminating() && expectations.DeletionObserved(key, pod.Metadata.Uid));
        },
        OnDelete: pod =>
        {
            foreach (var key in Concerned(pod))
                Queue(runner, key, pod, expectations.DeletionObserved(key, pod.Metadata.Uid));
        }));

    /// <param name="isLast">All that the owner's controller waited for has come: it goes on at once.</param>
    private void Queue(ControllerRunner runner, ObjectKey key, V1Pod pod, bool isLast)
    {
        if (isLast || pod.Controller() is not { } owner || pods.CountByIndex(OwnedPods.Index, owner.Uid) is var count && count < PacedFrom)
            runner.Queue.Add(key);
        else
            runner.Queue.AddAfter(key, PacePerPod * count);
    }

    /// <summary>The pod's controller; for an orphan all that might take it in.</summary>
    private List<ObjectKey> Concerned(V1Pod pod)
    {
        var ns = pod.Metadata.NamespaceProperty ?? "";
        if (pod.Controller() is { } owner)
            return owner.Kind == kind && owners.Find(ns, owner.Name) is { } own && own.Metadata.Uid == owner.Uid ? [new ObjectKey(ns, owner.Name)] : [];
        if (pod.Metadata.Labels is not { Count: > 0 })
            return [];
        return [.. owners.List(ns).Where(o => Wants(o, selector(o), pod)).Select(o => ObjectKey.Of(o))];
    }

    private bool Wants(T owner, LabelSelector wanted, V1Pod pod) => wanted.Matches(pod.Metadata.Labels) && belongs?.Invoke(owner, pod) != false;
}
