using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>A node takes only as many volumes of a CSI driver as its CSINode says (https://kubernetes.io/docs/concepts/storage/storage-limits/).</summary>
internal sealed class NodeVolumeLimits(ISharedInformers informers) : IPreFilterPlugin, IFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Exceeded = PluginStatus.Unschedulable("node(s) exceed max volume count");

    public string Name => "NodeVolumeLimits";

    public ClusterEvent Events => ClusterEvent.CsiNode | ClusterEvent.AssignedPodDelete | ClusterEvent.PersistentVolumeClaim | ClusterEvent.VolumeAttachment | ClusterEvent.CsiDriver;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change switch
    {
        { New: V1CSINode node } => change.Old is not V1CSINode old || DriversOf(node).Except(DriversOf(old), StringComparer.Ordinal).Any() || LimitsOf(node).Any(limit => !LimitsOf(old).TryGetValue(limit.Key, out var before) || before < limit.Value) || LimitsOf(old).Keys.Except(LimitsOf(node).Keys).Any(),
        { Old: PodInfo gone, New: null } => PodClaims.Of(gone.Pod).Any(),
        { New: V1PersistentVolumeClaim claim } => PodClaims.Has(pod, claim),
        { Old: V1VolumeAttachment, New: null } => true,
        { Old: V1CSIDriver old } => old.Spec.PreventPodSchedulingIfMissing == true && (change.New as V1CSIDriver)?.Spec.PreventPodSchedulingIfMissing != true,
        _ => false,
    };

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        return PodClaims.Of(pod.Pod).Any() ? null : PluginStatus.Skip;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        var wanted = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Add(pod, wanted, isNew: true) is { } missing)
            return missing;
        if (wanted.Count == 0)
            return null;
        var csiNode = informers.Get<V1CSINode>().Find(new ObjectKey("", node.Name));
        if (WhyNotMounted(wanted, csiNode) is { } absent)
            return absent;
        if (csiNode is null || LimitsOf(csiNode) is not { Count: > 0 } limits)
            return null;
        var attached = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var other in node.Pods)
            Add(other, attached, isNew: false);
        AddAttached(node.Name, attached);
        // One volume of several pods is attached once.
        foreach (var volume in attached.Keys)
            wanted.Remove(volume);
        foreach (var drivers in wanted.Values.GroupBy(static driver => driver, StringComparer.Ordinal))
        {
            if (limits.TryGetValue(drivers.Key, out var limit) && attached.Values.Count(driver => driver == drivers.Key) + drivers.Count() > limit)
                return Exceeded;
        }
        return null;
    }

    /// <summary>Adds the driver of each of the pod's CSI volumes under the volume's identity.</summary>
    private PluginStatus? Add(PodInfo pod, Dictionary<string, string> volumes, bool isNew)
    {
        foreach (var reference in PodClaims.Of(pod.Pod))
        {
            if (informers.Get<V1PersistentVolumeClaim>().Find(new ObjectKey(pod.Namespace, reference.Name)) is not { } claim)
            {
                if (isNew)
                    return PluginStatus.Unresolvable($"persistentvolumeclaim \"{reference.Name}\" not found");
                continue;
            }
            if (!string.IsNullOrEmpty(claim.Spec.VolumeName))
            {
                if (informers.Get<V1PersistentVolume>().Find(PodClaims.VolumeKey(claim.Spec.VolumeName))?.Spec.Csi is { } csi)
                    volumes[$"{csi.Driver}/{csi.VolumeHandle}"] = csi.Driver;
            }
            // Not made yet: it will be one more of its class's driver.
            else if (informers.Get<V1StorageClass>().Find(new ObjectKey("", PodClaims.ClassOf(claim)))?.Provisioner is { Length: > 0 } driver)
            {
                volumes[$"{driver}/{pod.Namespace}/{reference.Name}"] = driver;
            }
        }
        return null;
    }

    /// <summary>A driver may ask that its pods stay away from nodes where it does not run (CSIDriver's preventPodSchedulingIfMissing, KEP-5030).</summary>
    private PluginStatus? WhyNotMounted(Dictionary<string, string> wanted, V1CSINode? node)
    {
        foreach (var driver in wanted.Values)
        {
            if (informers.Get<V1CSIDriver>().Find(new ObjectKey("", driver))?.Spec.PreventPodSchedulingIfMissing == true && node?.Spec?.Drivers?.Any(there => there.Name == driver) != true)
                return PluginStatus.Unresolvable($"{driver} CSI driver is not installed on the node");
        }
        return null;
    }

    /// <summary>Volumes whose pods have gone, and that are still to be detached.</summary>
    private void AddAttached(string node, Dictionary<string, string> volumes)
    {
        foreach (var attachment in informers.Get<V1VolumeAttachment>().List())
        {
            if (attachment.Spec.NodeName == node && attachment.Spec.Source?.PersistentVolumeName is { Length: > 0 } name
                && informers.Get<V1PersistentVolume>().Find(PodClaims.VolumeKey(name))?.Spec.Csi is { } csi)
                volumes[$"{csi.Driver}/{csi.VolumeHandle}"] = csi.Driver;
        }
    }

    private static IEnumerable<string> DriversOf(V1CSINode node) => (node.Spec?.Drivers ?? []).Select(static driver => driver.Name);

    private static Dictionary<string, int> LimitsOf(V1CSINode node) =>
        (node.Spec?.Drivers ?? []).Where(static driver => driver.Allocatable?.Count is not null).ToDictionary(static driver => driver.Name, static driver => driver.Allocatable.Count!.Value, StringComparer.Ordinal);
}
