using k8s.Models;

namespace LiteKube.Kubelet.Environment;

/// <summary>
/// The ConfigMaps and Secrets that this node's pods name. Only those are read, each by its own name, since Node
/// authorization permits nothing else (https://kubernetes.io/docs/reference/access-authn-authz/node/).
/// </summary>
public interface IPodObjects
{
    /// <summary>Null when there is no such object.</summary>
    /// <exception cref="LiteKube.Client.KubeApiException">The API server refused.</exception>
    /// <exception cref="TimeoutException">It did not answer in time; the text is the kubelet's.</exception>
    Task<V1ConfigMap?> FindConfigMapAsync(string ns, string name, CancellationToken cancellationToken);

    /// <inheritdoc cref="FindConfigMapAsync"/>
    Task<V1Secret?> FindSecretAsync(string ns, string name, CancellationToken cancellationToken);
}
