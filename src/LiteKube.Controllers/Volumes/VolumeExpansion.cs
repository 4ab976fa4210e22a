using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>
/// Tells the owner of a claim that asks for more than its volume has who is to enlarge it: the resizer beside the volume's
/// driver (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims). No volume
/// that this program mounts itself can be enlarged.
/// </summary>
internal sealed class VolumeExpansion(ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();
    private readonly IInformer<V1PersistentVolume> _volumes = informers.Get<V1PersistentVolume>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("volume-expand", this, loggers, timeProvider);
        runner.Watch(_volumes, new InformerHandler<V1PersistentVolume>());
        // Once a change of the request: what is told of does not change until then.
        return runner.Watch(_claims, new InformerHandler<V1PersistentVolumeClaim>(OnUpdate: (old, claim) =>
        {
            if (VolumeMatching.Requested(claim) > VolumeMatching.Requested(old))
                runner.Queue.Add(ObjectKey.Of(claim));
        }));
    }

    public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_claims.Find(key) is not { Status.Phase: "Bound" } claim || VolumeMatching.Requested(claim) <= VolumeMatching.Storage(claim.Status.Capacity)
            || _volumes.Find("", claim.Spec.VolumeName) is not { } volume || volume.Spec.ClaimRef?.Uid != claim.Metadata.Uid)
            return Task.FromResult(ReconcileResult.Done);
        if (volume.Spec.Csi is not null)
            events.Normal(claim, "ExternalExpanding", "waiting for an external controller to expand this PVC");
        else
            events.Warning(claim, "ExternalExpanding", "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.");
        return Task.FromResult(ReconcileResult.Done);
    }
}
