using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Tests;

/// <summary>Objects by resource, with revisions and subscriptions, standing in for the registry.</summary>
internal sealed class InMemoryObjects : IObjectReader, IObjectWriter
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(GroupResource, string, string), JsonObject> _objects = [];
    private readonly List<(GroupResource Resource, Action<JsonObject?, JsonObject?> OnChange, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool>? Concerns)> _subscribers = [];
    private int _revision;

    public int Writes { get; private set; }

    public JsonObject? Get(GroupResource resource, string ns, string name)
    {
        lock (_lock)
            return _objects.GetValueOrDefault((resource, ns, name));
    }

    public IReadOnlyList<JsonObject> List(GroupResource resource, string? ns = null)
    {
        lock (_lock)
            return [.. _objects.Where(o => o.Key.Item1 == resource && (ns is null || o.Key.Item2 == ns)).Select(o => o.Value)];
    }

    public IDisposable Subscribe(GroupResource resource, Action<JsonObject?, JsonObject?> onChange, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool>? concerns = null)
    {
        lock (_lock)
        {
            foreach (var value in List(resource))
            {
                if (concerns?.Invoke(Bytes(value), default) != false)
                    onChange(value, null);
            }
            var subscriber = (resource, onChange, concerns);
            _subscribers.Add(subscriber);
            return new Unsubscription(() => _subscribers.Remove(subscriber));
        }
    }

    public IObjectChanges Follow(GroupResource resource, string ns) => new Changes(this, resource, ns);

    /// <summary>Stores what a YAML-less test writes as JSON.</summary>
    public JsonObject Put(string json)
    {
        var value = JsonNode.Parse(json)!.AsObject();
        Put(value);
        return value;
    }

    public void Put(JsonObject value)
    {
        lock (_lock)
        {
            var key = KeyOf(value);
            var metadata = value["metadata"]!.AsObject();
            metadata["uid"] ??= $"uid-{metadata["name"]}";
            metadata["resourceVersion"] = (++_revision).ToString(System.Globalization.CultureInfo.InvariantCulture);
            Writes++;
            _objects.TryGetValue(key, out var old);
            _objects[key] = value;
            Publish(key.Item1, value, old);
        }
    }

    public void Delete(GroupResource resource, string ns, string name)
    {
        lock (_lock)
        {
            if (_objects.Remove((resource, ns, name), out var old))
                Publish(resource, null, old);
        }
    }

    public Task<bool> EnsureAsync(JsonObject value, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_objects.ContainsKey(KeyOf(value)))
                return Task.FromResult(false);
            Put((JsonObject)value.DeepClone());
            return Task.FromResult(true);
        }
    }

    public async Task<JsonObject> CreateAsync(JsonObject value, CancellationToken cancellationToken) =>
        await EnsureAsync(value, cancellationToken) ? value : throw ApiException.AlreadyExists(KeyOf(value).Item1, value["metadata"]!["name"]!.GetValue<string>());

    public Task<JsonObject?> TryUpdateAsync(JsonObject value, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_objects.TryGetValue(KeyOf(value), out var stored) || stored["metadata"]!["resourceVersion"]!.GetValue<string>() != value["metadata"]!["resourceVersion"]?.GetValue<string>())
                return Task.FromResult<JsonObject?>(null);
            var copy = (JsonObject)value.DeepClone();
            Put(copy);
            return Task.FromResult<JsonObject?>(copy);
        }
    }

    public Task<JsonObject?> TryUpdateStatusAsync(JsonObject value, CancellationToken cancellationToken) => TryUpdateAsync(value, cancellationToken);

    public Task<bool> TryDeleteAsync(JsonObject value, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var (resource, ns, name) = KeyOf(value);
            if (!_objects.TryGetValue((resource, ns, name), out var stored) || stored["metadata"]!["resourceVersion"]!.GetValue<string>() != value["metadata"]!["resourceVersion"]?.GetValue<string>())
                return Task.FromResult(false);
            Delete(resource, ns, name);
            return Task.FromResult(true);
        }
    }

    private void Publish(GroupResource resource, JsonObject? now, JsonObject? old)
    {
        foreach (var subscriber in _subscribers.Where(s => s.Resource == resource).ToList())
        {
            if (subscriber.Concerns?.Invoke(Bytes(now), Bytes(old)) != false)
                subscriber.OnChange(now, old);
        }
    }

    private static ReadOnlyMemory<byte> Bytes(JsonObject? value) => value is null ? default : Encoding.UTF8.GetBytes(value.ToJsonString());

    private static (GroupResource, string, string) KeyOf(JsonObject value)
    {
        var kind = value["kind"]!.GetValue<string>();
        var plural = kind switch
        {
            "Endpoints" => "endpoints",
            _ when kind.EndsWith('s') => kind.ToLowerInvariant() + "es",
            _ when kind.EndsWith("cy", StringComparison.Ordinal) => kind.ToLowerInvariant()[..^1] + "ies",
            _ => kind.ToLowerInvariant() + "s",
        };
        return (new(GroupVersion.Parse(value["apiVersion"]!.GetValue<string>()).Group, plural), value["metadata"]!["namespace"]?.GetValue<string>() ?? "", value["metadata"]!["name"]!.GetValue<string>());
    }

    private sealed class Changes(InMemoryObjects objects, GroupResource resource, string ns) : IObjectChanges
    {
        private readonly Queue<(JsonObject? Now, JsonObject? Old)> _waiting = [];
        private IDisposable? _subscription;

        public void Read(Action onReset, Action<JsonObject?, JsonObject?> onChange)
        {
            lock (objects._lock)
            {
                if (_subscription is null)
                {
                    onReset();
                    _subscription = objects.Subscribe(resource, (now, old) =>
                    {
                        if ((string?)(now ?? old)!["metadata"]!["namespace"] == ns) _waiting.Enqueue((now, old));
                    });
                }
                while (_waiting.TryDequeue(out var change)) onChange(change.Now, change.Old);
            }
        }

        public void Restart()
        {
            _subscription?.Dispose();
            _subscription = null;
            _waiting.Clear();
        }

        public void Dispose() => Restart();
    }

    private sealed class Unsubscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
