using k8s.Models;

namespace LiteKube.Kubelet;

/// <summary>What the kubelet asks of the network, given by the composition root.</summary>
public sealed record KubeletNetwork
{
    /// <summary>Null when pods can be connected; else what is missing (Node condition Ready's message).</summary>
    public Func<string?> NotReadyReason { get; init; } = () => null;

    /// <summary>Told after a pod's sandbox has its addresses, and again (with none) when it is gone.</summary>
    public Action<V1Pod, IReadOnlyList<string>>? PodAddressesChanged { get; init; }
}
