using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Proxy;

/// <summary>Where a request is relayed to.</summary>
/// <param name="IsKubelet">Our client certificate is shown and the peer's must be signed by the cluster.</param>
internal sealed record ProxyTarget(string Scheme, string Host, int Port, bool IsKubelet)
{
    public bool IsTls => Scheme == "https";
    public string Authority => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
    public override string ToString() => $"{Scheme}://{Authority}";
}

/// <summary>Finds the kubelet of a node and the containers of a pod in the stored objects.</summary>
internal sealed class NodeLocator(IObjectReader objects)
{
    private const int DefaultKubeletPort = 10250;

    private static readonly string[] AddressTypes = ["InternalIP", "Hostname", "InternalDNS", "ExternalDNS", "ExternalIP"];

    public ProxyTarget Kubelet(string nodeName)
    {
        var node = objects.Get(CoreResources.Nodes, "", nodeName) ?? throw ApiException.NotFound(CoreResources.Nodes, nodeName);
        return Kubelet(node, nodeName);
    }

    public ProxyTarget KubeletOf(JsonObject pod)
    {
        var nodeName = pod.Obj("spec").Str("nodeName");
        if (nodeName.Length == 0) throw ApiException.BadRequest($"pod {pod.Name()} does not have a host assigned");
        var node = objects.Get(CoreResources.Nodes, "", nodeName)
            ?? throw ApiException.Internal($"the node {nodeName} of pod {pod.Name()} is not known");
        return Kubelet(node, nodeName);
    }

    public JsonObject Pod(string ns, string name) => objects.Get(CoreResources.Pods, ns, name) ?? throw ApiException.NotFound(CoreResources.Pods, name);

    /// <summary>The container asked for, or the only one.</summary>
    public static string Container(JsonObject pod, string? asked)
    {
        var spec = pod.Obj("spec");
        List<string> containers = [.. spec.Items("containers").Select(c => c.Str("name"))];
        List<string> others = [.. spec.Items("initContainers").Select(c => c.Str("name"))];
        List<string> ephemeral = [.. spec.Items("ephemeralContainers").Select(c => c.Str("name"))];
        if (!string.IsNullOrEmpty(asked))
        {
            return containers.Contains(asked) || others.Contains(asked) || ephemeral.Contains(asked)
                ? asked
                : throw ApiException.BadRequest($"container {asked} is not valid for pod {pod.Name()}");
        }
        if (containers.Count == 1) return containers[0];
        if (containers.Count == 0) throw ApiException.BadRequest($"a container name must be specified for pod {pod.Name()}");
        var message = $"a container name must be specified for pod {pod.Name()}, choose one of: [{string.Join(' ', containers)}]";
        if (others.Count > 0) message += $" or one of the init containers: [{string.Join(' ', others)}]";
        throw ApiException.BadRequest(message);
    }

    private static ProxyTarget Kubelet(JsonObject node, string name)
    {
        var status = node.Obj("status");
        var port = (int)status.Obj("daemonEndpoints", "kubeletEndpoint").Long("Port");
        foreach (var type in AddressTypes)
        {
            foreach (var address in status.Items("addresses"))
            {
                if (address.Str("type") == type) return new ProxyTarget("https", address.Str("address"), port > 0 ? port : DefaultKubeletPort, IsKubelet: true);
            }
        }
        throw ApiException.Internal(string.Create(CultureInfo.InvariantCulture, $"no preferred addresses found for node {name}; known addresses: []"));
    }
}
