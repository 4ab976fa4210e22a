using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Volumes;

/// <summary>The pods that name a claim, directly or through an ephemeral volume.</summary>
internal static class ClaimUsers
{
    private const string Index = "claims";

    public static IInformer<V1Pod> WithIndex(IInformer<V1Pod> pods)
    {
        pods.AddIndex(Index, pod => ClaimsOf(pod).Select(name => Key(pod.Metadata.NamespaceProperty, name)));
        return pods;
    }

    public static IReadOnlyCollection<V1Pod> Of(IInformer<V1Pod> pods, V1PersistentVolumeClaim claim) => pods.ByIndex(Index, Key(claim.Metadata.NamespaceProperty, claim.Metadata.Name));

    public static IEnumerable<string> ClaimsOf(V1Pod pod)
    {
        foreach (var volume in pod.Spec?.Volumes ?? [])
        {
            if (volume.PersistentVolumeClaim is { } claim)
                yield return claim.ClaimName;
            else if (volume.Ephemeral is not null)
                yield return EphemeralClaimName(pod, volume);
        }
    }

    public static string EphemeralClaimName(V1Pod pod, V1Volume volume) => $"{pod.Metadata.Name}-{volume.Name}";

    /// <summary>A pod that no node has yet is none: a kubelet does not start a pod whose claim is on its way out.</summary>
    public static bool Uses(V1Pod pod, V1PersistentVolumeClaim claim)
    {
        if (string.IsNullOrEmpty(pod.Spec?.NodeName))
            return false;
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            if (volume.PersistentVolumeClaim?.ClaimName == claim.Metadata.Name)
                return true;
            if (volume.Ephemeral is not null && EphemeralClaimName(pod, volume) == claim.Metadata.Name && claim.IsControlledBy(pod) && !IsShutDown(pod))
                return true;
        }
        return false;
    }

    /// <summary>Its kubelet is done with it, or it was deleted by force: only finalizers hold it, and it holds its own claims.</summary>
    private static bool IsShutDown(V1Pod pod) => pod.IsTerminating() && pod.Metadata.DeletionGracePeriodSeconds is null or 0;

    private static string Key(string ns, string name) => $"{ns}/{name}";
}
