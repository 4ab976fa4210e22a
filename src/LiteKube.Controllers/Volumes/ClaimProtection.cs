using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>Lets a claim that was deleted go when no pod uses it any more (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection).</summary>
internal sealed class ClaimProtection(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private const string Finalizer = "kubernetes.io/pvc-protection";

    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();
    private readonly IInformer<V1Pod> _pods = ClaimUsers.WithIndex(informers.Get<V1Pod>());

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("pvc-protection", this, loggers, timeProvider)
        .Watch(_claims)
        .Watch(_pods, pod => ClaimUsers.ClaimsOf(pod).Select(name => new ObjectKey(pod.Metadata.NamespaceProperty, name)));

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_claims.Find(key) is not { } claim)
            return ReconcileResult.Done;
        var isProtected = claim.Metadata.Finalizers?.Contains(Finalizer) == true;
        var isDeleted = claim.Metadata.DeletionTimestamp is not null;
        if (isProtected == !isDeleted || (isDeleted && !isProtected) || (isDeleted && await IsUsedAsync(claim, cancellationToken)))
            return ReconcileResult.Done;
        var changed = KubeJson.Clone(claim);
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

    /// <summary>The informer may not know of a pod that was just scheduled; the server does.</summary>
    private async Task<bool> IsUsedAsync(V1PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        if (ClaimUsers.Of(_pods, claim).Any(p => ClaimUsers.Uses(p, claim)))
            return true;
        var live = await client.ListAsync<V1Pod>(claim.Metadata.NamespaceProperty, new ListOptions(), cancellationToken);
        return live.Items.Any(p => ClaimUsers.Uses(p, claim));
    }
}
