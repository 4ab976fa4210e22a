using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Registry;

/// <summary>Reads the store for authorizers, admission and strategies; objects are in their stored version.</summary>
internal sealed class ObjectReader(IStateStore store, ILogger<ObjectReader> logger) : IObjectReader, IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _loops = [];

    /// <summary>Set when the table of resources is made (it needs the strategies, which need this reader).</summary>
    public ResourceTable? Resources { get; set; }

    public JsonObject? Get(GroupResource resource, string ns, string name)
    {
        var key = ns.Length == 0 ? ServedResource.KeyRootOf(resource) + name : $"{ServedResource.KeyRootOf(resource)}{ns}/{name}";
        return store.Get(key) is { } value ? ObjectView.Of(value).Decode() : null;
    }

    public IReadOnlyList<JsonObject> List(GroupResource resource, string? ns = null)
    {
        var root = ServedResource.KeyRootOf(resource);
        var values = Range(string.IsNullOrEmpty(ns) ? root : $"{root}{ns}/").Values;
        var list = new List<JsonObject>(values.Count);
        foreach (var value in values) list.Add(ObjectView.Of(value).Decode());
        return list;
    }

    public IDisposable Subscribe(GroupResource resource, Action<JsonObject?, JsonObject?> onChange, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool>? concerns = null)
    {
        var prefix = ServedResource.KeyRootOf(resource);
        var initial = Range(prefix);
        foreach (var value in initial.Values)
        {
            if (concerns?.Invoke(value.Bytes, default) != false) onChange(ObjectView.Of(value).Decode(), null);
        }
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var loop = FollowAsync(prefix, initial, onChange, concerns, cancellation.Token);
        lock (_lock) _loops.Add(loop);
        return new Subscription(cancellation);
    }

    public IObjectChanges Follow(GroupResource resource, string ns) => new ObjectChanges(store, $"{ServedResource.KeyRootOf(resource)}{ns}/", Range);

    private async Task FollowAsync(string prefix, RangeResult start, Action<JsonObject?, JsonObject?> onChange, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool>? concerns, CancellationToken cancellationToken)
    {
        // What a subscriber knows, so that after a gap in the history the difference can be told.
        var known = new Dictionary<string, StoredValue>(StringComparer.Ordinal);
        foreach (var value in start.Values) known[value.Key] = value;
        var revision = start.Revision;
        try
        {
            while (true)
            {
                try
                {
                    await using var watch = store.Watch(prefix, revision);
                    while (await watch.WaitToReadAsync(cancellationToken))
                    {
                        while (watch.TryRead(out var change))
                        {
                            Apply(change);
                            revision = change.Revision;
                        }
                    }
                    return;
                }
                catch (CompactedException)
                {
                    var now = Range(prefix);
                    var gone = new HashSet<string>(known.Keys, StringComparer.Ordinal);
                    foreach (var value in now.Values)
                    {
                        gone.Remove(value.Key);
                        if (!known.TryGetValue(value.Key, out var before) || before.ModRevision != value.ModRevision)
                            Apply(new StoreEvent(StoreEventType.Put, value, before));
                    }
                    foreach (var key in gone) Apply(new StoreEvent(StoreEventType.Delete, known[key], known[key]));
                    revision = now.Revision;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The subscriber left or the server stops.
        }

        void Apply(in StoreEvent change)
        {
            known.TryGetValue(change.Value.Key, out var before);
            var isGone = change.Type == StoreEventType.Delete;
            if (isGone) known.Remove(change.Value.Key);
            else known[change.Value.Key] = change.Value;
            try
            {
                if (concerns?.Invoke(isGone ? default : change.Value.Bytes, before?.Bytes ?? default) == false) return;
                onChange(isGone ? null : ObjectView.Of(change.Value).Decode(), before is null ? null : ObjectView.Of(before).Decode());
            }
            catch (Exception exception)
            {
                // One subscriber's fault must not end its own feed: the next change may mend what it holds.
                ApiServerLog.SubscriberFailed(logger, change.Value.Key, exception);
            }
        }
    }

    private RangeResult Range(string prefix)
    {
        // Reads of the present come from memory and complete at once.
        var range = store.RangeAsync(new RangeRequest(prefix), CancellationToken.None);
        return range.IsCompleted ? range.Result : range.AsTask().GetAwaiter().GetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] loops;
        lock (_lock) loops = [.. _loops];
        await Task.WhenAll(loops);
        _stopping.Dispose();
    }

    private sealed class Subscription(CancellationTokenSource cancellation) : IDisposable
    {
        public void Dispose()
        {
            cancellation.Cancel();
            cancellation.Dispose();
        }
    }
}
