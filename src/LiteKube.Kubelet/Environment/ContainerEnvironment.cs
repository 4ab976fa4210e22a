using System.Text;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Kubelet.Environment;

/// <summary>Builds environments the way the kubelet does: envFrom, then env in order, then what is left of the service variables.</summary>
public sealed class ContainerEnvironment(IPodObjects objects, IInformer<V1Service> services, KubeletOptions options, Func<IDictionary<string, ResourceQuantity>?> nodeAllocatable) : IContainerEnvironment
{
    private const string EmptyDirFolder = "kubernetes.io~empty-dir";

    public async Task<ContainerEnv> BuildAsync(V1Pod pod, V1Container container, IReadOnlyList<string> podIps, IReadOnlyList<string> hostIps, CancellationToken cancellationToken)
    {
        // Without this a pod that starts with the node could miss KUBERNETES_SERVICE_HOST for its whole life.
        await services.WaitForSyncAsync(cancellationToken);
        var serviceVariables = ServiceEnvironment.For(pod.Metadata.NamespaceProperty, pod.Spec.EnableServiceLinks ?? true, services.List());
        var build = new Build(this, pod, container, podIps, hostIps, serviceVariables);
        try
        {
            foreach (var source in container.EnvFrom ?? [])
                await build.AddFromAsync(source, cancellationToken);
            foreach (var variable in container.Env ?? [])
                await build.AddAsync(variable, cancellationToken);
        }
        catch (Exception e) when (e is KubeApiException or TimeoutException or FormatException)
        {
            throw new ConfigException(e.Message, e);
        }
        return build.Finish();
    }

    private sealed class Build(ContainerEnvironment owner, V1Pod pod, V1Container container, IReadOnlyList<string> podIps, IReadOnlyList<string> hostIps, IReadOnlyList<KeyValuePair<string, string>> serviceVariables)
    {
        private readonly Dictionary<string, string> _services = ToMap(serviceVariables);
        private readonly OrderedDictionary<string, string> _variables = new(StringComparer.Ordinal);

        private string Namespace => pod.Metadata.NamespaceProperty;

        public async Task AddFromAsync(V1EnvFromSource source, CancellationToken cancellationToken)
        {
            if (source.ConfigMapRef is { } configMapRef)
            {
                var configMap = await ConfigMapAsync(configMapRef.Name, configMapRef.Optional, cancellationToken);
                foreach (var (key, value) in Sorted(configMap?.Data))
                    _variables[source.Prefix + key] = value;
            }
            else if (source.SecretRef is { } secretRef)
            {
                var secret = await SecretAsync(secretRef.Name, secretRef.Optional, cancellationToken);
                foreach (var (key, value) in Sorted(secret?.Data))
                    _variables[source.Prefix + key] = Encoding.UTF8.GetString(value);
            }
        }

        public async Task AddAsync(V1EnvVar variable, CancellationToken cancellationToken)
        {
            var value = string.IsNullOrEmpty(variable.Value) && variable.ValueFrom is { } source
                ? await ReadAsync(source, cancellationToken)
                : VariableExpansion.Expand(variable.Value ?? "", Find);
            if (value is not null)
                _variables[variable.Name] = value;
        }

        public ContainerEnv Finish()
        {
            foreach (var (name, value) in serviceVariables)
                _variables.TryAdd(name, value);
            return new ContainerEnv(
                [.. _variables],
                [.. (container.Command ?? []).Select(c => VariableExpansion.Expand(c, Find))],
                [.. (container.Args ?? []).Select(a => VariableExpansion.Expand(a, Find))]);
        }

        private string? Find(string name) => _variables.TryGetValue(name, out var own) ? own : _services.GetValueOrDefault(name);

        /// <summary>Null: an optional source is not there, the variable stays unset.</summary>
        private async Task<string?> ReadAsync(V1EnvVarSource source, CancellationToken cancellationToken)
        {
            if (source.FieldRef is { } field)
                return FieldPaths.Read(pod, field.FieldPath, podIps, hostIps);
            if (source.ResourceFieldRef is { } resource)
                return ResourceFields.Read(pod, container, resource, owner.NodeAllocatable());
            if (source.ConfigMapKeyRef is { } configMapKey)
                return await ReadAsync(configMapKey, cancellationToken);
            if (source.SecretKeyRef is { } secretKey)
                return await ReadAsync(secretKey, cancellationToken);
            if (source.FileKeyRef is { } fileKey)
                return owner.ReadFileKey(pod, fileKey);
            return "";
        }

        private async Task<string?> ReadAsync(V1ConfigMapKeySelector selector, CancellationToken cancellationToken)
        {
            var configMap = await ConfigMapAsync(selector.Name, selector.Optional, cancellationToken);
            if (configMap is null)
                return null;
            if (configMap.Data is not null && configMap.Data.TryGetValue(selector.Key, out var value))
                return value;
            return selector.Optional == true ? null : throw new ConfigException($"couldn't find key {selector.Key} in ConfigMap {Namespace}/{selector.Name}");
        }

        private async Task<string?> ReadAsync(V1SecretKeySelector selector, CancellationToken cancellationToken)
        {
            var secret = await SecretAsync(selector.Name, selector.Optional, cancellationToken);
            if (secret is null)
                return null;
            if (secret.Data is not null && secret.Data.TryGetValue(selector.Key, out var value))
                return Encoding.UTF8.GetString(value);
            return selector.Optional == true ? null : throw new ConfigException($"couldn't find key {selector.Key} in Secret {Namespace}/{selector.Name}");
        }

        private async Task<V1ConfigMap?> ConfigMapAsync(string name, bool? optional, CancellationToken cancellationToken)
        {
            var configMap = await owner.Objects.FindConfigMapAsync(Namespace, name, cancellationToken);
            return configMap is not null || optional == true ? configMap : throw new ConfigException($"configmap \"{name}\" not found");
        }

        private async Task<V1Secret?> SecretAsync(string name, bool? optional, CancellationToken cancellationToken)
        {
            var secret = await owner.Objects.FindSecretAsync(Namespace, name, cancellationToken);
            return secret is not null || optional == true ? secret : throw new ConfigException($"secret \"{name}\" not found");
        }

        private static IEnumerable<KeyValuePair<string, T>> Sorted<T>(IDictionary<string, T>? data) =>
            data is null ? [] : data.OrderBy(p => p.Key, StringComparer.Ordinal);

        private static Dictionary<string, string> ToMap(IReadOnlyList<KeyValuePair<string, string>> variables)
        {
            var map = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (name, value) in variables)
                map[name] = value;
            return map;
        }
    }

    private IPodObjects Objects => objects;
    private IDictionary<string, ResourceQuantity>? NodeAllocatable() => nodeAllocatable();
    private string? ReadFileKey(V1Pod pod, V1FileKeySelector selector) =>
        EnvFiles.Read(Path.Combine(options.PodVolumesDir(pod.Metadata.Uid), EmptyDirFolder, selector.VolumeName), selector);
}
