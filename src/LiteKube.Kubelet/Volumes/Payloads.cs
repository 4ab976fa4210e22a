using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Kubelet.Environment;

namespace LiteKube.Kubelet.Volumes;

/// <summary>What an API-data volume holds, and when a token in it must be made anew.</summary>
internal sealed record VolumePayload(Dictionary<string, FileProjection> Files, DateTimeOffset? RefreshAt = null);

/// <summary>A volume's contents cannot be made; every cause in the kubelet's words.</summary>
internal sealed class PayloadException(IReadOnlyList<string> causes) : Exception(causes.Count == 1 ? causes[0] : $"[{string.Join(", ", causes)}]");

/// <summary>Makes the files of configMap, secret, downwardAPI and projected volumes.</summary>
internal sealed class Payloads(IPodObjects objects, ServiceAccountTokens tokens, Func<IDictionary<string, ResourceQuantity>?> nodeAllocatable)
{
    private const int DefaultMode = 0x1A4; // 0644
    private const int PrivateMode = 0x180; // 0600

    public static bool IsApiData(V1Volume volume) => volume.ConfigMap is not null || volume.Secret is not null || volume.DownwardAPI is not null || volume.Projected is not null;

    /// <exception cref="PayloadException">Something is missing.</exception>
    /// <exception cref="KubeApiException">The API server refused.</exception>
    public async Task<VolumePayload> MakeAsync(V1Pod pod, V1Volume volume, CancellationToken cancellationToken)
    {
        var build = new Build(this, pod);
        if (volume.ConfigMap is { } configMap)
            await build.AddConfigMapAsync(configMap.Name, configMap.Items, configMap.Optional, configMap.DefaultMode ?? DefaultMode, cancellationToken);
        else if (volume.Secret is { } secret)
            await build.AddSecretAsync(secret.SecretName, secret.Items, secret.Optional, secret.DefaultMode ?? DefaultMode, cancellationToken);
        else if (volume.DownwardAPI is { } downward)
            build.AddDownward(downward.Items, downward.DefaultMode ?? DefaultMode);
        else
            await build.AddProjectedAsync(volume.Projected, cancellationToken);
        return build.Finish();
    }

    private sealed class Build(Payloads owner, V1Pod pod)
    {
        private readonly Dictionary<string, FileProjection> _files = new(StringComparer.Ordinal);
        private readonly List<string> _errors = [];
        private DateTimeOffset? _refreshAt;

        public VolumePayload Finish() => _errors.Count == 0 ? new VolumePayload(_files, _refreshAt) : throw new PayloadException(_errors);

        public async Task AddProjectedAsync(V1ProjectedVolumeSource source, CancellationToken cancellationToken)
        {
            var mode = source.DefaultMode ?? DefaultMode;
            foreach (var part in source.Sources ?? [])
            {
                if (part.ConfigMap is { } configMap)
                    await AddConfigMapAsync(configMap.Name, configMap.Items, configMap.Optional, mode, cancellationToken);
                else if (part.Secret is { } secret)
                    await AddSecretAsync(secret.Name, secret.Items, secret.Optional, mode, cancellationToken);
                else if (part.DownwardAPI is { } downward)
                    AddDownward(downward.Items, mode);
                else if (part.ServiceAccountToken is { } token)
                    await AddTokenAsync(token, mode, cancellationToken);
                else if (part.ClusterTrustBundle is not null)
                    _errors.Add("ClusterTrustBundle projection is not supported in this kubelet");
                else if (part.PodCertificate is not null)
                    _errors.Add("PodCertificate projection is not supported in this kubelet");
            }
        }

        public async Task AddConfigMapAsync(string name, IList<V1KeyToPath>? items, bool? optional, int mode, CancellationToken cancellationToken)
        {
            var configMap = await owner.Objects.FindConfigMapAsync(pod.Metadata.NamespaceProperty, name, cancellationToken);
            if (configMap is null && optional != true)
            {
                _errors.Add($"configmap \"{name}\" not found");
                return;
            }
            var data = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
            foreach (var (key, value) in configMap?.Data ?? new Dictionary<string, string>())
                data[key] = Encoding.UTF8.GetBytes(value);
            foreach (var (key, value) in configMap?.BinaryData ?? new Dictionary<string, byte[]>())
                data[key] = value;
            AddKeys(data, items, optional == true, mode, "configmap references non-existent config key: ");
        }

        public async Task AddSecretAsync(string name, IList<V1KeyToPath>? items, bool? optional, int mode, CancellationToken cancellationToken)
        {
            var secret = await owner.Objects.FindSecretAsync(pod.Metadata.NamespaceProperty, name, cancellationToken);
            if (secret is null && optional != true)
            {
                _errors.Add($"secret \"{name}\" not found");
                return;
            }
            var data = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
            foreach (var (key, value) in secret?.Data ?? new Dictionary<string, byte[]>())
                data[key] = value;
            AddKeys(data, items, optional == true, mode, "references non-existent secret key: ");
        }

        public void AddDownward(IList<V1DownwardAPIVolumeFile>? items, int mode)
        {
            foreach (var item in items ?? [])
            {
                try
                {
                    var text = item.FieldRef is { } field
                        ? FieldPaths.Read(pod, field.FieldPath)
                        : ResourceFields.Read(pod, null, item.ResourceFieldRef, owner.NodeAllocatable());
                    _files[item.Path] = new FileProjection(Encoding.UTF8.GetBytes(text), item.Mode ?? mode);
                }
                catch (FormatException e)
                {
                    _errors.Add(e.Message);
                }
            }
        }

        private void AddKeys(Dictionary<string, ReadOnlyMemory<byte>> data, IList<V1KeyToPath>? items, bool optional, int mode, string missing)
        {
            if (items is not { Count: > 0 })
            {
                foreach (var (key, value) in data)
                    _files[key] = new FileProjection(value, mode);
                return;
            }
            foreach (var item in items)
            {
                if (data.TryGetValue(item.Key, out var value))
                    _files[item.Path] = new FileProjection(value, item.Mode ?? mode);
                else if (!optional)
                    _errors.Add(missing + item.Key);
            }
        }

        private async Task AddTokenAsync(V1ServiceAccountTokenProjection source, int mode, CancellationToken cancellationToken)
        {
            var user = VolumeOwnership.CommonUser(pod.Spec);
            // Whoever else is in the pod has no use for it; with an fsGroup the group's permission follows from that.
            if (user is not null || pod.Spec.SecurityContext?.FsGroup is not null)
                mode = PrivateMode;
            try
            {
                var token = await owner.Tokens.GetAsync(pod, source, cancellationToken);
                _files[source.Path] = new FileProjection(Encoding.UTF8.GetBytes(token.Text), mode, user);
                if (_refreshAt is null || token.RefreshAt < _refreshAt)
                    _refreshAt = token.RefreshAt;
            }
            catch (KubeApiException e)
            {
                _errors.Add($"failed to fetch token: {e.Message}");
            }
        }
    }

    private IPodObjects Objects => objects;
    private ServiceAccountTokens Tokens => tokens;
    private IDictionary<string, ResourceQuantity>? NodeAllocatable() => nodeAllocatable();
}
