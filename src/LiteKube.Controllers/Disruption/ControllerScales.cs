using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Disruption;

/// <summary>How many pods the controllers of some pods want.</summary>
/// <param name="Unmanaged">Pods that no controller stands behind.</param>
/// <param name="IsRead">Some controllers are of kinds that are only known by their scale subresource: their changes bring no event.</param>
internal sealed record ExpectedScale(int Count, IReadOnlyList<string> Unmanaged, bool IsRead);

/// <summary>Finds the scale that is wanted for pods: of the built-in controllers from the informers, of all others from their scale subresource.</summary>
internal sealed class ControllerScales(IKubeClient client, ISharedInformers informers)
{
    private readonly IInformer<V1ReplicationController> _replicationControllers = informers.Get<V1ReplicationController>();
    private readonly IInformer<V1ReplicaSet> _replicaSets = informers.Get<V1ReplicaSet>();
    private readonly IInformer<V1Deployment> _deployments = informers.Get<V1Deployment>();
    private readonly IInformer<V1StatefulSet> _statefulSets = informers.Get<V1StatefulSet>();

    /// <exception cref="InvalidOperationException">A controller is not there or has no scale; in Kubernetes' words.</exception>
    /// <exception cref="KubeApiException">A scale could not be read.</exception>
    public async Task<ExpectedScale> FindAsync(IReadOnlyCollection<V1Pod> pods, CancellationToken cancellationToken)
    {
        var scales = new Dictionary<string, int>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var unmanaged = new List<string>();
        var isRead = false;
        foreach (var pod in pods)
        {
            if (pod.Controller() is not { } owner)
            {
                unmanaged.Add(pod.Metadata.Name);
                continue;
            }
            if (!seen.Add(owner.Uid))
                continue;
            if (FindKnown(owner, pod.Metadata.NamespaceProperty) is { } known)
            {
                scales[known.Uid] = known.Replicas;
                continue;
            }
            isRead = true;
            var read = await ReadAsync(owner, pod.Metadata.NamespaceProperty, cancellationToken) ?? throw new InvalidOperationException($"found no controllers for pod \"{pod.Metadata.Name}\"");
            scales[owner.Uid] = read;
        }
        return new ExpectedScale(scales.Values.Sum(), unmanaged, isRead);
    }

    private (string Uid, int Replicas)? FindKnown(V1OwnerReference owner, string ns)
    {
        var group = Group(owner.ApiVersion);
        switch (owner.Kind)
        {
            case "ReplicationController" when group.Length == 0:
                return _replicationControllers.Find(ns, owner.Name) is { } controller && controller.Metadata.Uid == owner.Uid ? (owner.Uid, controller.Spec.Replicas ?? 1) : null;
            case "StatefulSet" when group == "apps":
                return _statefulSets.Find(ns, owner.Name) is { } stateful && stateful.Metadata.Uid == owner.Uid ? (owner.Uid, stateful.Spec.Replicas ?? 1) : null;
            case "ReplicaSet" when group is "apps" or "extensions":
                if (_replicaSets.Find(ns, owner.Name) is not { } set || set.Metadata.Uid != owner.Uid)
                    return null;
                // The sets of a Deployment are parts of its scale, whatever theirs is in the middle of a rollout.
                if (set.Controller() is not { Kind: "Deployment" } top)
                    return (owner.Uid, set.Spec.Replicas ?? 1);
                return _deployments.Find(ns, top.Name) is { } deployment && deployment.Metadata.Uid == top.Uid ? (top.Uid, deployment.Spec.Replicas ?? 1) : null;
            default:
                return null;
        }
    }

    /// <returns>Null when there is no such object.</returns>
    private async Task<int?> ReadAsync(V1OwnerReference owner, string ns, CancellationToken cancellationToken)
    {
        var (group, version) = (Group(owner.ApiVersion), owner.ApiVersion[(owner.ApiVersion.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        var resources = await ApiDiscovery.ReadAllAsync(client.Transport, group, version, cancellationToken);
        var resource = resources.FirstOrDefault(r => r.Kind == owner.Kind && !r.Resource.Contains('/', StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"no matches for kind \"{owner.Kind}\" in version \"{owner.ApiVersion}\"");
        if (!resources.Any(r => r.Resource == resource.Resource + "/scale"))
            throw new InvalidOperationException($"{resource.GroupResource} does not implement the scale subresource");
        try
        {
            using var scale = JsonDocument.Parse(await client.Transport.GetAsync(resource.Path(ns, owner.Name) + "/scale", cancellationToken));
            if (scale.RootElement.GetProperty("metadata").GetProperty("uid").GetString() != owner.Uid)
                return null;
            // Zero is left out.
            return scale.RootElement.TryGetProperty("spec", out var spec) && spec.TryGetProperty("replicas", out var replicas) ? replicas.GetInt32() : 0;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private static string Group(string apiVersion) => apiVersion.IndexOf('/', StringComparison.Ordinal) is var cut && cut < 0 ? "" : apiVersion[..cut];
}
