using k8s.Models;
using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Environment;

/// <summary>Follows the ConfigMaps and Secrets that the pods of this node name in volumes and variables.</summary>
public sealed class PodObjects : IPodObjects, IDisposable
{
    private readonly ReferencedObjects<V1ConfigMap> _configMaps;
    private readonly ReferencedObjects<V1Secret> _secrets;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, PodReferences> _pods = new(StringComparer.Ordinal);

    public PodObjects(IKubeClient client, ILoggerFactory loggers, TimeProvider time)
    {
        var logger = loggers.CreateLogger<PodObjects>();
        _configMaps = new(client, "configmap", c => c.Immutable == true, key => Tell(_configMaps!.UsersOf(key)), time, logger);
        _secrets = new(client, "secret", s => s.Immutable == true, key => Tell(_secrets!.UsersOf(key)), time, logger);
    }

    /// <summary>Something that the pod with this uid names was created, changed or deleted. Handlers must be quick.</summary>
    public event Action<string>? Changed;

    /// <summary>Follows from now on what the pod names; a newer version of the pod replaces the older.</summary>
    public void Register(V1Pod pod)
    {
        var uid = pod.Metadata.Uid;
        var now = PodReferences.Of(pod);
        PodReferences? before;
        lock (_lock)
        {
            _pods.TryGetValue(uid, out before);
            _pods[uid] = now;
        }
        // Added before the old ones go, so that what both name keeps its watch.
        foreach (var key in now.ConfigMaps)
            _configMaps.AddUser(key, uid);
        foreach (var key in now.Secrets)
            _secrets.AddUser(key, uid);
        foreach (var key in before?.ConfigMaps.Except(now.ConfigMaps) ?? [])
            _configMaps.RemoveUser(key, uid);
        foreach (var key in before?.Secrets.Except(now.Secrets) ?? [])
            _secrets.RemoveUser(key, uid);
    }

    public void Unregister(string podUid)
    {
        PodReferences? before;
        lock (_lock)
            _pods.Remove(podUid, out before);
        foreach (var key in before?.ConfigMaps ?? [])
            _configMaps.RemoveUser(key, podUid);
        foreach (var key in before?.Secrets ?? [])
            _secrets.RemoveUser(key, podUid);
    }

    public Task<V1ConfigMap?> FindConfigMapAsync(string ns, string name, CancellationToken cancellationToken) => _configMaps.FindAsync(new(ns, name), cancellationToken);

    public Task<V1Secret?> FindSecretAsync(string ns, string name, CancellationToken cancellationToken) => _secrets.FindAsync(new(ns, name), cancellationToken);

    public void Dispose()
    {
        _configMaps.Dispose();
        _secrets.Dispose();
    }

    private void Tell(IReadOnlyList<string> podUids)
    {
        foreach (var uid in podUids)
            Changed?.Invoke(uid);
    }

    private sealed record PodReferences(HashSet<ObjectKey> ConfigMaps, HashSet<ObjectKey> Secrets)
    {
        public static PodReferences Of(V1Pod pod)
        {
            var result = new PodReferences([], []);
            var ns = pod.Metadata.NamespaceProperty;
            foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? []))
                result.AddEnvironment(ns, container.Env, container.EnvFrom);
            foreach (var container in pod.Spec.EphemeralContainers ?? [])
                result.AddEnvironment(ns, container.Env, container.EnvFrom);
            foreach (var volume in pod.Spec.Volumes ?? [])
                result.AddVolume(ns, volume);
            return result;
        }

        private void AddEnvironment(string ns, IList<V1EnvVar>? variables, IList<V1EnvFromSource>? sources)
        {
            foreach (var source in sources ?? [])
            {
                Add(ConfigMaps, ns, source.ConfigMapRef?.Name);
                Add(Secrets, ns, source.SecretRef?.Name);
            }
            foreach (var variable in variables ?? [])
            {
                Add(ConfigMaps, ns, variable.ValueFrom?.ConfigMapKeyRef?.Name);
                Add(Secrets, ns, variable.ValueFrom?.SecretKeyRef?.Name);
            }
        }

        private void AddVolume(string ns, V1Volume volume)
        {
            Add(ConfigMaps, ns, volume.ConfigMap?.Name);
            Add(Secrets, ns, volume.Secret?.SecretName);
            foreach (var source in volume.Projected?.Sources ?? [])
            {
                Add(ConfigMaps, ns, source.ConfigMap?.Name);
                Add(Secrets, ns, source.Secret?.Name);
            }
        }

        private static void Add(HashSet<ObjectKey> set, string ns, string? name)
        {
            if (!string.IsNullOrEmpty(name))
                set.Add(new ObjectKey(ns, name));
        }
    }
}
