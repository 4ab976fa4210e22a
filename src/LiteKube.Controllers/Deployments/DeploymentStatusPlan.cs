using k8s.Models;

namespace LiteKube.Controllers.Deployments;

/// <summary>The status and conditions that a Deployment's ReplicaSets amount to. Pure.</summary>
internal static class DeploymentStatusPlan
{
    private const string Progressing = "Progressing";
    private const string Available = "Available";
    private const string ReplicaFailure = "ReplicaFailure";

    /// <param name="newSet">The set of the current template, when it exists.</param>
    /// <param name="newSetEvent">"NewReplicaSetCreated" or "FoundNewReplicaSet" when this round did so.</param>
    /// <param name="recheck">When the progress deadline will pass.</param>
    public static V1DeploymentStatus Compute(V1Deployment deployment, V1ReplicaSet? newSet, IReadOnlyList<V1ReplicaSet> all, (string Reason, string Message)? newSetEvent, DateTimeOffset now, out TimeSpan? recheck)
    {
        recheck = null;
        var desired = RollingPlan.Desired(deployment);
        var replicas = all.Sum(r => r.Status?.Replicas ?? 0);
        var updated = newSet?.Status?.Replicas ?? 0;
        var ready = all.Sum(r => r.Status?.ReadyReplicas ?? 0);
        var available = all.Sum(r => r.Status?.AvailableReplicas ?? 0);
        var status = new V1DeploymentStatus
        {
            ObservedGeneration = deployment.Metadata.Generation,
            Replicas = NullIfZero(replicas),
            UpdatedReplicas = NullIfZero(updated),
            ReadyReplicas = NullIfZero(ready),
            AvailableReplicas = NullIfZero(available),
            UnavailableReplicas = NullIfZero(Math.Max(0, all.Sum(RollingPlan.Replicas) - available)),
            TerminatingReplicas = all.Sum(r => r.Status?.TerminatingReplicas ?? 0),
            CollisionCount = deployment.Status?.CollisionCount,
            Conditions = deployment.Status?.Conditions?.Select(Copy).ToList() ?? [],
        };

        var enough = available >= desired - RollingPlan.Bounds.Of(deployment).MaxUnavailable;
        Set(status.Conditions, Available, enough ? "True" : "False",
            enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.", now, touch: false);

        if (deployment.Spec.ProgressDeadlineSeconds is { } deadline and < int.MaxValue)
            ComputeProgress(deployment, newSet, status, newSetEvent, TimeSpan.FromSeconds(deadline), now, out recheck);

        var failed = (newSet is null ? [] : (V1ReplicaSet[])[newSet]).Concat(all).SelectMany(r => r.Status?.Conditions ?? []).FirstOrDefault(c => c.Type == ReplicaFailure);
        if (failed is not null)
            Set(status.Conditions, ReplicaFailure, failed.Status, failed.Reason, failed.Message, now, touch: false);
        else
            Remove(status.Conditions, ReplicaFailure);
        if (status.Conditions.Count == 0)
            status.Conditions = null;
        return status;
    }

    /// <summary>Every replica is of the new template and available, and no other is left.</summary>
    public static bool IsComplete(V1Deployment deployment, V1DeploymentStatus status) =>
        (status.UpdatedReplicas ?? 0) == RollingPlan.Desired(deployment) && (status.Replicas ?? 0) == RollingPlan.Desired(deployment) &&
        (status.AvailableReplicas ?? 0) == RollingPlan.Desired(deployment) && status.ObservedGeneration >= deployment.Metadata.Generation;

    private static void ComputeProgress(V1Deployment deployment, V1ReplicaSet? newSet, V1DeploymentStatus status, (string Reason, string Message)? newSetEvent, TimeSpan deadline, DateTimeOffset now, out TimeSpan? recheck)
    {
        recheck = null;
        var subject = newSet is null ? $"Deployment \"{deployment.Metadata.Name}\"" : $"ReplicaSet \"{newSet.Metadata.Name}\"";
        var current = status.Conditions.FirstOrDefault(c => c.Type == Progressing);
        if (deployment.Spec.Paused == true)
        {
            // That it came to nothing in its time is said still.
            if (current?.Reason is not ("DeploymentPaused" or "ProgressDeadlineExceeded"))
                Set(status.Conditions, Progressing, "Unknown", "DeploymentPaused", "Deployment is paused", now, touch: true);
            return;
        }
        if (current?.Reason == "DeploymentPaused")
        {
            Set(status.Conditions, Progressing, "Unknown", "DeploymentResumed", "Deployment is resumed", now, touch: true);
            current = status.Conditions.First(c => c.Type == Progressing);
        }
        if (newSetEvent is { } happened)
        {
            Set(status.Conditions, Progressing, "True", happened.Reason, happened.Message, now, touch: true);
            current = status.Conditions.First(c => c.Type == Progressing);
        }

        if (IsComplete(deployment, status))
        {
            if (current?.Reason != "NewReplicaSetAvailable")
                Set(status.Conditions, Progressing, "True", "NewReplicaSetAvailable", $"{subject} has successfully progressed.", now, touch: true);
        }
        else if (HasProgressed(deployment.Status, status))
        {
            Set(status.Conditions, Progressing, "True", "ReplicaSetUpdated", $"{subject} is progressing.", now, touch: true);
            recheck = deadline;
        }
        else if (current is { Reason: not "NewReplicaSetAvailable" and not "ProgressDeadlineExceeded" })
        {
            var passed = now.UtcDateTime - (current.LastUpdateTime ?? now.UtcDateTime).ToUniversalTime();
            if (passed > deadline)
                Set(status.Conditions, Progressing, "False", "ProgressDeadlineExceeded", $"{subject} has timed out progressing.", now, touch: true);
            else
                recheck = deadline - passed + TimeSpan.FromSeconds(1);
        }
    }

    private static bool HasProgressed(V1DeploymentStatus? old, V1DeploymentStatus status) =>
        (status.UpdatedReplicas ?? 0) > (old?.UpdatedReplicas ?? 0) ||
        (status.Replicas ?? 0) - (status.UpdatedReplicas ?? 0) < (old?.Replicas ?? 0) - (old?.UpdatedReplicas ?? 0) ||
        (status.ReadyReplicas ?? 0) > (old?.ReadyReplicas ?? 0) ||
        (status.AvailableReplicas ?? 0) > (old?.AvailableReplicas ?? 0);

    /// <param name="touch">The update time moves even when nothing else changes.</param>
    private static void Set(IList<V1DeploymentCondition> conditions, string type, string status, string? reason, string? message, DateTimeOffset now, bool touch)
    {
        var current = conditions.FirstOrDefault(c => c.Type == type);
        if (current is not null && current.Status == status && current.Reason == reason && (!touch || current.Message == message))
            return;
        var since = current?.Status == status ? current.LastTransitionTime : now.UtcDateTime;
        Remove(conditions, type);
        conditions.Add(new V1DeploymentCondition { Type = type, Status = status, Reason = reason, Message = message, LastUpdateTime = now.UtcDateTime, LastTransitionTime = since });
    }

    private static void Remove(IList<V1DeploymentCondition> conditions, string type)
    {
        for (var i = conditions.Count - 1; i >= 0; i--)
        {
            if (conditions[i].Type == type)
                conditions.RemoveAt(i);
        }
    }

    private static V1DeploymentCondition Copy(V1DeploymentCondition c) => new()
    {
        Type = c.Type,
        Status = c.Status,
        Reason = c.Reason,
        Message = c.Message,
        LastUpdateTime = c.LastUpdateTime,
        LastTransitionTime = c.LastTransitionTime,
    };

    private static int? NullIfZero(int count) => count == 0 ? null : count;
}
