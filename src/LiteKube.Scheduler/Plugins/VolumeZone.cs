using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>A bound volume that carries a zone or region label is only reached from there.</summary>
internal sealed class VolumeZone(ISharedInformers informers) : IPreFilterPlugin, IFilterPlugin, IEnqueueExtensions
{
    private const string Zone = "topology.kubernetes.io/zone";
    private const string Region = "topology.kubernetes.io/region";
    private const string BetaZone = "failure-domain.beta.kubernetes.io/zone";
    private const string BetaRegion = "failure-domain.beta.kubernetes.io/region";
    private static readonly string[] Keys = [BetaZone, BetaRegion, Zone, Region];
    private static readonly PluginStatus Conflict = PluginStatus.Unresolvable("node(s) had no available volume zone");

    public string Name => "VolumeZone";

    public ClusterEvent Events => ClusterEvent.StorageClass | ClusterEvent.NodeAdd | ClusterEvent.NodeLabel | ClusterEvent.PersistentVolumeClaim | ClusterEvent.PersistentVolume;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change switch
    {
        { New: null } => false,
        { New: V1StorageClass added } => change.Old is null && added.VolumeBindingMode == VolumeBinding.WaitForFirstConsumer,
        { New: V1PersistentVolumeClaim claim } => PodClaims.Has(pod, claim),
        { New: V1PersistentVolume volume } => change.Old is not V1PersistentVolume old || !LabelsOf(old).Select(static label => label.Key + string.Join('_', label.Values)).SequenceEqual(LabelsOf(volume).Select(static label => label.Key + string.Join('_', label.Values))),
        _ => true,
    };

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var labels = new List<TopologyLabel>();
        foreach (var volume in pod.Pod.Spec.Volumes ?? [])
        {
            if (volume.PersistentVolumeClaim is { } reference && Add(pod, reference.ClaimName, labels) is { } status)
                return status;
        }
        if (labels.Count == 0)
            return PluginStatus.Skip;
        state.Set(new VolumeLabels(labels));
        return null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        // A cluster in one place need not label its nodes.
        if (Keys.All(key => node.Label(key) is null))
            return null;
        foreach (var label in state.Get<VolumeLabels>().Labels)
        {
            var value = node.Label(label.Key) ?? node.Label(label.Key switch { BetaZone => Zone, BetaRegion => Region, var key => key });
            if (value is null || !label.Values.Contains(value))
                return Conflict;
        }
        return null;
    }

    private PluginStatus? Add(PodInfo pod, string claimName, List<TopologyLabel> labels)
    {
        if (string.IsNullOrEmpty(claimName))
            return PluginStatus.Unresolvable("PersistentVolumeClaim had no name");
        if (informers.Get<V1PersistentVolumeClaim>().Find(new ObjectKey(pod.Namespace, claimName)) is not { } claim)
            return PluginStatus.Unresolvable($"persistentvolumeclaim \"{claimName}\" not found");
        if (string.IsNullOrEmpty(claim.Spec.VolumeName))
        {
            var className = PodClaims.ClassOf(claim);
            if (className.Length == 0)
                return PluginStatus.Unresolvable("PersistentVolumeClaim had no pv name and storageClass name");
            if (informers.Get<V1StorageClass>().Find(new ObjectKey("", className)) is not { } storageClass)
                return PluginStatus.Unresolvable($"storageclass.storage.k8s.io \"{className}\" not found");
            if (storageClass.VolumeBindingMode is null)
                return PluginStatus.Unresolvable($"VolumeBindingMode not set for StorageClass \"{className}\"");
            return storageClass.VolumeBindingMode == VolumeBinding.WaitForFirstConsumer ? null : PluginStatus.Unresolvable("PersistentVolume had no name");
        }
        if (informers.Get<V1PersistentVolume>().Find(PodClaims.VolumeKey(claim.Spec.VolumeName)) is not { } volume)
            return PluginStatus.Unresolvable($"persistentvolume \"{claim.Spec.VolumeName}\" not found");
        labels.AddRange(LabelsOf(volume));
        return null;
    }

    private static IEnumerable<TopologyLabel> LabelsOf(V1PersistentVolume volume)
    {
        foreach (var key in Keys)
        {
            // Several zones stand in one label: "a__b".
            if (volume.Metadata.Labels is { } labels && labels.TryGetValue(key, out var value))
                yield return new(key, [.. value.Split("__").Select(static zone => zone.Trim())]);
        }
    }

    private sealed record TopologyLabel(string Key, IReadOnlyList<string> Values);

    private sealed record VolumeLabels(IReadOnlyList<TopologyLabel> Labels);
}
