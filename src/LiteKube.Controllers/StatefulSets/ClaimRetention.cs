using k8s;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.StatefulSets;

/// <summary>
/// Who owns a claim, and with whom it therefore goes: the set, the pod that was scaled away, or nobody
/// (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention, KEP-1847). Pure.
/// </summary>
internal static class ClaimRetention
{
    private static readonly Kind SetKind = new("apps/v1", "StatefulSet");
    private static readonly Kind PodKind = new("v1", "Pod");

    /// <summary>The claim belongs to an earlier pod of this name, with which it is about to go: a new pod must not use it.</summary>
    public static bool IsStale(V1PersistentVolumeClaim claim, V1StatefulSet set, V1Pod pod) => DeletesOnScale(set) && IsStale(claim, pod, PodKind);

    public static bool IsUpToDate(V1PersistentVolumeClaim claim, V1StatefulSet set, V1Pod pod)
    {
        // Left to the garbage collector: what an earlier owner of the name had is not ours to touch.
        if (IsStale(claim, set, SetKind) || IsStale(claim, pod, PodKind))
            return true;
        if (HasForeignController(claim, set, pod))
            return !IsOwnedBy(claim, set) && !IsOwnedBy(claim, pod);
        if (References(claim).Any(r => (r.Uid == set.Metadata.Uid || r.Uid == pod.Metadata.Uid) && r.Controller != true))
            return false;
        var owner = Owner(set, pod);
        return IsOwnedBy(claim, set) == (owner == SetKind) && IsOwnedBy(claim, pod) == (owner == PodKind);
    }

    /// <summary>A copy with the owner that the policy wants; other owners stay.</summary>
    public static V1PersistentVolumeClaim Apply(V1PersistentVolumeClaim claim, V1StatefulSet set, V1Pod pod)
    {
        var copy = KubeJson.Clone(claim);
        var references = References(claim).Where(r => !SetKind.Names(r, set) && !PodKind.Names(r, pod)).ToList();
        // Beside another controller there is no place for ours.
        if (!HasForeignController(claim, set, pod) && Owner(set, pod) is { } owner)
            references.Add(Owners.ReferenceTo(owner == SetKind ? set : pod, owner.ApiVersion, owner.Name));
        copy.Metadata.OwnerReferences = references.Count == 0 ? null : references;
        return copy;
    }

    private static Kind? Owner(V1StatefulSet set, V1Pod pod)
    {
        if (DeletesOnScale(set) && !StatefulPods.IsInRange(set, pod))
            return PodKind;
        return set.Spec.PersistentVolumeClaimRetentionPolicy?.WhenDeleted == "Delete" ? SetKind : null;
    }

    private static bool HasForeignController(V1PersistentVolumeClaim claim, V1StatefulSet set, V1Pod pod)
    {
        // Who keeps all claims does not mind who else controls them.
        if (!DeletesOnScale(set) && set.Spec.PersistentVolumeClaimRetentionPolicy?.WhenDeleted != "Delete")
            return false;
        return References(claim).Any(r =>
            SetKind.Names(r, set) ? r.Uid != set.Metadata.Uid
            : PodKind.Names(r, pod) ? r.Uid != pod.Metadata.Uid
            : r.Controller == true);
    }

    private static bool DeletesOnScale(V1StatefulSet set) => set.Spec.PersistentVolumeClaimRetentionPolicy?.WhenScaled == "Delete";

    private static bool IsOwnedBy(V1PersistentVolumeClaim claim, IKubernetesObject<V1ObjectMeta> owner) => References(claim).Any(r => r.Uid == owner.Metadata.Uid);

    private static bool IsStale(V1PersistentVolumeClaim claim, IKubernetesObject<V1ObjectMeta> owner, Kind kind) =>
        References(claim).FirstOrDefault(r => kind.Names(r, owner)) is { } reference && reference.Uid != owner.Metadata.Uid;

    private static IList<V1OwnerReference> References(V1PersistentVolumeClaim claim) => claim.Metadata.OwnerReferences ?? [];

    private sealed record Kind(string ApiVersion, string Name)
    {
        public bool Names(V1OwnerReference reference, IKubernetesObject<V1ObjectMeta> value) =>
            reference.ApiVersion == ApiVersion && reference.Kind == Name && reference.Name == value.Metadata.Name;
    }
}
