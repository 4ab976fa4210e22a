using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>A claim of access mode ReadWriteOncePod serves one pod of the cluster at a time.</summary>
internal sealed class VolumeRestrictions(ISharedInformers informers) : IPreFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus InUse = PluginStatus.Unschedulable("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode");
    public string Name => "VolumeRestrictions";
    public ClusterEvent Events => ClusterEvent.AssignedPodDelete | ClusterEvent.PersistentVolumeClaim;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        foreach (var name in ClaimNames(pod.Pod))
        {
            var claim = informers.Get<V1PersistentVolumeClaim>().Find(new ObjectKey(pod.Namespace, name));
            if (claim?.Spec.AccessModes?.Contains("ReadWriteOncePod") != true)
                continue;
            // Rare enough for a scan of all pods.
            if (snapshot.Nodes.Any(node => node.Pods.Any(other => other.Namespace == pod.Namespace && ClaimNames(other.Pod).Contains(name))))
                return InUse;
        }
        return null;
    }

    private static IEnumerable<string> ClaimNames(V1Pod pod) =>
        (pod.Spec.Volumes ?? []).Select(volume => volume.PersistentVolumeClaim?.ClaimName).OfType<string>();
}
