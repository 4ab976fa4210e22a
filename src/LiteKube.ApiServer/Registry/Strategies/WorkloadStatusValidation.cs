using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Statuses of the kinds that make pods: counts that are none, or more than the whole, are refused.</summary>
internal static class WorkloadStatusValidation
{
    private const string MoreThanAll = "cannot be greater than status.replicas";
    private static readonly FieldPath Status = FieldPath.Of("status");

    public static void Deployment(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var status = value.Obj("status");
        Checks.NonNegative(errors, status, Status, "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas", "collisionCount");
        NotMore(errors, status, "replicas", MoreThanAll, "updatedReplicas", "readyReplicas", "availableReplicas");
        NotMore(errors, status, "readyReplicas", "cannot be greater than readyReplicas", "availableReplicas");
        Collisions(errors, status, old);
    }

    public static void ReplicaSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var status = value.Obj("status");
        Checks.NonNegative(errors, status, Status, "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas", "observedGeneration");
        NotMore(errors, status, "replicas", MoreThanAll, "fullyLabeledReplicas", "readyReplicas", "availableReplicas");
        NotMore(errors, status, "readyReplicas", "cannot be greater than readyReplicas", "availableReplicas");
    }

    public static void StatefulSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var status = value.Obj("status");
        Checks.NonNegative(errors, status, Status, "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount");
        NotMore(errors, status, "replicas", MoreThanAll, "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas");
        NotMore(errors, status, "readyReplicas", "cannot be greater than status.readyReplicas", "availableReplicas");
        Collisions(errors, status, old);
    }

    public static void DaemonSet(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var status = value.Obj("status");
        Checks.NonNegative(errors, status, Status, "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount");
        Collisions(errors, status, old);
    }

    private static void NotMore(FieldErrors errors, JsonObject? status, string bound, string words, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (status.Long(field) > status.Long(bound))
                errors.Invalid(Status.Child(field), status.Long(field), words);
        }
    }

    private static void Collisions(FieldErrors errors, JsonObject? status, JsonObject? old)
    {
        if (old.Obj("status").LongOrNull("collisionCount") is { } before && status.Long("collisionCount") < before)
            errors.Invalid(Status.Child("collisionCount"), status.Long("collisionCount"), "cannot be decremented");
    }
}
