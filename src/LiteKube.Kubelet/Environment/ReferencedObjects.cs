using k8s;
using k8s.Models;
using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Environment;

/// <summary>
/// Keeps objects of one kind current by one watch an object, for as long as some pod names it. A watch on a single
/// name is what Node authorization lets a kubelet have.
/// </summary>
/// <param name="kind">As in the kubelet's errors: "configmap", "secret".</param>
internal sealed class ReferencedObjects<T>(IKubeClient client, string kind, Func<T, bool> isImmutable, Action<ObjectKey> changed, TimeProvider time, ILogger logger) : IDisposable
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SyncTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Entry> _entries = [];

    public void AddUser(ObjectKey key, string podUid)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                _entries[key] = entry = new Entry();
                entry.Loop = FollowAsync(key, entry);
            }
            entry.Users.Add(podUid);
        }
    }

    public void RemoveUser(ObjectKey key, string podUid)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var entry) && entry.Users.Remove(podUid) && entry.Users.Count == 0)
            {
                _entries.Remove(key);
                entry.Stop.Cancel();
            }
        }
    }

    public IReadOnlyList<string> UsersOf(ObjectKey key)
    {
        lock (_lock)
            return _entries.TryGetValue(key, out var entry) ? [.. entry.Users] : [];
    }

    /// <summary>Null when the object does not exist.</summary>
    public async Task<T?> FindAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        Entry? entry;
        lock (_lock)
            _entries.TryGetValue(key, out entry);
        if (entry is null)
            return await GetOnceAsync(key, cancellationToken);
        try
        {
            await entry.Synced.Task.WaitAsync(SyncTimeout, time, cancellationToken);
        }
        catch (TimeoutException) when (entry.LastError is { } error)
        {
            throw error is KubeApiException api ? new KubeApiException(api.Status) : new TimeoutException($"failed to sync {kind} cache: {error.Message}", error);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"failed to sync {kind} cache: timed out waiting for the condition", e);
        }
        return entry.Value;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var entry in _entries.Values)
                entry.Stop.Cancel();
            _entries.Clear();
        }
    }

    private async Task<T?> GetOnceAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAsync<T>(key.Namespace, key.Name, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task FollowAsync(ObjectKey key, Entry entry)
    {
        var stop = entry.Stop.Token;
        var retry = FirstRetry;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (await FollowOnceAsync(key, entry, stop))
                    return;
                retry = FirstRetry;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            // The API server may be away or may not have heard yet that the pod is on this node: both pass.
            catch (Exception e) when (e is KubeApiException or IOException or HttpRequestException or OperationCanceledException or InvalidOperationException)
            {
                entry.LastError = e;
                EnvironmentLog.FollowFailed(logger, kind, key, retry, e);
            }
            await Task.Delay(retry, time, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
        }
    }

    /// <summary>One list and the watch after it. True: the object can no longer change, nothing is left to follow.</summary>
    private async Task<bool> FollowOnceAsync(ObjectKey key, Entry entry, CancellationToken stop)
    {
        var selector = "metadata.name=" + key.Name;
        var list = await client.ListAsync<T>(key.Namespace, new ListOptions(FieldSelector: selector), stop);
        if (Take(key, entry, list.Items.Count > 0 ? list.Items[0] : null))
            return true;
        await foreach (var change in client.WatchAsync<T>(key.Namespace, new WatchOptions(list.ResourceVersion, FieldSelector: selector), stop))
        {
            if (change.Type != KubeWatchEventType.Bookmark && Take(key, entry, change.Type == KubeWatchEventType.Deleted ? null : change.Object))
                return true;
        }
        return false;
    }

    private bool Take(ObjectKey key, Entry entry, T? value)
    {
        var isNews = entry.Synced.Task.IsCompleted && entry.Value?.Metadata.ResourceVersion != value?.Metadata.ResourceVersion;
        entry.Value = value;
        entry.LastError = null;
        entry.Synced.TrySetResult();
        if (isNews)
            changed(key);
        return value is not null && isImmutable(value);
    }

    private sealed class Entry
    {
        public HashSet<string> Users { get; } = new(StringComparer.Ordinal);
        public CancellationTokenSource Stop { get; } = new();
        public TaskCompletionSource Synced { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public Task? Loop { get; set; }
        public volatile T? Value;
        public volatile Exception? LastError;
    }
}
