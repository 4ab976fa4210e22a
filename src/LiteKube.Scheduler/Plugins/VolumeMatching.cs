using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Apis.Selectors;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Which of the volumes that are there serves a claim (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding).</summary>
internal static class VolumeMatching
{
    /// <summary>The smallest that is large enough, or the one that is meant for the claim; null when there is none on the node.</summary>
    /// <param name="taken">Given to other claims in this attempt or an earlier one that is still under way.</param>
    public static V1PersistentVolume? Find(V1PersistentVolumeClaim claim, IEnumerable<V1PersistentVolume> volumes, V1Node node, Func<V1PersistentVolume, bool> taken)
    {
        var wanted = PodClaims.SizeOf(claim);
        var selector = claim.Spec.Selector is { } labels ? LabelSelector.From(labels) : null;
        V1PersistentVolume? best = null;
        long bestSize = 0;
        foreach (var volume in volumes)
        {
            var isMeant = IsMeantFor(volume, claim);
            if (taken(volume) || (volume.Spec.ClaimRef is not null && !isMeant) || volume.Metadata.DeletionTimestamp is not null)
                continue;
            var size = SizeOf(volume);
            if (size < wanted || Mode(volume.Spec.VolumeMode) != Mode(claim.Spec.VolumeMode) || (volume.Spec.VolumeAttributesClassName ?? "") != (claim.Spec.VolumeAttributesClassName ?? ""))
                continue;
            var isReachable = volume.Spec.NodeAffinity?.Required is not { } required || NodeSelectors.Matches(required, node);
            if (isMeant)
                return isReachable ? volume : null;
            if (!isReachable || volume.Status?.Phase != "Available" || selector?.Matches(volume.Metadata.Labels) == false
                || PodClaims.ClassOf(volume) != PodClaims.ClassOf(claim) || (claim.Spec.AccessModes ?? []).Except(volume.Spec.AccessModes ?? [], StringComparer.Ordinal).Any())
                continue;
            if (best is null || size < bestSize)
                (best, bestSize) = (volume, size);
        }
        return best;
    }

    public static bool IsMeantFor(V1PersistentVolume volume, V1PersistentVolumeClaim claim) => volume.Spec.ClaimRef is { } reference
        && reference.Name == claim.Metadata.Name && reference.NamespaceProperty == claim.Metadata.NamespaceProperty
        && (string.IsNullOrEmpty(reference.Uid) || reference.Uid == claim.Metadata.Uid);

    public static long SizeOf(V1PersistentVolume volume) => volume.Spec.Capacity is { } capacity && capacity.TryGetValue("storage", out var size) ? Resources.Amount("storage", size) : 0;

    private static string Mode(string? mode) => string.IsNullOrEmpty(mode) ? "Filesystem" : mode;
}

/// <summary>
/// Volumes and nodes that claims of pods on their way to a node are about to get: between the decision and the time
/// when the API says so. Written by the scheduling loop, cleared by bindings that end.
/// </summary>
internal sealed class VolumeReservations
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _claimByVolume = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _nodeByClaim = new(StringComparer.Ordinal);

    public bool IsTaken(V1PersistentVolume volume, V1PersistentVolumeClaim by)
    {
        lock (_lock)
            return _claimByVolume.TryGetValue(volume.Metadata.Name, out var uid) && uid != by.Metadata.Uid;
    }

    /// <summary>The node that the claim's provisioner is about to be told.</summary>
    public string? NodeOf(V1PersistentVolumeClaim claim)
    {
        lock (_lock)
            return _nodeByClaim.GetValueOrDefault(claim.Metadata.Uid);
    }

    public void Reserve(NodeVolumes volumes, string node)
    {
        lock (_lock)
        {
            foreach (var (claim, volume) in volumes.Static)
                _claimByVolume[volume.Metadata.Name] = claim.Metadata.Uid;
            foreach (var claim in volumes.Provisioned)
                _nodeByClaim[claim.Metadata.Uid] = node;
        }
    }

    public void Release(NodeVolumes volumes)
    {
        lock (_lock)
        {
            foreach (var (_, volume) in volumes.Static)
                _claimByVolume.Remove(volume.Metadata.Name);
            foreach (var claim in volumes.Provisioned)
                _nodeByClaim.Remove(claim.Metadata.Uid);
        }
    }
}

/// <summary>How a pod's claims that wait for their consumer are served on one node.</summary>
/// <param name="Static">By volumes that are there.</param>
/// <param name="Provisioned">By volumes that are made for them.</param>
/// <param name="Space">For those of them whose driver tells how much it has there.</param>
internal sealed record NodeVolumes(
    IReadOnlyList<(V1PersistentVolumeClaim Claim, V1PersistentVolume Volume)> Static, IReadOnlyList<V1PersistentVolumeClaim> Provisioned, IReadOnlyList<ProvisionedSpace> Space);

/// <summary>A claim that is to be provisioned, beside the space for its class on the node.</summary>
internal readonly record struct ProvisionedSpace(string StorageClass, long RequestedBytes, long CapacityBytes);
