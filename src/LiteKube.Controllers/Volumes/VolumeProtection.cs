using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>Lets a volume that was deleted go when it is not bound (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection).</summary>
internal sealed class VolumeProtection(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private const string Finalizer = "kubernetes.io/pv-protection";

    private readonly IInformer<V1PersistentVolume> _volumes = informers.Get<V1PersistentVolume>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("pv-protection", this, loggers, timeProvider).Watch(_volumes);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_volumes.Find(key) is not { } volume)
            return ReconcileResult.Done;
        var isProtected = volume.Metadata.Finalizers?.Contains(Finalizer) == true;
        var isDeleted = volume.Metadata.DeletionTimestamp is not null;
        if (isProtected == !isDeleted || (isDeleted && (!isProtected || volume.Status?.Phase == "Bound")))
            return ReconcileResult.Done;
        var changed = KubeJson.Clone(volume);
        if (isDeleted)
            changed.Metadata.Finalizers.Remove(Finalizer);
        else
            (changed.Metadata.Finalizers ??= []).Add(Finalizer);
        try
        {
            await client.UpdateAsync(changed, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }
}
