using k8s;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Network.Tests;

/// <summary>Informers whose content the test sets; handlers run on the caller.</summary>
internal sealed class FakeInformers : ISharedInformers
{
    private readonly Dictionary<Type, object> _informers = [];

    public FakeInformer<T> Of<T>() where T : class, IKubernetesObject<V1ObjectMeta>
    {
        lock (_informers)
        {
            if (!_informers.TryGetValue(typeof(T), out var informer))
                _informers.Add(typeof(T), informer = new FakeInformer<T>());
            return (FakeInformer<T>)informer;
        }
    }

    public IInformer<T> Get<T>(string? fieldSelector = null) where T : class, IKubernetesObject<V1ObjectMeta> => Of<T>();
}

internal sealed class FakeInformer<T> : IInformer<T> where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, T> _objects = [];
    private readonly List<InformerHandler<T>> _handlers = [];

    public bool HasSynced => true;
    public ulong Version => 0;
    public Task WaitForSyncAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public T? Find(ObjectKey key)
    {
        lock (_lock)
            return _objects.GetValueOrDefault(key);
    }

    public IReadOnlyCollection<T> List(string? ns = null)
    {
        lock (_lock)
            return _objects.Values.Where(o => ns is null || o.Metadata.NamespaceProperty == ns).ToList();
    }

    public void AddIndex(string name, Func<T, IEnumerable<string>> keys) => throw new NotSupportedException();
    public IReadOnlyCollection<T> ByIndex(string index, string key) => throw new NotSupportedException();

    public IDisposable AddHandler(InformerHandler<T> handler)
    {
        lock (_lock)
        {
            _handlers.Add(handler);
            foreach (var item in _objects.Values)
                handler.OnAdd?.Invoke(item);
        }
        return new Removal(() => _handlers.Remove(handler));
    }

    public void Set(params T[] items)
    {
        lock (_lock)
        {
            foreach (var item in items)
            {
                var old = _objects.GetValueOrDefault(ObjectKey.Of(item));
                _objects[ObjectKey.Of(item)] = item;
                foreach (var handler in _handlers)
                {
                    if (old is null)
                        handler.OnAdd?.Invoke(item);
                    else
                        handler.OnUpdate?.Invoke(old, item);
                }
            }
        }
    }

    public void Remove(T item)
    {
        lock (_lock)
        {
            if (_objects.Remove(ObjectKey.Of(item), out var old))
            {
                foreach (var handler in _handlers)
                    handler.OnDelete?.Invoke(old);
            }
        }
    }

    private sealed class Removal(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }
}
