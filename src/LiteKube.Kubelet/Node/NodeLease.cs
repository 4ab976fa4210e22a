using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Kubelet.Node;

/// <summary>The node's heartbeat: a Lease of 40 s in kube-node-lease.</summary>
internal sealed class NodeLease(string nodeName, IKubeClient client, TimeProvider timeProvider)
{
    private const string Namespace = "kube-node-lease";
    private const int DurationSeconds = 40;

    private V1Lease? _lease;

    public async Task RenewAsync(V1Node node, CancellationToken cancellationToken)
    {
        try
        {
            _lease ??= await FindAsync(cancellationToken);
            var renewed = Renewed(node);
            _lease = _lease is null ? await client.CreateAsync(renewed, cancellationToken) : await client.UpdateAsync(renewed, cancellationToken);
        }
        catch (KubeApiException exception) when (exception.IsConflict || exception.IsNotFound || exception.IsAlreadyExists)
        {
            // Somebody else wrote it; the next try begins with what is there.
            _lease = null;
            throw;
        }
    }

    private async Task<V1Lease?> FindAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAsync<V1Lease>(Namespace, nodeName, cancellationToken);
        }
        catch (KubeApiException exception) when (exception.IsNotFound)
        {
            return null;
        }
    }

    private V1Lease Renewed(V1Node node) => new()
    {
        ApiVersion = "coordination.k8s.io/v1",
        Kind = "Lease",
        Metadata = new V1ObjectMeta
        {
            Name = nodeName,
            NamespaceProperty = Namespace,
            ResourceVersion = _lease?.Metadata.ResourceVersion,
            Uid = _lease?.Metadata.Uid,
            OwnerReferences = [new V1OwnerReference { ApiVersion = "v1", Kind = "Node", Name = node.Metadata.Name, Uid = node.Metadata.Uid }],
        },
        Spec = new V1LeaseSpec
        {
            HolderIdentity = nodeName,
            LeaseDurationSeconds = DurationSeconds,
            RenewTime = timeProvider.GetUtcNow().UtcDateTime,
        },
    };
}
