using System.Collections.Concurrent;
using k8s;
using k8s.Models;

namespace LiteKube.Client;

/// <summary>
/// An informer's objects and indexes: one writer, any number of readers. A listing is an array built once after a change
/// and handed to every reader until the next; its order depends on nothing but what happened.
/// </summary>
internal sealed class ObjectStore<T> where T : class, IKubernetesObject<V1ObjectMeta>
{
    private const string NamespaceIndex = "namespace";
    private readonly Dictionary<ObjectKey, T> _objects = [];
    private readonly ConcurrentDictionary<string, Index> _indexes = new(StringComparer.Ordinal);
    private readonly Lock _write = new();
    private volatile T[]? _all;

    public ObjectStore()
    {
        if (KindOf<T>.Info.Namespaced)
            _indexes[NamespaceIndex] = new Index(value => [value.Metadata.NamespaceProperty ?? ""]);
    }

    public int Count
    {
        get
        {
            lock (_write)
                return _objects.Count;
        }
    }

    public T? Find(ObjectKey key)
    {
        lock (_write)
            return _objects.GetValueOrDefault(key);
    }

    public IReadOnlyCollection<T> List(string? ns)
    {
        if (ns is not null && KindOf<T>.Info.Namespaced)
            return ByIndex(NamespaceIndex, ns);
        if (_all is { } all)
            return all;
        lock (_write)
            return _all = [.. _objects.Values];
    }

    public IReadOnlyCollection<T> ByIndex(string index, string key) => IndexOf(index).Find(key, _write);

    public int CountByIndex(string index, string key) => IndexOf(index).Count(key, _write);

    private Index IndexOf(string name) =>
        _indexes.TryGetValue(name, out var index) ? index : throw new ArgumentException($"the informer of {KindOf<T>.Info.Kind} has no index \"{name}\"", nameof(name));

    /// <summary>Adding the same name again changes nothing: several components share one informer.</summary>
    public void AddIndex(string name, Func<T, IEnumerable<string>> keys)
    {
        lock (_write)
        {
            if (_indexes.ContainsKey(name))
                return;
            var index = new Index(keys);
            foreach (var (key, value) in _objects)
                index.Replace(key, null, value);
            _indexes[name] = index;
        }
    }

    /// <returns>What was there before.</returns>
    public T? Set(ObjectKey key, T value)
    {
        lock (_write)
        {
            _objects.TryGetValue(key, out var old);
            _objects[key] = value;
            foreach (var index in _indexes.Values)
                index.Replace(key, old, value);
            _all = null;
            return old;
        }
    }

    public T? Remove(ObjectKey key)
    {
        lock (_write)
        {
            if (!_objects.Remove(key, out var old))
                return null;
            foreach (var index in _indexes.Values)
                index.Replace(key, old, null);
            _all = null;
            return old;
        }
    }

    public ObjectKey[] Keys()
    {
        lock (_write)
            return [.. _objects.Keys];
    }

    private sealed class Index(Func<T, IEnumerable<string>> keys)
    {
        private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);

        public IReadOnlyCollection<T> Find(string key, Lock write)
        {
            if (!_buckets.TryGetValue(key, out var bucket))
                return [];
            if (bucket.Snapshot is { } snapshot)
                return snapshot;
            lock (write)
                return bucket.Snapshot = [.. bucket.Objects.Values];
        }

        public int Count(string key, Lock write)
        {
            if (!_buckets.TryGetValue(key, out var bucket))
                return 0;
            lock (write)
                return bucket.Objects.Count;
        }

        public void Replace(ObjectKey key, T? old, T? value)
        {
            if (old is not null)
            {
                foreach (var indexKey in keys(old))
                {
                    if (!_buckets.TryGetValue(indexKey, out var bucket))
                        continue;
                    bucket.Objects.Remove(key);
                    bucket.Snapshot = null;
                    if (bucket.Objects.Count == 0)
                        _buckets.TryRemove(indexKey, out _);
                }
            }
            if (value is null)
                return;
            foreach (var indexKey in keys(value))
            {
                var bucket = _buckets.GetOrAdd(indexKey, static _ => new Bucket());
                bucket.Objects[key] = value;
                bucket.Snapshot = null;
            }
        }
    }

    private sealed class Bucket
    {
        private volatile T[]? _snapshot;
        public Dictionary<ObjectKey, T> Objects { get; } = [];
        public T[]? Snapshot { get => _snapshot; set => _snapshot = value; }
    }
}
