using k8s.Models;

namespace LiteKube.Controllers.Jobs;

/// <summary>Conditions of a Job's status and their reasons (https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup).</summary>
internal static class JobConditions
{
    public const string Complete = "Complete";
    public const string Failed = "Failed";

    /// <summary>The Job will be Complete once its pods have ended.</summary>
    public const string SuccessCriteriaMet = "SuccessCriteriaMet";

    /// <summary>The Job will be Failed once its pods have ended.</summary>
    public const string FailureTarget = "FailureTarget";
    public const string Suspended = "Suspended";

    public const string CompletionsReached = "CompletionsReached";
    public const string CompletionsReachedMessage = "Reached expected number of succeeded pods";

    public static V1JobCondition New(string type, string? reason, string? message, DateTimeOffset now, string status = "True") => new()
    {
        Type = type,
        Status = status,
        Reason = reason,
        Message = message,
        LastProbeTime = now.UtcDateTime,
        LastTransitionTime = now.UtcDateTime,
    };

    public static V1JobCondition Fail(string reason, string message, DateTimeOffset now) => New(FailureTarget, reason, message, now);

    /// <summary>What the interim condition becomes: Failed of FailureTarget, Complete of SuccessCriteriaMet.</summary>
    public static V1JobCondition Final(V1JobCondition interim, DateTimeOffset now) => interim.Type switch
    {
        FailureTarget => New(Failed, interim.Reason, interim.Message, now),
        SuccessCriteriaMet => New(Complete, interim.Reason, interim.Message, now),
        _ => interim,
    };

    /// <summary>Sets the condition; a condition that is false is not worth adding.</summary>
    /// <returns>Whether anything changed.</returns>
    public static bool Set(V1JobStatus status, V1JobCondition condition)
    {
        var conditions = status.Conditions ??= [];
        for (var i = 0; i < conditions.Count; i++)
        {
            if (conditions[i].Type != condition.Type)
                continue;
            if (conditions[i].Status == condition.Status && (conditions[i].Reason ?? "") == (condition.Reason ?? "") && (conditions[i].Message ?? "") == (condition.Message ?? ""))
                return false;
            conditions[i] = condition;
            return true;
        }
        if (condition.Status == "False")
            return false;
        conditions.Add(condition);
        return true;
    }
}
