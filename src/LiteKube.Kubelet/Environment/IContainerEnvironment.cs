using k8s.Models;

namespace LiteKube.Kubelet.Environment;

/// <summary>Makes a container's environment, command and arguments out of its spec and what it refers to.</summary>
public interface IContainerEnvironment
{
    /// <summary>
    /// env, envFrom, every valueFrom, the service variables, and <c>$(VAR)</c> expansion in env, command and args.
    /// </summary>
    /// <param name="container">An app or init container of <paramref name="pod"/>.</param>
    /// <param name="podIps">The sandbox's addresses (the node's for a host-network pod).</param>
    /// <exception cref="ConfigException">Something it refers to is missing: the container waits with CreateContainerConfigError.</exception>
    Task<ContainerEnv> BuildAsync(V1Pod pod, V1Container container, IReadOnlyList<string> podIps, IReadOnlyList<string> hostIps, CancellationToken cancellationToken);
}

/// <param name="Variables">In order, as the container gets them; a name appears once.</param>
public sealed record ContainerEnv(IReadOnlyList<KeyValuePair<string, string>> Variables, IReadOnlyList<string> Command, IReadOnlyList<string> Args);

/// <param name="message">Kubernetes' text: <c>configmap "x" not found</c>, <c>couldn't find key k in Secret ns/x</c>.</param>
public sealed class ConfigException(string message, Exception? inner = null) : Exception(message, inner);
