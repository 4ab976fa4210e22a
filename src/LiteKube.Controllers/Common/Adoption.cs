using k8s;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>What taking in and letting go of objects has in common, whatever the objects are.</summary>
internal static class Adoption
{
    /// <summary>Adopting for an owner that is already gone would leave the object to the garbage collector; so the live owner is asked.</summary>
    public static async Task<bool> IsCurrentAsync<T>(this IKubeClient client, T owner, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            var live = await client.GetAsync<T>(owner.Metadata.NamespaceProperty, owner.Metadata.Name, cancellationToken);
            return live.Metadata.Uid == owner.Metadata.Uid && live.Metadata.DeletionTimestamp is null;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <returns>Null when the object is gone or replaced by another one of its name: not ours any more.</returns>
    public static async Task<T?> TryPatchAsync<T>(this IKubeClient client, T value, KubePatch patch, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            return await client.PatchAsync<T>(value.Metadata.NamespaceProperty, value.Metadata.Name, patch, null, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsInvalid || e.IsConflict)
        {
            return null;
        }
    }
}
