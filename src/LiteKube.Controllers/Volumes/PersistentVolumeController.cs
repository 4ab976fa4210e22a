using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>
/// Binds claims and volumes to each other (https://kubernetes.io/docs/concepts/storage/persistent-volumes/). Each step
/// writes one side, the volume's first; cut off anywhere, the next look at the claim goes on from what is written.
/// Claims are keyed "ns/name", volumes "name": one worker, since a volume must not be given to two claims.
/// </summary>
internal sealed class PersistentVolumeController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private static readonly ObjectKey All = new("", "");

    private readonly IInformer<V1PersistentVolume> _volumes = informers.Get<V1PersistentVolume>();
    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();
    private readonly IInformer<V1StorageClass> _classes = informers.Get<V1StorageClass>();
    private readonly IInformer<V1Pod> _pods = ClaimUsers.WithIndex(informers.Get<V1Pod>());
    private readonly RecentWrites<V1PersistentVolume> _writtenVolumes = new(informers.Get<V1PersistentVolume>(), timeProvider);
    private readonly RecentWrites<V1PersistentVolumeClaim> _writtenClaims = new(informers.Get<V1PersistentVolumeClaim>(), timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("persistentvolume-binder", this, loggers, timeProvider);
        runner.Watch(_claims, new InformerHandler<V1PersistentVolumeClaim>(
            OnAdd: claim => QueueBoth(runner, claim),
            OnUpdate: (_, claim) => QueueBoth(runner, claim),
            OnDelete: claim =>
            {
                _writtenClaims.Gone(ObjectKey.Of(claim), claim);
                QueueBoth(runner, claim);
                // Also one that was given to the claim before the claim was told.
                foreach (var volume in _volumes.List().Where(v => v.Spec.ClaimRef?.Uid == claim.Metadata.Uid))
                    runner.Queue.Add(ObjectKey.Of(volume));
            }));
        runner.Watch(_volumes, new InformerHandler<V1PersistentVolume>(
            OnAdd: volume => QueueBoth(runner, volume),
            OnUpdate: (_, volume) => QueueBoth(runner, volume),
            OnDelete: volume =>
            {
                _writtenVolumes.Gone(All, volume);
                QueueBoth(runner, volume);
            }));
        // A claim may wait for its first consumer, and tells who that is.
        runner.Watch(_pods, new InformerHandler<V1Pod>(OnAdd: pod => QueueClaims(runner, pod), OnDelete: pod => QueueClaims(runner, pod)));
        // A class may be what a pending claim waits for.
        return runner.Watch(_classes, _ => Pending());
    }

    public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken) =>
        key.Namespace.Length == 0 ? ReconcileVolumeAsync(key, cancellationToken) : ReconcileClaimAsync(key, cancellationToken);

    private async Task<ReconcileResult> ReconcileClaimAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (FindClaim(key) is not { } claim)
        {
            _writtenClaims.Forget(key);
            return ReconcileResult.Done;
        }
        var plan = ClaimPlan.Compute(claim, Volumes(), _classes.List(), [.. ClaimUsers.Of(_pods, claim).Where(p => string.IsNullOrEmpty(p.Spec.NodeName) && !p.IsTerminating()).Select(p => p.Metadata.Name)]);
        switch (plan.Step)
        {
            case ClaimStep.Bind:
                await BindAsync(key, claim, plan.Volume!, cancellationToken);
                return ReconcileResult.Done;
            case ClaimStep.AssignClass:
                var assigned = KubeJson.Clone(claim);
                assigned.Spec.StorageClassName = plan.ClassName;
                await UpdateAsync(key, assigned, cancellationToken);
                return ReconcileResult.Done;
            case ClaimStep.Provision when claim.Annotation(VolumeAnnotations.StorageProvisioner) != plan.Provisioner:
                var provisioned = KubeJson.Clone(claim);
                provisioned.Annotate(VolumeAnnotations.StorageProvisioner, plan.Provisioner!);
                provisioned.Annotate(VolumeAnnotations.BetaStorageProvisioner, plan.Provisioner!);
                claim = await UpdateAsync(key, provisioned, cancellationToken);
                break;
        }
        if (plan.Event is var (type, reason, message) && (plan.Phase != "Lost" || claim.Status?.Phase != "Lost"))
            events.Record(claim, type, reason, message);
        if (claim.Status?.Phase != plan.Phase)
        {
            var changed = KubeJson.Clone(claim);
            changed.Status ??= new V1PersistentVolumeClaimStatus();
            changed.Status.Phase = plan.Phase;
            if (plan.Phase == "Lost")
                (changed.Status.AccessModes, changed.Status.Capacity) = (null, null);
            _writtenClaims.Written(key, await client.UpdateStatusAsync(changed, cancellationToken));
        }
        return ReconcileResult.Done;
    }

    private async Task<ReconcileResult> ReconcileVolumeAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (Volumes().FirstOrDefault(v => v.Metadata.Name == key.Name) is not { } volume)
            return ReconcileResult.Done;
        var plan = VolumePlan.Compute(volume, await FindClaimAsync(volume, cancellationToken));
        if (plan.Unbind)
            volume = await UnbindAsync(volume, cancellationToken);
        if (plan.Phase is null || plan.Phase == volume.Status?.Phase)
            return ReconcileResult.Done;
        if (plan.Event is var (type, reason, message))
            events.Record(volume, type, reason, message);
        await SetPhaseAsync(volume, plan.Phase, plan.Message, cancellationToken);
        return ReconcileResult.Done;
    }

    /// <summary>Volume, its phase, claim, its status: what is written already is left.</summary>
    private async Task BindAsync(ObjectKey key, V1PersistentVolumeClaim claim, V1PersistentVolume volume, CancellationToken cancellationToken)
    {
        var bound = KubeJson.Clone(volume);
        if (!volume.IsBoundTo(claim))
            bound.Annotate(VolumeAnnotations.BoundByController, "yes");
        if (!volume.IsBoundTo(claim) || string.IsNullOrEmpty(volume.Spec.ClaimRef.Uid))
        {
            bound.Spec.ClaimRef = new V1ObjectReference
            {
                Kind = "PersistentVolumeClaim",
                ApiVersion = "v1",
                Name = claim.Metadata.Name,
                NamespaceProperty = claim.Metadata.NamespaceProperty,
                Uid = claim.Metadata.Uid,
                ResourceVersion = claim.Metadata.ResourceVersion,
            };
            bound = await client.UpdateAsync(bound, cancellationToken);
            _writtenVolumes.Written(All, bound);
        }
        bound = await SetPhaseAsync(bound, "Bound", null, cancellationToken);

        if (claim.Spec.VolumeName != bound.Metadata.Name || claim.Annotation(VolumeAnnotations.BindCompleted) is null)
        {
            var named = KubeJson.Clone(claim);
            if (named.Spec.VolumeName != bound.Metadata.Name)
                named.Annotate(VolumeAnnotations.BoundByController, "yes");
            named.Spec.VolumeName = bound.Metadata.Name;
            named.Annotate(VolumeAnnotations.BindCompleted, "yes");
            claim = await UpdateAsync(key, named, cancellationToken);
        }
        var status = claim.Status is null ? new V1PersistentVolumeClaimStatus() : KubeJson.Clone(claim.Status);
        var wasBound = status.Phase == "Bound";
        status.Phase = "Bound";
        status.AccessModes = bound.Spec.AccessModes;
        // The capacity of a bound claim is the kubelet's and the resizer's to write: it grows when the file system has.
        if (!wasBound || status.Capacity is not { Count: > 0 })
            status.Capacity = bound.Spec.Capacity;
        status.CurrentVolumeAttributesClassName ??= claim.Spec.VolumeAttributesClassName;
        if (KubeJson.AreEqual(claim.Status, status))
            return;
        var next = KubeJson.Clone(claim);
        next.Status = status;
        _writtenClaims.Written(key, await client.UpdateStatusAsync(next, cancellationToken));
    }

    private async Task<V1PersistentVolume> UnbindAsync(V1PersistentVolume volume, CancellationToken cancellationToken)
    {
        var free = KubeJson.Clone(volume);
        if (free.Metadata.Annotations?.Remove(VolumeAnnotations.BoundByController) == true)
            free.Spec.ClaimRef = null;
        else
            (free.Spec.ClaimRef.Uid, free.Spec.ClaimRef.ResourceVersion) = (null, null);
        free = await client.UpdateAsync(free, cancellationToken);
        _writtenVolumes.Written(All, free);
        return free;
    }

    private async Task<V1PersistentVolume> SetPhaseAsync(V1PersistentVolume volume, string phase, string? message, CancellationToken cancellationToken)
    {
        if (volume.Status?.Phase == phase)
            return volume;
        var changed = KubeJson.Clone(volume);
        changed.Status ??= new V1PersistentVolumeStatus();
        (changed.Status.Phase, changed.Status.Message) = (phase, message);
        changed = await client.UpdateStatusAsync(changed, cancellationToken);
        _writtenVolumes.Written(All, changed);
        return changed;
    }

    private async Task<V1PersistentVolumeClaim> UpdateAsync(ObjectKey key, V1PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        var written = await client.UpdateAsync(claim, cancellationToken);
        _writtenClaims.Written(key, written);
        return written;
    }

    private V1PersistentVolumeClaim? FindClaim(ObjectKey key) => _claims.Find(key) is null ? null : _writtenClaims.Over(key, claims => claims.Find(key) is { } seen ? [seen] : []).FirstOrDefault();

    /// <summary>A claim that the informer does not show may only be unknown to it yet; releasing its volume would lose its data.</summary>
    private async Task<V1PersistentVolumeClaim?> FindClaimAsync(V1PersistentVolume volume, CancellationToken cancellationToken)
    {
        if (volume.Spec.ClaimRef is not { Uid.Length: > 0 } reference)
            return null;
        if (FindClaim(new ObjectKey(reference.NamespaceProperty, reference.Name)) is { } known && known.Metadata.Uid == reference.Uid)
            return known;
        try
        {
            var live = await client.GetAsync<V1PersistentVolumeClaim>(reference.NamespaceProperty, reference.Name, cancellationToken);
            return live.Metadata.Uid == reference.Uid ? live : null;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private List<V1PersistentVolume> Volumes() => _writtenVolumes.Over(All, volumes => volumes.List());

    private IEnumerable<ObjectKey> Pending() => [.. _claims.List().Where(c => c.Status?.Phase != "Bound").Select(c => ObjectKey.Of(c))];

    private void QueueClaims(ControllerRunner runner, V1Pod pod)
    {
        if (!string.IsNullOrEmpty(pod.Spec.NodeName))
            return;
        foreach (var name in ClaimUsers.ClaimsOf(pod))
        {
            var key = new ObjectKey(pod.Metadata.NamespaceProperty, name);
            if (_claims.Find(key) is { Spec.VolumeName: null or "" })
                runner.Queue.Add(key);
        }
    }

    private static void QueueBoth(ControllerRunner runner, V1PersistentVolumeClaim claim)
    {
        runner.Queue.Add(ObjectKey.Of(claim));
        if (claim.Spec.VolumeName is { Length: > 0 } volume)
            runner.Queue.Add(new ObjectKey("", volume));
    }

    private void QueueBoth(ControllerRunner runner, V1PersistentVolume volume)
    {
        runner.Queue.Add(ObjectKey.Of(volume));
        if (volume.Spec.ClaimRef is { } claim)
            runner.Queue.Add(new ObjectKey(claim.NamespaceProperty ?? "", claim.Name));
        // A volume that is free may be what a pending claim waits for.
        if (volume.Spec.ClaimRef is null || volume.Status?.Phase == "Available")
        {
            foreach (var key in Pending())
                runner.Queue.Add(key);
        }
        foreach (var claimOf in _claims.List().Where(c => c.Spec.VolumeName == volume.Metadata.Name))
            runner.Queue.Add(ObjectKey.Of(claimOf));
    }
}
