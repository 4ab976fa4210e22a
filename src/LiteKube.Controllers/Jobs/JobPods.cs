using System.Globalization;
using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Jobs;

/// <summary>What the Job controller reads from a Job's pods.</summary>
internal static class JobPods
{
    /// <summary>Stays on a pod until the Job's status has counted it (KEP-2307).</summary>
    public const string TrackingFinalizer = "batch.kubernetes.io/job-tracking";

    /// <summary>Annotation and, for selecting, label of a pod of an Indexed Job.</summary>
    public const string CompletionIndexKey = "batch.kubernetes.io/job-completion-index";

    /// <summary>How many pods of the same index failed before this one (KEP-3850).</summary>
    public const string FailureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";

    /// <summary>And how many failures the pod failure policy ignored.</summary>
    public const string IgnoredFailureCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";

    public static bool IsTracked(this V1Pod pod) => pod.Metadata.Finalizers?.Contains(TrackingFinalizer) == true;

    public static bool HasSucceeded(this V1Pod pod) => pod.Status?.Phase == "Succeeded";

    public static bool IsTerminatingUnfinished(this V1Pod pod) => pod.IsTerminating() && pod.Status?.Phase is not ("Succeeded" or "Failed");

    /// <summary>Failed, or deleted before it could tell; with replacement only after failure the latter is waited for.</summary>
    public static bool HasFailed(this V1Pod pod, V1Job job) =>
        pod.Status?.Phase == "Failed" || (!job.ReplacesOnlyFailed() && pod.IsTerminating() && !pod.HasSucceeded());

    /// <summary>Null for a pod without a valid index.</summary>
    public static int? CompletionIndex(this V1Pod pod) =>
        pod.Metadata.Annotations?.TryGetValue(CompletionIndexKey, out var text) == true && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    /// <summary>True for every pod of a Job without indexes.</summary>
    public static bool HasValidIndex(this V1Pod pod, V1Job job) => !job.IsIndexed() || pod.CompletionIndex() < job.Spec.Completions;

    public static int FailureCount(this V1Pod pod) => Number(pod, FailureCountAnnotation);

    public static int IgnoredFailureCount(this V1Pod pod) => Number(pod, IgnoredFailureCountAnnotation);

    public static int AllFailuresOfIndex(this V1Pod pod) => pod.FailureCount() + pod.IgnoredFailureCount();

    /// <summary>
    /// When the pod ended: its last container's end, else when it ceased to be ready, else when it was deleted, else its
    /// creation.
    /// </summary>
    public static DateTime FinishedAt(this V1Pod pod)
    {
        if (LastContainerEnd(pod) is { } end)
            return end;
        if (pod.ReadyCondition() is { Status: "False", LastTransitionTime: { } since })
            return since.ToUniversalTime();
        if (pod.Metadata.DeletionTimestamp is { } deletion)
            return deletion.ToUniversalTime().AddSeconds(-(pod.Metadata.DeletionGracePeriodSeconds ?? 0));
        return pod.Metadata.CreationTimestamp?.ToUniversalTime() ?? DateTime.MinValue;
    }

    private static DateTime? LastContainerEnd(V1Pod pod)
    {
        var statuses = pod.Status?.ContainerStatuses ?? [];
        // Sidecars end after the containers that they serve.
        var sidecars = (pod.Spec?.InitContainers ?? []).Where(c => c.RestartPolicy == "Always").Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        var all = statuses.Concat((pod.Status?.InitContainerStatuses ?? []).Where(s => sidecars.Contains(s.Name))).ToList();
        DateTime? latest = null;
        foreach (var status in all)
        {
            if (status.State?.Terminated?.FinishedAt is not { } end)
                return null;
            if (latest is null || end.ToUniversalTime() > latest)
                latest = end.ToUniversalTime();
        }
        return latest;
    }

    // Anybody may have written the annotation; what is no count is none.
    private static int Number(V1Pod pod, string annotation) =>
        pod.Metadata.Annotations?.TryGetValue(annotation, out var text) == true && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
