using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Jobs;

/// <summary>How many of a Job's pods failed since the last that succeeded, and when the last of them did. Immutable.</summary>
internal sealed record JobBackoff(int Failures, DateTime? LastFailure)
{
    public static readonly JobBackoff None = new(0, null);
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    public JobBackoff With(IReadOnlyList<V1Pod> succeeded, IReadOnlyList<V1Pod> failed)
    {
        var failures = failed.Select(p => p.FinishedAt()).ToList();
        if (succeeded.Count == 0)
            return failures.Count == 0 ? this : new JobBackoff(Failures + failures.Count, failures.Max());
        var lastSuccess = succeeded.Max(p => p.FinishedAt());
        failures.RemoveAll(f => f <= lastSuccess);
        return failures.Count == 0 ? None : new JobBackoff(failures.Count, failures.Max());
    }

    /// <summary>How long new pods have to wait: 10 s after the first failure, doubled with each further one, up to 10 minutes.</summary>
    public TimeSpan Remaining(DateTimeOffset now)
    {
        if (Failures == 0 || LastFailure is not { } last)
            return TimeSpan.Zero;
        var delay = First * Math.Pow(2, Math.Min(Failures - 1, 10));
        var remaining = (delay < Longest ? delay : Longest) - (now.UtcDateTime - last);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    /// <summary>The delay of one index, whose failures its last pod counts.</summary>
    public static TimeSpan RemainingOfIndex(V1Pod? lastFailed, DateTimeOffset now) =>
        lastFailed is null ? TimeSpan.Zero : new JobBackoff(lastFailed.AllFailuresOfIndex() + 1, lastFailed.FinishedAt()).Remaining(now);
}

/// <summary>The backoff of each unfinished Job. In memory only, as in Kubernetes: a restart begins anew.</summary>
internal sealed class JobBackoffs
{
    private readonly ConcurrentDictionary<ObjectKey, (string Uid, JobBackoff Backoff)> _backoffs = new();

    public JobBackoff Of(ObjectKey key, V1Job job) => _backoffs.TryGetValue(key, out var known) && known.Uid == job.Metadata.Uid ? known.Backoff : JobBackoff.None;

    public void Set(ObjectKey key, V1Job job, JobBackoff backoff) => _backoffs[key] = (job.Metadata.Uid, backoff);

    public void Forget(ObjectKey key) => _backoffs.TryRemove(key, out _);
}
