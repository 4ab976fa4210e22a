using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Disks that only one node or one pod may use, and claims of access mode ReadWriteOncePod, which serve one pod of the cluster at a time.</summary>
internal sealed class VolumeRestrictions(ISharedInformers informers) : IPreFilterExtensions, IFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus InUse = PluginStatus.Unschedulable("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode");
    private static readonly PluginStatus DiskConflict = PluginStatus.Unschedulable("node(s) had no available disk");
    public string Name => "VolumeRestrictions";
    public ClusterEvent Events => ClusterEvent.AssignedPodDelete | ClusterEvent.PersistentVolumeClaim | ClusterEvent.NodeAdd;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change switch
    {
        { Old: PodInfo gone, New: null } => gone.Namespace == pod.Namespace && (DisksConflict(pod, gone) || ClaimNames(pod.Pod).Intersect(ClaimNames(gone.Pod), StringComparer.Ordinal).Any()),
        { New: V1PersistentVolumeClaim claim } => PodClaims.Has(pod, claim),
        { Old: V1PersistentVolumeClaim } => false,
        _ => true,
    };

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        if (pod.Pod.Spec.Volumes is not { Count: > 0 })
            return PluginStatus.Skip;
        var exclusive = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in ClaimNames(pod.Pod))
        {
            if (informers.Get<V1PersistentVolumeClaim>().Find(new ObjectKey(pod.Namespace, name)) is not { } claim)
                return PluginStatus.Unresolvable($"persistentvolumeclaim \"{name}\" not found");
            if (claim.Spec.AccessModes?.Contains("ReadWriteOncePod") == true)
                exclusive.Add(name);
        }
        var users = new Users(exclusive);
        if (exclusive.Count > 0)
        {
            // Rare enough for a scan of all pods.
            foreach (var node in snapshot.Nodes)
            {
                foreach (var other in node.Pods)
                    users.Count += users.Of(pod, other);
            }
        }
        if (users.Count == 0 && !pod.Pod.Spec.Volumes.Any(IsDisk))
            return PluginStatus.Skip;
        state.Set(users);
        return null;
    }

    public void AddPod(CycleState state, PodInfo pod, PodInfo added, NodeInfo node) => Count(state, pod, added, +1);

    public void RemovePod(CycleState state, PodInfo pod, PodInfo removed, NodeInfo node) => Count(state, pod, removed, -1);

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        if (pod.Pod.Spec.Volumes.Any(IsDisk) && node.Pods.Any(other => DisksConflict(pod, other)))
            return DiskConflict;
        return state.Get<Users>().Count > 0 ? InUse : null;
    }

    private static void Count(CycleState state, PodInfo pod, PodInfo other, int by)
    {
        if (state.Find<Users>() is { } users)
            users.Count += by * users.Of(pod, other);
    }

    private static bool IsDisk(V1Volume volume) => volume.GcePersistentDisk is not null || volume.AwsElasticBlockStore is not null || volume.Rbd is not null || volume.Iscsi is not null;

    private static bool DisksConflict(PodInfo pod, PodInfo other) =>
        (pod.Pod.Spec.Volumes ?? []).Where(IsDisk).Any(volume => (other.Pod.Spec.Volumes ?? []).Any(theirs => Conflicts(volume, theirs)));

    /// <summary>The same disk twice, unless both only read; a disk of AWS not even then.</summary>
    private static bool Conflicts(V1Volume left, V1Volume right)
    {
        if (left.GcePersistentDisk is { } gce && right.GcePersistentDisk is { } otherGce)
            return gce.PdName == otherGce.PdName && !(gce.ReadOnlyProperty == true && otherGce.ReadOnlyProperty == true);
        if (left.AwsElasticBlockStore is { } aws && right.AwsElasticBlockStore is { } otherAws)
            return aws.VolumeID == otherAws.VolumeID;
        if (left.Iscsi is { } iscsi && right.Iscsi is { } otherIscsi)
            return iscsi.Iqn == otherIscsi.Iqn && !(iscsi.ReadOnlyProperty == true && otherIscsi.ReadOnlyProperty == true);
        if (left.Rbd is { } rbd && right.Rbd is { } otherRbd)
        {
            return rbd.Pool == otherRbd.Pool && rbd.Image == otherRbd.Image && rbd.Monitors.Intersect(otherRbd.Monitors, StringComparer.Ordinal).Any()
                && !(rbd.ReadOnlyProperty == true && otherRbd.ReadOnlyProperty == true);
        }
        return false;
    }

    private static IEnumerable<string> ClaimNames(V1Pod pod) =>
        (pod.Spec.Volumes ?? []).Select(volume => volume.PersistentVolumeClaim?.ClaimName).OfType<string>();

    /// <summary>Uses of the pod's exclusive claims by pods that have a node.</summary>
    private sealed class Users(HashSet<string> claims) : ICopiedState
    {
        public int Count { get; set; }

        public int Of(PodInfo pod, PodInfo other) => claims.Count == 0 || other.Namespace != pod.Namespace ? 0 : ClaimNames(other.Pod).Count(claims.Contains);

        public object Copy() => new Users(claims) { Count = Count };
    }
}
