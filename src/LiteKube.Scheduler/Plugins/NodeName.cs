using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>A pod that names its node goes nowhere else.</summary>
internal sealed class NodeName : IFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Mismatch = PluginStatus.Unresolvable("node(s) didn't match the requested node name");
    public string Name => "NodeName";
    public ClusterEvent Events => ClusterEvent.NodeAdd;

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node) =>
        string.IsNullOrEmpty(pod.Pod.Spec.NodeName) || pod.Pod.Spec.NodeName == node.Name ? null : Mismatch;
}

/// <summary>A cordoned node takes only pods that tolerate it.</summary>
internal sealed class NodeUnschedulable : IFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Cordoned = PluginStatus.Unresolvable("node(s) were unschedulable");
    private static readonly V1Taint Taint = new() { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" };
    public string Name => "NodeUnschedulable";
    public ClusterEvent Events => ClusterEvent.NodeAdd | ClusterEvent.NodeTaint | ClusterEvent.PodToleration;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change.New switch
    {
        V1Node node => node.Spec?.Unschedulable != true && (change.Old is not V1Node old || old.Spec?.Unschedulable == true),
        PodInfo changed => changed.Uid == pod.Uid,
        _ => true,
    };

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node) =>
        node.IsUnschedulable && !Tolerations.AnyTolerates(pod.Tolerations, Taint) ? Cordoned : null;
}

/// <summary>The host's ports that the pod wants are free.</summary>
internal sealed class NodePorts : IPreFilterPlugin, IFilterPlugin, IEnqueueExtensions
{
    private static readonly PluginStatus Taken = PluginStatus.Unschedulable("node(s) didn't have free ports for the requested pod ports");
    public string Name => "NodePorts";
    public ClusterEvent Events => ClusterEvent.NodeAdd | ClusterEvent.AssignedPodDelete;

    public bool MayHelp(PodInfo pod, in ClusterChange change) => change.Old is not PodInfo gone || gone.HostPorts.Any(port => pod.HostPorts.Any(port.ConflictsWith));

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        return pod.HostPorts.Count == 0 ? PluginStatus.Skip : null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        foreach (var wanted in pod.HostPorts)
        {
            foreach (var used in node.UsedPorts)
            {
                if (wanted.ConflictsWith(used))
                    return Taken;
            }
        }
        return null;
    }
}

/// <summary>Prefers nodes that have the pod's large images already.</summary>
internal sealed class ImageLocality : IScorePlugin
{
    private const long MegaByte = 1024 * 1024;
    private const long MinThreshold = 23 * MegaByte;
    private const long MaxContainerThreshold = 1000 * MegaByte;
    private readonly Func<Snapshot> _snapshot;

    public ImageLocality(Func<Snapshot> snapshot) => _snapshot = snapshot;

    public string Name => "ImageLocality";
    public int Weight => 1;

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        if (node.Images.Count == 0)
            return 0;
        var snapshot = _snapshot();
        if (state.Find<Images>() is not { } images)
            state.Set(images = new Images([.. ImagesOf(pod).Select(WithTag)]));
        long sum = 0;
        foreach (var image in images.Names)
        {
            // Weighed by how many nodes have it, or the first node with an image would draw all its pods.
            if (node.Images.TryGetValue(image, out var size))
                sum += (long)((double)size * snapshot.NodesWithImage(image) / snapshot.Nodes.Count);
        }
        var max = MaxContainerThreshold * images.Names.Length;
        sum = Math.Clamp(sum, MinThreshold, max);
        return IScorePlugin.MaxScore * (sum - MinThreshold) / (max - MinThreshold);
    }

    /// <summary>Of containers, and of volumes that are images.</summary>
    private static IEnumerable<string> ImagesOf(PodInfo pod) =>
        [
            .. (pod.Pod.Spec.InitContainers ?? []).Select(container => container.Image ?? ""),
            .. pod.Pod.Spec.Containers.Select(container => container.Image ?? ""),
            .. (pod.Pod.Spec.Volumes ?? []).Where(volume => volume.Image is not null).Select(volume => volume.Image.Reference ?? ""),
        ];

    private static string WithTag(string image) =>
        image.LastIndexOf(':') <= image.LastIndexOf('/') ? image + ":latest" : image;

    /// <summary>Named once a pod, not once a node.</summary>
    private sealed record Images(string[] Names);
}
