using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Jobs;

/// <summary>A Job and its pods as they were seen, counted together. Pure.</summary>
internal sealed class JobState
{
    private JobState(V1Job job, IReadOnlyList<V1Pod> pods, IReadOnlySet<string> released, JobBackoff backoff)
    {
        Job = job;
        Pods = pods;
        Released = released;
        Active = [.. pods.Where(p => p.IsActive())];
        Ready = Active.Count(p => p.IsReady());
        Terminating = pods.Count(p => p.IsTerminatingUnfinished());
        var uncounted = job.Status?.UncountedTerminatedPods;
        UncountedSucceeded = new HashSet<string>(uncounted?.Succeeded ?? [], StringComparer.Ordinal);
        UncountedFailed = new HashSet<string>(uncounted?.Failed ?? [], StringComparer.Ordinal);
        var succeeded = pods.Where(p => IsUncounted(p, UncountedSucceeded) && p.HasSucceeded()).ToList();
        var failed = pods.Where(p => IsUncounted(p, UncountedFailed) && p.HasFailed(job)).ToList();
        Succeeded = (job.Status?.Succeeded ?? 0) + succeeded.Count + UncountedSucceeded.Count;
        Failed = (job.Status?.Failed ?? 0) + failed.Count(p => PodFailureRules.Judge(job.Spec.PodFailurePolicy, p).Counts) + UncountedFailed.Count;
        Backoff = backoff.With(succeeded, failed);
        CountIndexes();
    }

    public V1Job Job { get; }
    public IReadOnlyList<V1Pod> Pods { get; }

    /// <summary>Uids of pods that carry the tracking finalizer only in the informer's eyes.</summary>
    public IReadOnlySet<string> Released { get; }
    public IReadOnlyList<V1Pod> Active { get; }
    public int Ready { get; }

    /// <summary>Deleted, but not yet ended.</summary>
    public int Terminating { get; }
    public IReadOnlySet<string> UncountedSucceeded { get; }
    public IReadOnlySet<string> UncountedFailed { get; }

    /// <summary>Pods of a Job without indexes, indexes of one with.</summary>
    public int Succeeded { get; private set; }
    public int Failed { get; }
    public JobBackoff Backoff { get; }

    /// <summary>What the status says already.</summary>
    public IndexSet CountedIndexes { get; private set; } = IndexSet.Empty;
    public IndexSet SucceededIndexes { get; private set; } = IndexSet.Empty;

    /// <summary>Null when failures are not counted per index.</summary>
    public IndexSet? FailedIndexes { get; private set; }

    /// <summary>
    /// The last failed pod of each index that has neither ended nor a new pod: it keeps its finalizer, so that the pod
    /// that takes its place can go on counting the index's failures.
    /// </summary>
    public IReadOnlyDictionary<int, V1Pod> AwaitingReplacement { get; private set; } = new Dictionary<int, V1Pod>();

    /// <param name="released">See <see cref="Released"/>.</param>
    /// <param name="backoff">Before the pods that ended since.</param>
    public static JobState Observe(V1Job job, IReadOnlyList<V1Pod> pods, IReadOnlySet<string> released, JobBackoff backoff) => new(job, pods, released, backoff);

    /// <summary>Still to be counted by this controller.</summary>
    public bool IsTracked(V1Pod pod) => pod.IsTracked() && !Released.Contains(pod.Metadata.Uid);

    private bool IsUncounted(V1Pod pod, IReadOnlySet<string> uncounted) => IsTracked(pod) && !uncounted.Contains(pod.Metadata.Uid) && pod.HasValidIndex(Job);

    private void CountIndexes()
    {
        if (!Job.IsIndexed())
            return;
        var completions = Job.Spec.Completions ?? 0;
        CountedIndexes = IndexSet.Parse(Job.Status?.CompletedIndexes, completions);
        SucceededIndexes = CountedIndexes.With(Pods.Where(p => p.HasSucceeded() && p.IsTracked() && p.HasValidIndex(Job)).Select(p => p.CompletionIndex()!.Value));
        Succeeded = SucceededIndexes.Count;
        if (!Job.CountsFailuresPerIndex())
            return;
        FailedIndexes = IndexSet.Parse(Job.Status?.FailedIndexes, completions)
            .With(Pods.Where(p => p.IsTracked() && p.HasValidIndex(Job) && HasFailedIndex(p)).Select(p => p.CompletionIndex()!.Value));
        AwaitingReplacement = FindAwaitingReplacement();
    }

    private bool HasFailedIndex(V1Pod pod)
    {
        if (!pod.HasFailed(Job))
            return false;
        var verdict = PodFailureRules.Judge(Job.Spec.PodFailurePolicy, pod);
        return verdict.Action == "FailIndex" || (verdict.Counts && pod.FailureCount() >= Job.Spec.BackoffLimitPerIndex);
    }

    private Dictionary<int, V1Pod> FindAwaitingReplacement()
    {
        var active = Active.Select(p => p.CompletionIndex()).OfType<int>().ToHashSet();
        var last = new Dictionary<int, V1Pod>();
        foreach (var pod in Pods.Where(p => IsTracked(p) && p.HasValidIndex(Job) && p.HasFailed(Job)))
        {
            var index = pod.CompletionIndex()!.Value;
            if (SucceededIndexes.Contains(index) || FailedIndexes!.Contains(index) || active.Contains(index))
                continue;
            if (!last.TryGetValue(index, out var known) || (known.AllFailuresOfIndex() <= pod.AllFailuresOfIndex() && pod.FinishedAt() >= known.FinishedAt()))
                last[index] = pod;
        }
        return last;
    }
}
