using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>Lets a volume that was deleted go when it is not bound.</summary>
internal sealed class VolumeProtection(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1PersistentVolume> _volumes = informers.Get<V1PersistentVolume>();
    private readonly InUseProtection _protection = new(client, "kubernetes.io/pv-protection");

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("pv-protection", this, loggers, timeProvider).Watch(_volumes);

    public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken) =>
        _protection.ReconcileAsync(_volumes.Find(key), (volume, _) => ValueTask.FromResult(volume.Status?.Phase == "Bound"), cancellationToken);
}
