using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Nodes where a pod's new volumes take the smaller part of what there is are preferred (KEP-4049, with its default shape).</summary>
internal sealed partial class VolumeBinding
{
    public int Weight => 1;

    public PluginStatus? PreScore(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes) => state.Find<PodVolumes>() is { ByNode.Count: > 0 } ? null : PluginStatus.Skip;

    public long Score(CycleState state, PodInfo pod, NodeInfo node)
    {
        if (state.Find<PodVolumes>()?.ByNode.GetValueOrDefault(node.Name) is not { } volumes)
            return 0;
        var byClass = new Dictionary<string, (long Requested, long Capacity)>(StringComparer.Ordinal);
        // With volumes that are there, what is made besides does not count.
        foreach (var (claim, volume) in volumes.Static)
        {
            var (requested, capacity) = byClass.GetValueOrDefault(PodClaims.ClassOf(claim));
            byClass[PodClaims.ClassOf(claim)] = (requested + PodClaims.SizeOf(claim), capacity + VolumeMatching.SizeOf(volume));
        }
        if (volumes.Static.Count == 0)
        {
            // Claims of one class share the space that its driver tells of.
            foreach (var space in volumes.Space)
                byClass[space.StorageClass] = (byClass.GetValueOrDefault(space.StorageClass).Requested + space.RequestedBytes, space.CapacityBytes);
        }
        return byClass.Count == 0 ? 0 : (long)Math.Round(byClass.Values.Average(static of => (double)Free(of.Requested, of.Capacity)), MidpointRounding.AwayFromZero);
    }

    /// <summary>Of a hundred, what is left when the request is met.</summary>
    private static long Free(long requested, long capacity) =>
        capacity == 0 || requested > capacity ? 0 : IScorePlugin.MaxScore - (long)((Int128)requested * IScorePlugin.MaxScore / capacity);
}
