using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>Lets a claim that was deleted go when no pod uses it any more.</summary>
internal sealed class ClaimProtection(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();
    private readonly IInformer<V1Pod> _pods = ClaimUsers.WithIndex(informers.Get<V1Pod>());
    private readonly InUseProtection _protection = new(client, "kubernetes.io/pvc-protection");

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("pvc-protection", this, loggers, timeProvider)
        .Watch(_claims)
        .Watch(_pods, pod => ClaimUsers.ClaimsOf(pod).Select(name => new ObjectKey(pod.Metadata.NamespaceProperty, name)));

    public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken) => _protection.ReconcileAsync(_claims.Find(key), IsUsedAsync, cancellationToken);

    /// <summary>The informer may not know of a pod that was just scheduled; the server does.</summary>
    private async ValueTask<bool> IsUsedAsync(V1PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        if (ClaimUsers.Of(_pods, claim).Any(p => ClaimUsers.Uses(p, claim)))
            return true;
        var live = await client.ListAsync<V1Pod>(claim.Metadata.NamespaceProperty, new ListOptions(), cancellationToken);
        return live.Items.Any(p => ClaimUsers.Uses(p, claim));
    }
}
