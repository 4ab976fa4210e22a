using k8s.Models;

namespace LiteKube.Controllers.Jobs;

/// <summary>A Job's spec and status with the API's defaults read in.</summary>
internal static class JobSpecs
{
    /// <summary>The value of spec.managedBy that means this controller; another one leaves the Job to somebody else (KEP-4368).</summary>
    public const string ControllerName = "kubernetes.io/job-controller";

    public const int DefaultBackoffLimit = 6;

    public static bool IsIndexed(this V1Job job) => job.Spec.CompletionMode == "Indexed";

    public static bool IsSuspended(this V1Job job) => job.Spec.Suspend == true;

    public static bool IsManagedElsewhere(this V1Job job) => job.Spec.ManagedBy is { } manager && manager != ControllerName;

    public static int Parallelism(this V1Job job) => job.Spec.Parallelism ?? 1;

    public static int BackoffLimit(this V1Job job) => job.Spec.BackoffLimit ?? DefaultBackoffLimit;

    public static bool CountsFailuresPerIndex(this V1Job job) => job.Spec.BackoffLimitPerIndex is not null;

    /// <summary>A pod failure policy judges how a pod ended, so its Jobs wait for the end as well (KEP-3939).</summary>
    public static bool ReplacesOnlyFailed(this V1Job job) => job.Spec.PodReplacementPolicy == "Failed" || job.Spec.PodFailurePolicy is not null;

    public static V1JobCondition? Condition(this V1Job job, string type) => job.Status.Condition(type);

    public static V1JobCondition? Condition(this V1JobStatus? status, string type) => status?.Conditions?.FirstOrDefault(c => c.Type == type);

    public static bool Has(this V1Job job, string type) => job.Condition(type)?.Status == "True";

    /// <summary>Complete or Failed.</summary>
    public static bool IsFinished(this V1Job job) => job.Has("Complete") || job.Has("Failed");
}
