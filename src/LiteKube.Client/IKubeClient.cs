using k8s;
using k8s.Models;

namespace LiteKube.Client;

/// <summary>
/// The typed API client that scheduler, controllers, kubelet and network use. <typeparamref name="T"/> is a model of
/// KubernetesClient.Aot; its resource comes from <c>[KubernetesEntity]</c>, its scope from the API catalog. Every
/// method throws <see cref="KubeApiException"/> with the server's Status.
/// </summary>
public interface IKubeClient
{
    Task<T> GetAsync<T>(string? ns, string name, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>All matching objects (pages are followed) and the list's resourceVersion.</summary>
    Task<KubeList<T>> ListAsync<T>(string? ns, ListOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    Task<T> CreateAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>PUT; conflicts when the object's resourceVersion is not the newest.</summary>
    Task<T> UpdateAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>PUT of the status subresource.</summary>
    Task<T> UpdateStatusAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    Task<T> PatchAsync<T>(string? ns, string name, KubePatch patch, string? subresource, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Deletes; an object that is already gone throws NotFound.</summary>
    Task DeleteAsync<T>(string? ns, string name, DeleteOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    Task DeleteCollectionAsync<T>(string? ns, ListOptions list, DeleteOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>One watch, until the server ends it. Informers are the usual way to watch.</summary>
    IAsyncEnumerable<KubeWatchEvent<T>> WatchAsync<T>(string? ns, WatchOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>POST to a subresource: pods/binding, pods/eviction, serviceaccounts/token. Body and answer are JSON bytes.</summary>
    Task<ReadOnlyMemory<byte>> CreateSubresourceAsync<T>(string? ns, string name, string subresource, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>What the typed methods stand on: for kinds known at run time only (garbage collector, namespace deletion, quota).</summary>
    IKubeTransport Transport { get; }
}

public sealed record KubeList<T>(IReadOnlyList<T> Items, string ResourceVersion);

public sealed record ListOptions(string? LabelSelector = null, string? FieldSelector = null, string? ResourceVersion = null);

public sealed record WatchOptions(string ResourceVersion, string? LabelSelector = null, string? FieldSelector = null, bool AllowBookmarks = true, TimeSpan? Timeout = null);

public sealed record DeleteOptions(long? GracePeriodSeconds = null, string? PropagationPolicy = null, string? PreconditionUid = null, string? PreconditionResourceVersion = null);

/// <summary>A patch body with its content type.</summary>
public sealed record KubePatch(string ContentType, ReadOnlyMemory<byte> Body)
{
    public static KubePatch Merge(ReadOnlyMemory<byte> body) => new("application/merge-patch+json", body);
    public static KubePatch StrategicMerge(ReadOnlyMemory<byte> body) => new("application/strategic-merge-patch+json", body);
    public static KubePatch Json(ReadOnlyMemory<byte> body) => new("application/json-patch+json", body);
}

public enum KubeWatchEventType
{
    Added,
    Modified,
    Deleted,
    Bookmark,
}

/// <param name="Object">For a bookmark only its resourceVersion is set.</param>
public readonly record struct KubeWatchEvent<T>(KubeWatchEventType Type, T Object);

/// <summary>Namespace and name of an object; the namespace is empty for cluster-scoped ones. Printed as "ns/name".</summary>
public readonly record struct ObjectKey(string Namespace, string Name)
{
    public static ObjectKey Of(IKubernetesObject<V1ObjectMeta> value) => new(value.Metadata.NamespaceProperty ?? "", value.Metadata.Name ?? "");
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}
