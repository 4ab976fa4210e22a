using k8s;
using k8s.Models;

namespace LiteKube.Client;

/// <summary>
/// A local, always-current read-only copy of one kind, kept by list and watch with recovery from expired versions
/// and dropped connections. One per kind and process (<see cref="SharedInformers"/>); objects are decoded once and
/// shared by all readers, who must not change them.
/// </summary>
public interface IInformer<T> where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The first list has been taken in and handed to every handler.</summary>
    bool HasSynced { get; }

    Task WaitForSyncAsync(CancellationToken cancellationToken);

    /// <summary>Every change up to this resource version is in the copy; 0 before the first list. Versions of one resource only grow (KEP-5504).</summary>
    ulong Version { get; }

    T? Find(ObjectKey key);
    T? Find(string ns, string name) => Find(new ObjectKey(ns, name));

    /// <summary>A snapshot of all objects, or of one namespace.</summary>
    IReadOnlyCollection<T> List(string? ns = null);

    /// <summary>Registers an index (before start): objects by the strings that <paramref name="keys"/> gives.</summary>
    void AddIndex(string name, Func<T, IEnumerable<string>> keys);

    IReadOnlyCollection<T> ByIndex(string index, string key);

    /// <summary>How many <see cref="ByIndex"/> would give, without listing them.</summary>
    int CountByIndex(string index, string key) => ByIndex(index, key).Count;

    /// <summary>Handlers run one after another on the informer's own loop, in event order; they must be quick (enqueue a key). One that comes late first gets an added event for each object that is there. Dispose to remove.</summary>
    IDisposable AddHandler(InformerHandler<T> handler);
}

/// <param name="OnUpdate">Old and new; also called with two equal versions on a relist.</param>
/// <param name="OnDelete">The last known state (after a dropped watch it may be old).</param>
public sealed record InformerHandler<T>(Action<T>? OnAdd = null, Action<T, T>? OnUpdate = null, Action<T>? OnDelete = null);

/// <summary>One informer per kind (and selector) for the whole process, started on first use.</summary>
public interface ISharedInformers
{
    /// <param name="fieldSelector">Keeps only these objects, such as <c>metadata.name=kube-root-ca.crt</c>: who needs few of a kind of which there may be many.</param>
    IInformer<T> Get<T>(string? fieldSelector = null) where T : class, IKubernetesObject<V1ObjectMeta>;
}
