using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

internal enum PodReferenceKind
{
    Secret,
    ConfigMap,
    PersistentVolumeClaim,
    ServiceAccount,
    Pod,
}

internal readonly record struct PodReference(PodReferenceKind Kind, string Namespace, string Name);

/// <summary>Which objects the pods of each node refer to, counted, so that the last pod's going takes the right away.</summary>
internal sealed class NodePodGraph : IDisposable
{
    private const string MirrorAnnotation = "kubernetes.io/config.mirror";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<PodReference, int>> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Namespace, string Name), (string Node, HashSet<PodReference> References)> _pods = [];
    private readonly IDisposable _subscription;

    public NodePodGraph(IObjectReader objects) => _subscription = objects.Subscribe(CoreResources.Pods, OnPod, Concerns);

    public void Dispose() => _subscription.Dispose();

    public bool Refers(string node, PodReference reference)
    {
        lock (_lock)
            return _nodes.TryGetValue(node, out var references) && references.ContainsKey(reference);
    }

    public IReadOnlyList<PodReference> References(string node, PodReferenceKind kind)
    {
        lock (_lock)
            return _nodes.TryGetValue(node, out var references) ? [.. references.Keys.Where(r => r.Kind == kind)] : [];
    }

    /// <summary>
    /// Only the spec names objects, and only once there is a node: most writes of a pod are of its status, and are told
    /// apart without building its tree.
    /// </summary>
    internal static bool Concerns(ReadOnlyMemory<byte> now, ReadOnlyMemory<byte> old)
    {
        var (hasNode, hadNode) = (HasNode(now.Span), HasNode(old.Span));
        if (!hasNode || !hadNode)
            return hasNode || hadNode;
        Read(now.Span, out var uid, out var spec);
        Read(old.Span, out var oldUid, out var oldSpec);
        return !uid.SequenceEqual(oldUid) || !spec.SequenceEqual(oldSpec);
    }

    // The quote before it tells it from the owner's mark "f:nodeName"; another field of this name only costs a closer look.
    private static bool HasNode(ReadOnlySpan<byte> pod) => pod.IndexOf("\"nodeName\":"u8) >= 0;

    private static void Read(ReadOnlySpan<byte> pod, out ReadOnlySpan<byte> uid, out ReadOnlySpan<byte> spec)
    {
        uid = spec = default;
        var reader = new Utf8JsonReader(pod);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isMetadata, isSpec) = (reader.ValueTextEquals("metadata"u8), reader.ValueTextEquals("spec"u8));
            reader.Read();
            if (isMetadata && reader.TokenType == JsonTokenType.StartObject)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var isUid = reader.ValueTextEquals("uid"u8);
                    reader.Read();
                    if (isUid)
                        uid = reader.ValueSpan;
                    reader.Skip();
                }
                continue;
            }
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isSpec)
            {
                spec = pod[start..(int)reader.BytesConsumed];
                return;
            }
        }
    }

    private void OnPod(JsonObject? now, JsonObject? old)
    {
        var pod = (now ?? old)!;
        var key = (pod.MetaNamespace(), pod.MetaName());
        var node = now.Obj("spec").Str("nodeName");
        lock (_lock)
        {
            if (_pods.Remove(key, out var before))
                Release(before.Node, before.References);
            if (now is null || node.Length == 0)
                return;
            var references = PodReferences.Of(now);
            // A node makes mirror pods itself: what they name must not give it rights.
            if (now.Annotations().ContainsKey(MirrorAnnotation))
                references.Clear();
            references.Add(new(PodReferenceKind.Pod, key.Item1, key.Item2));
            _pods[key] = (node, references);
            if (!_nodes.TryGetValue(node, out var counts))
                _nodes[node] = counts = [];
            foreach (var reference in references)
                counts[reference] = counts.GetValueOrDefault(reference) + 1;
        }
    }

    private void Release(string node, HashSet<PodReference> references)
    {
        var counts = _nodes[node];
        foreach (var reference in references)
        {
            if (--counts[reference] == 0)
                counts.Remove(reference);
        }
        if (counts.Count == 0)
            _nodes.Remove(node);
    }
}

/// <summary>Everything that a pod's spec names in its namespace.</summary>
internal static class PodReferences
{
    public static HashSet<PodReference> Of(JsonObject pod)
    {
        var found = new HashSet<PodReference>();
        var (ns, spec) = (pod.MetaNamespace(), pod.Obj("spec"));
        Add(PodReferenceKind.ServiceAccount, spec.Str("serviceAccountName"));
        foreach (var secret in spec.Items("imagePullSecrets"))
            Add(PodReferenceKind.Secret, secret.Str("name"));
        foreach (var container in Containers(spec))
        {
            foreach (var source in container.Items("envFrom"))
            {
                Add(PodReferenceKind.Secret, source.Obj("secretRef").Str("name"));
                Add(PodReferenceKind.ConfigMap, source.Obj("configMapRef").Str("name"));
            }
            foreach (var variable in container.Items("env"))
            {
                Add(PodReferenceKind.Secret, variable.Obj("valueFrom", "secretKeyRef").Str("name"));
                Add(PodReferenceKind.ConfigMap, variable.Obj("valueFrom", "configMapKeyRef").Str("name"));
            }
        }
        foreach (var volume in spec.Items("volumes"))
            AddVolume(volume);
        return found;

        void AddVolume(JsonObject volume)
        {
            Add(PodReferenceKind.Secret, volume.Obj("secret").Str("secretName"));
            Add(PodReferenceKind.ConfigMap, volume.Obj("configMap").Str("name"));
            Add(PodReferenceKind.PersistentVolumeClaim, volume.Obj("persistentVolumeClaim").Str("claimName"));
            if (volume.Has("ephemeral"))
                Add(PodReferenceKind.PersistentVolumeClaim, $"{pod.MetaName()}-{volume.Str("name")}");
            foreach (var source in volume.Obj("projected").Items("sources"))
            {
                Add(PodReferenceKind.Secret, source.Obj("secret").Str("name"));
                Add(PodReferenceKind.ConfigMap, source.Obj("configMap").Str("name"));
            }
            Add(PodReferenceKind.Secret, volume.Obj("azureFile").Str("secretName"));
            Add(PodReferenceKind.Secret, volume.Obj("csi", "nodePublishSecretRef").Str("name"));
            foreach (var type in (string[])["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"])
                Add(PodReferenceKind.Secret, volume.Obj(type, "secretRef").Str("name"));
        }

        void Add(PodReferenceKind kind, string name)
        {
            if (name.Length > 0)
                found.Add(new(kind, ns, name));
        }
    }

    public static IEnumerable<JsonObject> Containers(JsonObject? spec) =>
        spec.Items("initContainers").Concat(spec.Items("containers")).Concat(spec.Items("ephemeralContainers"));
}
