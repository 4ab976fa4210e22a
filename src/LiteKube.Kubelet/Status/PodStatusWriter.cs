using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Status;

/// <summary>
/// Writes pods' statuses: only what changed, the newest only, one write of a pod at a time; and the delete that ends
/// a pod, after its last status. What cannot be written now is tried until it can.
/// </summary>
internal sealed class PodStatusWriter(IKubeClient client, TimeProvider timeProvider, ILogger<PodStatusWriter> logger, CancellationToken stopping)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Entry> _pods = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public readonly Lock Lock = new();
        public V1Pod? Pod;
        public V1PodStatus? Wanted;
        public V1PodStatus? Desired;
        public V1PodStatus? Written;
        public ulong WrittenVersion;

        /// <summary>The API's newest that came while a write was under way: is it that write's echo, or somebody else's?</summary>
        public V1Pod? Observed;
        public bool DeleteWanted;
        public bool IsDeleted;
        public bool IsBusy;
    }

    /// <summary>What the API is known to hold: the last status written, else the pod's own.</summary>
    public V1PodStatus? Latest(V1Pod pod)
    {
        if (!_pods.TryGetValue(pod.Metadata.Uid, out var entry))
            return pod.Status;
        lock (entry.Lock)
            return entry.Desired ?? pod.Status;
    }

    public bool IsDeleted(string podUid) => _pods.TryGetValue(podUid, out var entry) && (entry.DeleteWanted || entry.IsDeleted);

    public void Write(V1Pod pod, V1PodStatus status)
    {
        var entry = _pods.GetOrAdd(pod.Metadata.Uid, _ => new Entry());
        lock (entry.Lock)
        {
            entry.Pod = pod;
            entry.Wanted = entry.Desired = status;
            entry.Written ??= pod.Status;
            Begin(entry);
        }
    }

    /// <summary>Removes the pod from the API (grace period 0, this uid only) once its status is written.</summary>
    public void DeleteAfterWrites(V1Pod pod)
    {
        var entry = _pods.GetOrAdd(pod.Metadata.Uid, _ => new Entry());
        lock (entry.Lock)
        {
            entry.Pod = pod;
            entry.DeleteWanted = true;
            Begin(entry);
        }
    }

    /// <summary>The API's newest: should somebody else have written the status, the difference to that is what is written next.</summary>
    /// <returns>False when it is no news: the echo of a write from here.</returns>
    public bool Observe(V1Pod pod)
    {
        if (!_pods.TryGetValue(pod.Metadata.Uid, out var entry) || !ulong.TryParse(pod.Metadata.ResourceVersion, out var version))
            return true;
        lock (entry.Lock)
        {
            // An older version than our own last write is only late.
            if (version < entry.WrittenVersion)
                return false;
            if (entry.IsBusy)
            {
                entry.Observed = pod;
                return false;
            }
            var isEcho = version == entry.WrittenVersion;
            entry.Written = pod.Status;
            entry.WrittenVersion = version;
            return !isEcho;
        }
    }

    /// <summary>Somebody else wrote to the pod with this uid while its status was being written.</summary>
    public event Action<string>? ForeignWrite;

    public void Forget(string podUid) => _pods.TryRemove(podUid, out _);

    private void Begin(Entry entry)
    {
        if (entry.IsBusy || entry.IsDeleted)
            return;
        entry.IsBusy = true;
        _ = DrainAsync(entry);
    }

    private async Task DrainAsync(Entry entry)
    {
        var retry = FirstRetry;
        while (true)
        {
            V1Pod pod;
            V1PodStatus? wanted, written;
            lock (entry.Lock)
            {
                if (entry.Wanted is null && TakeObserved(entry) is { } foreign)
                {
                    entry.Wanted = entry.Desired;
                    ForeignWrite?.Invoke(foreign.Metadata.Uid);
                }
                if (entry.IsDeleted || (entry.Wanted is null && !entry.DeleteWanted))
                {
                    entry.IsBusy = false;
                    return;
                }
                pod = entry.Pod!;
                wanted = entry.Wanted;
                written = entry.Written;
                entry.Wanted = null;
            }
            try
            {
                if (wanted is not null)
                    await WriteOnceAsync(entry, pod, written, wanted);
                else
                    await DeleteOnceAsync(entry, pod);
                retry = FirstRetry;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                StatusLog.Stopped(logger);
                return;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                StatusLog.WriteFailed(logger, ObjectKey.Of(pod), retry, exception.Message);
                lock (entry.Lock)
                    entry.Wanted ??= wanted;
                if (!await PauseAsync(retry))
                    return;
                retry = retry * 2 < LongestRetry ? retry * 2 : LongestRetry;
            }
        }
    }

    /// <summary>False when the program stops meanwhile: the next one computes the status anew.</summary>
    private async Task<bool> PauseAsync(TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, timeProvider, stopping);
            return true;
        }
        catch (OperationCanceledException)
        {
            StatusLog.Stopped(logger);
            return false;
        }
    }

    private static V1Pod? TakeObserved(Entry entry)
    {
        var observed = entry.Observed;
        entry.Observed = null;
        if (observed is null || !ulong.TryParse(observed.Metadata.ResourceVersion, out var version) || version < entry.WrittenVersion)
            return null;
        var isEcho = version == entry.WrittenVersion;
        entry.Written = observed.Status;
        entry.WrittenVersion = version;
        return isEcho ? null : observed;
    }

    private async Task WriteOnceAsync(Entry entry, V1Pod pod, V1PodStatus? written, V1PodStatus wanted)
    {
        if (PodStatusPatch.Between(pod.Metadata.Uid, written, wanted) is not { } patch)
            return;
        try
        {
            var answer = await client.PatchAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, patch, "status", stopping);
            lock (entry.Lock)
            {
                entry.Written = wanted;
                entry.WrittenVersion = ulong.TryParse(answer.Metadata.ResourceVersion, out var version) ? version : 0;
            }
        }
        catch (KubeApiException exception) when (exception.IsNotFound || exception.IsConflict || exception.IsInvalid)
        {
            if (!await IsGoneAsync(pod))
                throw;
            // The pod is gone, or another one has its name: nothing is left to report on.
            StatusLog.PodGone(logger, ObjectKey.Of(pod));
            lock (entry.Lock)
                entry.IsDeleted = true;
        }
    }

    private async Task<bool> IsGoneAsync(V1Pod pod)
    {
        try
        {
            return (await client.GetAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, stopping)).Metadata.Uid != pod.Metadata.Uid;
        }
        catch (KubeApiException exception) when (exception.IsNotFound)
        {
            return true;
        }
    }

    private async Task DeleteOnceAsync(Entry entry, V1Pod pod)
    {
        try
        {
            await client.DeleteAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, new DeleteOptions(GracePeriodSeconds: 0, PreconditionUid: pod.Metadata.Uid), stopping);
        }
        catch (KubeApiException exception) when (exception.IsNotFound || exception.IsConflict)
        {
            StatusLog.PodGone(logger, ObjectKey.Of(pod));
        }
        lock (entry.Lock)
        {
            entry.DeleteWanted = false;
            entry.IsDeleted = true;
        }
    }
}

internal static partial class StatusLog
{
    [LoggerMessage(EventId = 3301, Level = LogLevel.Warning, Message = "The status of pod {Pod} could not be written; next try in {Delay}: {Reason}")]
    public static partial void WriteFailed(ILogger logger, ObjectKey pod, TimeSpan delay, string reason);

    [LoggerMessage(EventId = 3302, Level = LogLevel.Debug, Message = "Pod {Pod} was gone before its status was written")]
    public static partial void PodGone(ILogger logger, ObjectKey pod);

    [LoggerMessage(EventId = 3303, Level = LogLevel.Debug, Message = "Statuses are no longer written")]
    public static partial void Stopped(ILogger logger);
}
