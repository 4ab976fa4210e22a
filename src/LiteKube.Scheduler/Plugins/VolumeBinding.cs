using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>
/// A pod's claims are bound, to volumes that its node can reach. Claims of a class that waits for the first consumer
/// get a volume of the chosen node, or are handed to their provisioner with it, and the pod is bound once they are
/// (https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode).
/// </summary>
internal sealed partial class VolumeBinding(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider, TimeSpan bindTimeout)
    : IPreFilterPlugin, IFilterPlugin, IPreScorePlugin, IScorePlugin, IReservePlugin, IPreBindPlugin, IEnqueueExtensions
{
    public const string WaitForFirstConsumer = "WaitForFirstConsumer";
    private const string NoProvisioner = "kubernetes.io/no-provisioner";
    private const string OutOfReach = "node(s) didn't match PersistentVolume's node affinity";
    private const string NoVolume = "node(s) didn't find available persistent volumes to bind";
    private const string NotEnoughSpace = "node(s) did not have enough free storage";
    private const string VolumeGone = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";
    private static readonly PluginStatus Unbound = PluginStatus.Unresolvable("pod has unbound immediate PersistentVolumeClaims");
    private readonly VolumeReservations _reservations = new();

    public string Name => "VolumeBinding";

    public ClusterEvent Events => ClusterEvent.PersistentVolumeClaim | ClusterEvent.PersistentVolume | ClusterEvent.StorageClass | ClusterEvent.NodeAdd | ClusterEvent.NodeLabel
        | ClusterEvent.CsiNode | ClusterEvent.CsiDriver | ClusterEvent.CsiStorageCapacity;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change switch
    {
        { New: null } => false,
        { New: V1PersistentVolumeClaim claim } => PodClaims.Has(pod, claim),
        { New: V1StorageClass now, Old: V1StorageClass old } => !SameTopologies(old, now),
        { New: V1CSINode, Old: not null } => false,
        { New: V1CSIDriver now, Old: V1CSIDriver old } => old.Spec.StorageCapacity == true && now.Spec.StorageCapacity != true,
        { New: V1CSIDriver } => false,
        { New: V1CSIStorageCapacity now, Old: V1CSIStorageCapacity old } => LimitOf(now) is { } limit && !(LimitOf(old) >= limit),
        _ => true,
    };

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        if (pod.Pod.Spec.Volumes is not { Count: > 0 })
            return PluginStatus.Skip;
        var volumes = new PodVolumes();
        var hasImmediate = false;
        foreach (var reference in PodClaims.Of(pod.Pod))
        {
            if (WhyNot(pod, reference, out var claim) is { } status)
                return status;
            if (PodClaims.IsBound(claim!))
                volumes.Bound.Add(claim!);
            // With a volume named the claim controller is about to bind it; any mode waits for that.
            else if (string.IsNullOrEmpty(claim!.Spec.VolumeName) && ClassOf(claim)?.VolumeBindingMode == WaitForFirstConsumer)
                volumes.Waiting.Add(claim);
            else
                hasImmediate = true;
        }
        if (hasImmediate)
            return Unbound;
        if (volumes.Bound.Count == 0 && volumes.Waiting.Count == 0)
            return PluginStatus.Skip;
        // The largest first would take the large volumes; the smallest leaves them.
        volumes.Waiting.Sort(static (left, right) => PodClaims.SizeOf(left).CompareTo(PodClaims.SizeOf(right)));
        state.Set(volumes);
        return null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        var volumes = state.Get<PodVolumes>();
        List<string>? reasons = null;
        var (isReachable, areThere) = CheckBound(volumes.Bound, node);
        var (found, reason) = volumes.Waiting.Count == 0 ? (null, null) : FindOn(volumes.Waiting, node);
        if (!isReachable)
            (reasons ??= []).Add(OutOfReach);
        if (reason is not null)
            (reasons ??= []).Add(reason);
        if (!areThere)
            (reasons ??= []).Add(VolumeGone);
        if (reasons is not null)
            return PluginStatus.Unresolvable(reasons);
        if (found is not null)
            volumes.ByNode[node.Name] = found;
        return null;
    }

    public PluginStatus? Reserve(CycleState state, PodInfo pod, string nodeName)
    {
        if (state.Find<PodVolumes>() is { } volumes && volumes.ByNode.TryGetValue(nodeName, out var found))
            _reservations.Reserve(found, nodeName);
        return null;
    }

    public void Unreserve(CycleState state, PodInfo pod, string nodeName)
    {
        if (state.Find<PodVolumes>() is { } volumes && volumes.ByNode.TryGetValue(nodeName, out var found))
            _reservations.Release(found);
    }

    private PluginStatus? WhyNot(PodInfo pod, PodClaims.Reference reference, out V1PersistentVolumeClaim? claim)
    {
        claim = informers.Get<V1PersistentVolumeClaim>().Find(new ObjectKey(pod.Namespace, reference.Name));
        if (claim is null)
            return PluginStatus.Unresolvable(reference.IsEphemeral ? $"waiting for ephemeral volume controller to create the persistentvolumeclaim \"{reference.Name}\"" : $"persistentvolumeclaim \"{reference.Name}\" not found");
        if (claim.Status?.Phase == "Lost")
            return PluginStatus.Unresolvable($"persistentvolumeclaim \"{reference.Name}\" bound to non-existent persistentvolume \"{claim.Spec.VolumeName}\"");
        if (claim.Metadata.DeletionTimestamp is not null)
            return PluginStatus.Unresolvable($"persistentvolumeclaim \"{reference.Name}\" is being deleted");
        if (reference.IsEphemeral && claim.Metadata.OwnerReferences?.Any(owner => owner.Controller == true && owner.Uid == pod.Uid) != true)
            return PluginStatus.Unresolvable($"PVC {pod.Namespace}/{reference.Name} was not created for pod {pod.Key} (pod is not owner)");
        return null;
    }

    private (bool IsReachable, bool AreThere) CheckBound(List<V1PersistentVolumeClaim> claims, NodeInfo node)
    {
        foreach (var claim in claims)
        {
            if (informers.Get<V1PersistentVolume>().Find(PodClaims.VolumeKey(claim.Spec.VolumeName)) is not { } volume)
                return (true, false);
            if (volume.Spec.NodeAffinity?.Required is { } required && !NodeSelectors.Matches(required, node.Node!))
                return (false, true);
        }
        return (true, true);
    }

    private (NodeVolumes? Found, string? Reason) FindOn(List<V1PersistentVolumeClaim> claims, NodeInfo node)
    {
        var chosen = new List<(V1PersistentVolumeClaim Claim, V1PersistentVolume Volume)>();
        var provisioned = new List<V1PersistentVolumeClaim>();
        foreach (var claim in claims)
        {
            // A provisioner that has begun on another node keeps the pod there.
            if ((_reservations.NodeOf(claim) ?? PodClaims.Annotation(claim, PodClaims.SelectedNode)) is { } selected)
            {
                if (selected != node.Name)
                    return (null, NoVolume);
                provisioned.Add(claim);
                continue;
            }
            var volume = VolumeMatching.Find(claim, informers.Get<V1PersistentVolume>().List(), node.Node!,
                candidate => _reservations.IsTaken(candidate, claim) || chosen.Any(other => other.Volume.Metadata.Name == candidate.Metadata.Name));
            if (volume is not null)
                chosen.Add((claim, volume));
            else
                provisioned.Add(claim);
        }
        var space = new List<ProvisionedSpace>();
        foreach (var claim in provisioned)
        {
            if (WhyNotProvisioned(claim, node, out var capacity) is { } reason)
                return (null, reason);
            if (capacity is not null)
                space.Add(new(PodClaims.ClassOf(claim), PodClaims.SizeOf(claim), capacity.Capacity is { } bytes ? Resources.Amount("storage", bytes) : 0));
        }
        return (new NodeVolumes(chosen, provisioned, space), null);
    }

    /// <param name="capacity">What the driver told of the node; null when it tells nothing.</param>
    private string? WhyNotProvisioned(V1PersistentVolumeClaim claim, NodeInfo node, out V1CSIStorageCapacity? capacity)
    {
        capacity = null;
        var storageClass = ClassOf(claim);
        if (storageClass is null || string.IsNullOrEmpty(storageClass.Provisioner) || storageClass.Provisioner == NoProvisioner)
            return NoVolume;
        if (storageClass.AllowedTopologies is { Count: > 0 } topologies && !topologies.Any(term => Allows(term, node)))
            return NoVolume;
        return HasSpace(claim, storageClass, node, out capacity) ? null : NotEnoughSpace;
    }

    /// <summary>As far as the class's driver tells (https://kubernetes.io/docs/concepts/storage/storage-capacity/).</summary>
    private bool HasSpace(V1PersistentVolumeClaim claim, V1StorageClass storageClass, NodeInfo node, out V1CSIStorageCapacity? capacity)
    {
        capacity = null;
        var size = PodClaims.SizeOf(claim);
        if (size == 0 || informers.Get<V1CSIDriver>().Find(new ObjectKey("", storageClass.Provisioner))?.Spec.StorageCapacity != true)
            return true;
        capacity = informers.Get<V1CSIStorageCapacity>().List().FirstOrDefault(told => told.StorageClassName == storageClass.Metadata.Name
            && LimitOf(told) >= size && told.NodeTopology is { } topology && Apis.Selectors.LabelSelector.From(topology).Matches(node.Labels));
        return capacity is not null;
    }

    private static long? LimitOf(V1CSIStorageCapacity capacity) => (capacity.MaximumVolumeSize ?? capacity.Capacity) is { } limit ? Resources.Amount("storage", limit) : null;

    private V1StorageClass? ClassOf(V1PersistentVolumeClaim claim) =>
        PodClaims.ClassOf(claim) is { Length: > 0 } name ? informers.Get<V1StorageClass>().Find(new ObjectKey("", name)) : null;

    private static bool Allows(V1TopologySelectorTerm term, NodeInfo node) =>
        (term.MatchLabelExpressions ?? []).All(requirement => node.Label(requirement.Key) is { } value && requirement.Values.Contains(value));

    private static bool SameTopologies(V1StorageClass old, V1StorageClass now) =>
        Text(old).SequenceEqual(Text(now), StringComparer.Ordinal);

    private static IEnumerable<string> Text(V1StorageClass storageClass) => (storageClass.AllowedTopologies ?? [])
        .Select(static term => string.Join(';', (term.MatchLabelExpressions ?? []).Select(static requirement => $"{requirement.Key} in ({string.Join(',', requirement.Values)})")));

    private sealed class PodVolumes
    {
        public List<V1PersistentVolumeClaim> Bound { get; } = [];
        public List<V1PersistentVolumeClaim> Waiting { get; } = [];

        /// <summary>What was found for the waiting ones, on each node that passed.</summary>
        public Dictionary<string, NodeVolumes> ByNode { get; } = new(StringComparer.Ordinal);
    }
}
