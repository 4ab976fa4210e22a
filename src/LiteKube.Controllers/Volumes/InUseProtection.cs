using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;

namespace LiteKube.Controllers.Volumes;

/// <summary>A finalizer that stands on every object of a kind until the object is deleted and nobody uses it (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection).</summary>
internal sealed class InUseProtection(IKubeClient client, string finalizer)
{
    /// <param name="isUsedAsync">Asked only when the finalizer could go.</param>
    public async Task<ReconcileResult> ReconcileAsync<T>(T? value, Func<T, CancellationToken, ValueTask<bool>> isUsedAsync, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (value is null)
            return ReconcileResult.Done;
        var isProtected = value.Metadata.Finalizers?.Contains(finalizer) == true;
        var isDeleted = value.Metadata.DeletionTimestamp is not null;
        // A deleted object takes no new finalizer.
        if (isProtected != isDeleted || (isDeleted && await isUsedAsync(value, cancellationToken)))
            return ReconcileResult.Done;
        var changed = KubeJson.Clone(value);
        if (isDeleted)
            changed.Metadata.Finalizers.Remove(finalizer);
        else
            (changed.Metadata.Finalizers ??= []).Add(finalizer);
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
