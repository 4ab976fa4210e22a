using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Testing;

/// <summary>
/// A tiny API server for tests of what stands on <see cref="IKubeClient"/>: create, get, list, update, patch, delete
/// and watch of any kind, with resource versions, conflicts, status and binding subresources, finalizers and graceful
/// deletion of pods. It neither defaults nor validates. Faults are injected: <see cref="Intercept"/>,
/// <see cref="DropWatches"/>, <see cref="Compact"/>.
/// </summary>
public sealed partial class InMemoryKube : IKubeTransport
{
    private static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(20);
    private readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    private readonly List<Change> _history = [];
    private readonly List<WatchStream> _watches = [];
    private readonly Lock _lock = new();
    private readonly TimeProvider _timeProvider;
    private long _revision = 1;
    private long _compacted;

    public InMemoryKube(TimeProvider? timeProvider = null)
    {
        _timeProvider = timeProvider ?? TimeProvider.System;
        Client = new KubeClient(this);
    }

    public IKubeClient Client { get; }

    /// <summary>Answers a request instead of the server when it gives a response; may throw to break the connection.</summary>
    public Func<KubeRequest, KubeResponse?>? Intercept { get; set; }

    /// <summary>Every request as "METHOD path", in order; watches as "WATCH path".</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Pods that run on a node stay, terminating, until they are deleted with grace period 0. As in Kubernetes.</summary>
    public bool GracefulPods { get; set; } = true;

    /// <summary>After each write that was answered with success: its method and path.</summary>
    public event Action<string, string>? Written;

    public long Revision
    {
        get
        {
            lock (_lock)
                return _revision;
        }
    }

    public async Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        // A real answer never comes on the caller's stack.
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        Requests.Enqueue($"{request.Method} {request.PathAndQuery}");
        if (Intercept?.Invoke(request) is { } response)
            return response;
        lock (_lock)
        {
            if (request.Method == "GET" && Discover(request.PathAndQuery) is { } discovery)
                return discovery;
        }
        var target = RequestTarget.Parse(request.PathAndQuery);
        KubeResponse answer;
        lock (_lock)
        {
            answer = (request.Method, target.Subresource) switch
            {
                ("GET", _) when target.Name is null => List(target),
                ("GET", _) => Get(target),
                ("POST", "binding") => Bind(target, Body(request)),
                ("POST", "eviction") => Delete(target, Body(request)["deleteOptions"] as JsonObject ?? []),
                ("POST", null) => Create(target, Body(request)),
                ("PUT", _) => Update(target, Body(request)),
                ("PATCH", _) => Patch(target, request),
                ("DELETE", _) when target.Name is null => DeleteCollection(target, Body(request)),
                ("DELETE", _) => Delete(target, Body(request)),
                _ => Failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
            };
        }
        if (request.Method != "GET" && answer.StatusCode < 300)
            Written?.Invoke(request.Method, request.PathAndQuery);
        return answer;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        Requests.Enqueue($"WATCH {request.PathAndQuery}");
        if (Intercept?.Invoke(request) is { StatusCode: >= 400 } refused)
            throw KubeApiException.From(refused);
        var target = RequestTarget.Parse(request.PathAndQuery);
        var stream = new WatchStream(target);
        lock (_lock)
        {
            var from = target.Query.TryGetValue("resourceVersion", out var text) && text.Length > 0 ? long.Parse(text, CultureInfo.InvariantCulture) : _revision;
            if (from < _compacted)
                throw KubeApiException.From(Failure(410, "Expired", $"too old resource version: {from} ({_compacted})"));
            foreach (var change in _history.Where(change => change.Revision > from))
                stream.Offer(change);
            _watches.Add(stream);
        }
        try
        {
            while (await stream.Lines.Reader.WaitToReadAsync(cancellationToken))
            {
                while (stream.Lines.Reader.TryRead(out var line))
                    yield return line;
            }
        }
        finally
        {
            lock (_lock)
                _watches.Remove(stream);
        }
    }

    /// <summary>Stores the object as it is, status included, as if the server had always had it.</summary>
    public T Seed<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var node = (JsonObject)JsonNode.Parse(KubeJson.Serialize(value))!;
        var entity = RequestTarget.Of<T>(value.Metadata.NamespaceProperty, value.Metadata.Name);
        node["apiVersion"] ??= entity.ApiVersion;
        node["kind"] ??= RequestTarget.KindOf<T>();
        lock (_lock)
        {
            StampNew(entity, node);
            return KubeJson.Deserialize<T>(Store(entity.Key, node, null));
        }
    }

    /// <summary>Deletes the object as another client would, and at once.</summary>
    /// <param name="graceSeconds">0 ends what terminates; null leaves it to the object.</param>
    /// <param name="propagationPolicy">Foreground, Background or Orphan; null leaves it to the object's finalizers.</param>
    public void Remove<T>(string? ns, string name, long? graceSeconds, string? propagationPolicy = null) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var options = new JsonObject();
        if (graceSeconds is { } seconds)
            options["gracePeriodSeconds"] = seconds;
        if (propagationPolicy is not null)
            options["propagationPolicy"] = propagationPolicy;
        lock (_lock)
            Delete(RequestTarget.Of<T>(ns, name), options);
    }

    /// <summary>Ends every open watch, as a lost connection does.</summary>
    public void DropWatches()
    {
        lock (_lock)
        {
            foreach (var watch in _watches)
                watch.Lines.Writer.TryComplete(new IOException("the connection was lost"));
        }
    }

    /// <summary>Forgets the history: a watch from an older version is answered with 410.</summary>
    public void Compact()
    {
        lock (_lock)
        {
            _compacted = ++_revision;
            _history.Clear();
        }
    }

    /// <summary>Sends a bookmark with the newest version to every open watch.</summary>
    public void SendBookmarks()
    {
        lock (_lock)
        {
            _revision++;
            foreach (var watch in _watches)
                watch.Bookmark(_revision);
        }
    }

    public T? Find<T>(string? ns, string name) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        lock (_lock)
            return _objects.TryGetValue(RequestTarget.Of<T>(ns, name).Key, out var node) ? KubeJson.Deserialize<T>(Bytes(node)) : null;
    }

    public IReadOnlyList<T> All<T>(string? ns = null) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var target = RequestTarget.Of<T>(ns, null);
        lock (_lock)
            return [.. Matching(target).Select(node => KubeJson.Deserialize<T>(Bytes(node)))];
    }

    /// <summary>Completes once the object (null while it is absent) is as wanted. May be called before the action.</summary>
    /// <exception cref="TimeoutException">Names <paramref name="what"/>.</exception>
    public Task<T?> WaitForAsync<T>(string? ns, string name, Func<T?, bool> predicate, string what) where T : class, IKubernetesObject<V1ObjectMeta> =>
        WaitForAsync(() => Find<T>(ns, name), predicate, what);

    /// <summary>Completes once the objects of a kind are as wanted.</summary>
    public async Task<IReadOnlyList<T>> WaitForAllAsync<T>(string? ns, Func<IReadOnlyList<T>, bool> predicate, string what) where T : class, IKubernetesObject<V1ObjectMeta> =>
        (await WaitForAsync(() => All<T>(ns), values => predicate(values!), what))!;

    private async Task<T?> WaitForAsync<T>(Func<T?> read, Func<T?, bool> predicate, string what) where T : class
    {
        var signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        void OnChange() => signal.Writer.TryWrite(true);
        Changed += OnChange;
        try
        {
            using var limit = new CancellationTokenSource(WaitLimit);
            while (true)
            {
                var value = read();
                if (predicate(value))
                    return value;
                try
                {
                    await signal.Reader.ReadAsync(limit.Token);
                }
                catch (OperationCanceledException e)
                {
                    throw new TimeoutException($"did not come within {WaitLimit.TotalSeconds} s: {what}", e);
                }
            }
        }
        finally
        {
            Changed -= OnChange;
        }
    }

    private event Action? Changed;

    private sealed record Change(long Revision, string Key, JsonObject? Old, JsonObject? New);
}
