using System.Globalization;
using k8s;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Queues;

namespace LiteKube.Controllers.Common;

/// <summary>
/// The ControllerRevisions of StatefulSets or DaemonSets: one for each pod template that they had, numbered in the order
/// in which the templates were last wanted (https://kubernetes.io/docs/tasks/manage-daemon/rollback-daemon-set/#understanding-daemonset-revisions).
/// </summary>
/// <param name="hashLabel">The label that holds a revision's hash.</param>
internal sealed class RevisionHistory<T>(IKubeClient client, IInformer<T> owners, ISharedInformers informers, string kind, string hashLabel, Func<T, LabelSelector> selector, Func<T, V1PodTemplateSpec> template, TimeProvider timeProvider)
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private const string Index = "controller-uid";
    private const string ApiVersion = "apps/v1";
    private const int MaxNameLength = 253;
    private const int MaxCollisions = 100;
    private readonly IInformer<V1ControllerRevision> _revisions = WithIndex(informers.Get<V1ControllerRevision>());
    private readonly RecentWrites<V1ControllerRevision> _written = new(informers.Get<V1ControllerRevision>(), timeProvider);

    /// <summary>
    /// Queues the owners that may take in an orphaned revision, and those that lost one. One that others make or change for
    /// an owner is no reason to act, as in kube-controller-manager: it is dealt with when the owner is looked at anyway.
    /// </summary>
    public void Watch(ControllerRunner runner) => runner.Watch(_revisions, new InformerHandler<V1ControllerRevision>(
        OnAdd: revision =>
        {
            if (revision.Controller() is null)
                Queue(runner, revision);
        },
        OnUpdate: (old, revision) =>
        {
            if (ReferenceEquals(old, revision))
                return;
            var isReleased = old.Controller() is { } former && former.Uid != revision.Controller()?.Uid;
            if (isReleased)
                Queue(runner, old);
            if (revision.Controller() is null && (isReleased || !ServicePods.SameLabels(old.Metadata.Labels, revision.Metadata.Labels)))
                Queue(runner, revision);
        },
        OnDelete: revision =>
        {
            foreach (var key in Concerned(revision))
                _written.Gone(key, revision);
            Queue(runner, revision);
        }));

    /// <summary>The owner's revisions, the oldest first; orphans that match are taken in, own ones that no longer match let go.</summary>
    public async Task<List<V1ControllerRevision>> ClaimAsync(T owner, CancellationToken cancellationToken)
    {
        var wanted = selector(owner);
        var claimed = new List<V1ControllerRevision>();
        foreach (var revision in _written.Over(ObjectKey.Of(owner), revisions => revisions.ByIndex(Index, owner.Metadata.Uid)))
        {
            // What a former owner of this name wrote last may still lie over the informer.
            if (!revision.IsControlledBy(owner))
                continue;
            if (wanted.Matches(revision.Metadata.Labels))
                claimed.Add(revision);
            else
                await client.TryPatchAsync(revision, MetadataPatches.Release(revision, owner.Metadata.Uid), cancellationToken);
        }
        foreach (var orphan in _revisions.ByIndex(Index, "orphan:" + owner.Metadata.NamespaceProperty))
        {
            if (orphan.Metadata.DeletionTimestamp is not null || !wanted.Matches(orphan.Metadata.Labels) || !await client.IsCurrentAsync(owner, cancellationToken))
                continue;
            if (await client.TryPatchAsync(orphan, MetadataPatches.Adopt(orphan, Owners.ReferenceTo(owner, ApiVersion, kind)), cancellationToken) is { } adopted && claimed.TrueForAll(r => r.Metadata.Uid != adopted.Metadata.Uid))
                claimed.Add(Remember(owner, adopted));
        }
        claimed.Sort(ByRevision);
        return claimed;
    }

    /// <summary>
    /// The revision of today's template: a new one, or an old one that the template has come back to, which then takes the
    /// newest number.
    /// </summary>
    /// <param name="revisions">The owner's, sorted; what is created or renumbered is put in.</param>
    /// <param name="collisionCount">status.collisionCount.</param>
    /// <returns>And the collision count, raised when another template had the wanted name.</returns>
    public async Task<(V1ControllerRevision Revision, int CollisionCount)> EnsureAsync(T owner, List<V1ControllerRevision> revisions, int collisionCount, CancellationToken cancellationToken)
    {
        var data = RevisionData.Of(template(owner));
        var next = 1 + (revisions.Count == 0 ? 0 : revisions[^1].Revision);
        if (revisions.FindLast(r => RevisionData.AreEqual(r.Data, data)) is not { } equal)
        {
            var wanted = new V1ControllerRevision { ApiVersion = ApiVersion, Kind = "ControllerRevision", Metadata = NewMetadata(owner), Data = data, Revision = next };
            (var created, collisionCount) = await CreateAsync(owner, wanted, collisionCount, cancellationToken);
            Put(revisions, created);
            return (created, collisionCount);
        }
        if (ReferenceEquals(equal, revisions[^1]))
            return (equal, collisionCount);
        var copy = Client.Json.KubeJson.Clone(equal);
        copy.Revision = next;
        var renumbered = Remember(owner, await client.UpdateAsync(copy, cancellationToken));
        Put(revisions, renumbered);
        return (renumbered, collisionCount);
    }

    /// <summary>The owner is gone.</summary>
    public void Forget(ObjectKey owner) => _written.Forget(owner);

    public async Task DeleteAllAsync(T owner, IEnumerable<V1ControllerRevision> revisions, CancellationToken cancellationToken)
    {
        foreach (var revision in revisions.ToList())
            await DeleteAsync(owner, revision, cancellationToken);
    }

    public async Task DeleteAsync(T owner, V1ControllerRevision revision, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeleteAsync<V1ControllerRevision>(revision.Metadata.NamespaceProperty, revision.Metadata.Name, new DeleteOptions(PreconditionUid: revision.Metadata.Uid), cancellationToken);
            _written.Deleted(ObjectKey.Of(owner), revision);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already, or another one has its name by now.
            _written.Gone(ObjectKey.Of(owner), revision);
        }
    }

    private async Task<(V1ControllerRevision, int)> CreateAsync(T owner, V1ControllerRevision revision, int collisionCount, CancellationToken cancellationToken)
    {
        for (var count = collisionCount; count - collisionCount < MaxCollisions; count++)
        {
            // No collision yet counts like an absent count, which a new object has.
            var hash = TemplateHash.Compute(template(owner), count == 0 ? null : count);
            var prefix = owner.Metadata.Name;
            var longest = MaxNameLength - hash.Length - 1;
            revision.Metadata.Name = $"{(prefix.Length > longest ? prefix[..longest] : prefix)}-{hash}";
            revision.Metadata.Labels[hashLabel] = hash;
            try
            {
                return (Remember(owner, await client.CreateAsync(revision, cancellationToken)), count);
            }
            catch (KubeApiException e) when (e.IsAlreadyExists)
            {
                var live = await client.GetAsync<V1ControllerRevision>(owner.Metadata.NamespaceProperty, revision.Metadata.Name, cancellationToken);
                if (RevisionData.AreEqual(live.Data, revision.Data))
                    return (live, count);
            }
        }
        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"no free name for a revision of {kind} {ObjectKey.Of(owner)} after {MaxCollisions} collisions"));
    }

    private V1ObjectMeta NewMetadata(T owner) => new()
    {
        NamespaceProperty = owner.Metadata.NamespaceProperty,
        Labels = new Dictionary<string, string>(template(owner).Metadata?.Labels ?? new Dictionary<string, string>()),
        // kubectl rollout history shows kubernetes.io/change-cause from here.
        Annotations = owner.Metadata.Annotations,
        OwnerReferences = [Owners.ReferenceTo(owner, ApiVersion, kind)],
    };

    private V1ControllerRevision Remember(T owner, V1ControllerRevision revision)
    {
        _written.Written(ObjectKey.Of(owner), revision);
        return revision;
    }

    private static void Put(List<V1ControllerRevision> revisions, V1ControllerRevision revision)
    {
        revisions.RemoveAll(r => r.Metadata.Uid == revision.Metadata.Uid);
        revisions.Add(revision);
        revisions.Sort(ByRevision);
    }

    private static int ByRevision(V1ControllerRevision left, V1ControllerRevision right)
    {
        var order = Nullable.Compare<long>(left.Revision, right.Revision);
        if (order == 0)
            order = Nullable.Compare(left.Metadata.CreationTimestamp, right.Metadata.CreationTimestamp);
        return order != 0 ? order : string.CompareOrdinal(left.Metadata.Name, right.Metadata.Name);
    }

    private void Queue(ControllerRunner runner, V1ControllerRevision revision)
    {
        foreach (var key in Concerned(revision))
            runner.Queue.Add(key);
    }

    private IEnumerable<ObjectKey> Concerned(V1ControllerRevision revision)
    {
        var ns = revision.Metadata.NamespaceProperty ?? "";
        // By name alone: one of a former owner keeps the name that the present one needs.
        if (revision.Controller() is { } owner)
            return owner.Kind == kind ? [new ObjectKey(ns, owner.Name)] : [];
        return owners.List(ns).Where(o => selector(o).Matches(revision.Metadata.Labels)).Select(o => ObjectKey.Of(o)).ToList();
    }

    private static IInformer<V1ControllerRevision> WithIndex(IInformer<V1ControllerRevision> revisions)
    {
        revisions.AddIndex(Index, revision => [revision.Controller()?.Uid ?? "orphan:" + revision.Metadata.NamespaceProperty]);
        return revisions;
    }
}
