using System.Globalization;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace LiteKube.Client;

/// <summary>
/// Lists once, then watches, for as long as it runs; see <see cref="IInformer{T}"/>. An expired version is answered by
/// a new list whose difference becomes events, a dropped watch by a new one from the last version seen.
/// </summary>
public sealed class Informer<T>(IKubeClient client, ILogger logger, TimeProvider timeProvider, InformerOptions? options = null, string? fieldSelector = null) : IInformer<T>, IAsyncDisposable
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly InformerOptions _options = options ?? new InformerOptions();
    private readonly ObjectStore<T> _store = new();
    private readonly HandlerList<T> _handlers = new(KindOf<T>.Info.Kind, logger);
    private readonly TaskCompletionSource _synced = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _events = new();
    private Task? _loop;
    private ulong _version;

    public ulong Version => Volatile.Read(ref _version);

    public bool HasSynced => _synced.Task.IsCompletedSuccessfully;

    public async Task WaitForSyncAsync(CancellationToken cancellationToken)
    {
        if (HasSynced)
            return;
        await _synced.Task.WaitAsync(cancellationToken);
        // Off the loop that has just synced: it goes on at once.
        await Task.Yield();
    }

    public T? Find(ObjectKey key) => _store.Find(key);

    public IReadOnlyCollection<T> List(string? ns = null) => _store.List(ns);

    public void AddIndex(string name, Func<T, IEnumerable<string>> keys) => _store.AddIndex(name, keys);

    public IReadOnlyCollection<T> ByIndex(string index, string key) => _store.ByIndex(index, key);

    public int CountByIndex(string index, string key) => _store.CountByIndex(index, key);

    public IDisposable AddHandler(InformerHandler<T> handler)
    {
        // Under the events' lock, so that the handler gets each object once: from here or from the loop.
        lock (_events)
        {
            foreach (var value in _store.List(null))
                _handlers.Call(handler, null, value);
            return _handlers.Add(handler, _events);
        }
    }

    public void Start() => _loop ??= Task.Factory.StartNew(RunAsync, CancellationToken.None, TaskCreationOptions.None, _options.Scheduler).Unwrap();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null)
            await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var backoff = new ReconnectBackoff(timeProvider, _options);
        string? version = null;
        var cancellationToken = _stop.Token;
        while (!cancellationToken.IsCancellationRequested)
        {
            var started = timeProvider.GetTimestamp();
            var progress = new WatchProgress();
            try
            {
                version ??= await RelistAsync(cancellationToken);
                progress.Version = version;
                await WatchAsync(progress, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (KubeApiException e) when (e.IsGone)
            {
                ClientLog.WatchExpired(logger, KindOf<T>.Info.Kind, progress.Version ?? "", e.Message);
                progress.Version = null;
            }
            // The loop outlives whatever a network or a server does; the next list or watch tells whether it is over.
            catch (Exception e)
            {
                ClientLog.WatchFailed(logger, KindOf<T>.Info.Kind, version is null ? "list" : "watch", e);
            }
            version = progress.Version;
            // A watch that the server ends after a healthy while is renewed at once.
            if (version is not null && progress.Events > 0 && timeProvider.GetElapsedTime(started) > _options.MinBackoff)
                continue;
            try
            {
                await Task.Delay(backoff.Next(), timeProvider, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<string> RelistAsync(CancellationToken cancellationToken)
    {
        var list = await client.ListAsync<T>(null, new ListOptions(FieldSelector: fieldSelector), cancellationToken);
        lock (_events)
        {
            var present = new HashSet<ObjectKey>(list.Items.Count);
            foreach (var value in list.Items)
            {
                var key = ObjectKey.Of(value);
                present.Add(key);
                Put(key, value);
            }
            foreach (var key in _store.Keys())
            {
                if (!present.Contains(key))
                    Delete(key, null);
            }
        }
        Reached(list.ResourceVersion);
        _synced.TrySetResult();
        return list.ResourceVersion;
    }

    private async Task WatchAsync(WatchProgress progress, CancellationToken cancellationToken)
    {
        // Spread, so that the watches of one program do not all end at once.
        var timeout = _options.WatchTimeout * (1 + _options.Spread.NextDouble());
        var watch = new WatchOptions(progress.Version!, FieldSelector: fieldSelector, Timeout: timeout);
        await foreach (var change in client.WatchAsync<T>(null, watch, cancellationToken))
        {
            progress.Events++;
            if (change.Type != KubeWatchEventType.Bookmark)
            {
                var key = ObjectKey.Of(change.Object);
                lock (_events)
                {
                    if (change.Type == KubeWatchEventType.Deleted)
                        Delete(key, change.Object);
                    else
                        Put(key, change.Object);
                }
            }
            if (change.Object.Metadata.ResourceVersion is { Length: > 0 } version)
            {
                progress.Version = version;
                Reached(version);
            }
        }
    }

    private void Reached(string version)
    {
        if (ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            Volatile.Write(ref _version, number);
    }

    private void Put(ObjectKey key, T value)
    {
        // A relist gives most objects unchanged; keeping the old instance keeps what others derived from it.
        if (_store.Find(key) is { } known && known.Metadata.ResourceVersion is { } version && version == value.Metadata.ResourceVersion && known.Metadata.Uid == value.Metadata.Uid)
            value = known;
        var old = _store.Set(key, value);
        if (old is not null && !ReferenceEquals(old, value) && old.Metadata.Uid != value.Metadata.Uid)
        {
            // Deleted and created again while nobody watched: two objects, so two events.
            _handlers.Call(old, null);
            old = null;
        }
        _handlers.Call(old, value);
    }

    private void Delete(ObjectKey key, T? last)
    {
        var known = _store.Remove(key);
        if (known is not null)
            _handlers.Call(last ?? known, null);
    }

    private sealed class WatchProgress
    {
        public string? Version { get; set; }
        public long Events { get; set; }
    }
}

/// <param name="MinBackoff">The first wait after a failed list or watch; doubles up to <paramref name="MaxBackoff"/>, each with up to as much again at random.</param>
/// <param name="WatchTimeout">Asked of the server; a watch lasts between once and twice as long.</param>
public sealed record InformerOptions(TimeSpan MinBackoff, TimeSpan MaxBackoff, TimeSpan WatchTimeout)
{
    /// <summary>client-go's: 0.8 s to 30 s, watches of 5 to 10 minutes.</summary>
    public InformerOptions() : this(TimeSpan.FromMilliseconds(800), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5)) { }

    /// <summary>Where the chance in waits comes from.</summary>
    public Random Spread { get; init; } = Random.Shared;

    /// <summary>Where the informers' loops run.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;
}

/// <summary>Doubles from attempt to attempt; starts again after two quiet minutes.</summary>
internal sealed class ReconnectBackoff(TimeProvider timeProvider, InformerOptions options)
{
    private static readonly TimeSpan ResetAfter = TimeSpan.FromMinutes(2);
    private TimeSpan _next = options.MinBackoff;
    private long? _last;

    public TimeSpan Next()
    {
        if (_last is { } last && timeProvider.GetElapsedTime(last) > ResetAfter)
            _next = options.MinBackoff;
        _last = timeProvider.GetTimestamp();
        var wait = _next * (1 + options.Spread.NextDouble());
        _next = _next * 2 > options.MaxBackoff ? options.MaxBackoff : _next * 2;
        return wait < options.MaxBackoff ? wait : options.MaxBackoff;
    }
}
