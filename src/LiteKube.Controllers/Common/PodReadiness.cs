using k8s.Models;

namespace LiteKube.Controllers.Common;

/// <summary>What controllers ask of a Pod's status.</summary>
internal static class PodReadiness
{
    public static bool IsTerminating(this V1Pod pod) => pod.Metadata.DeletionTimestamp is not null;

    /// <summary>Neither finished nor on its way out.</summary>
    public static bool IsActive(this V1Pod pod) => !pod.IsTerminating() && pod.Status?.Phase is not ("Succeeded" or "Failed");

    /// <summary>Asked of every pod of a set at each of its changes, so without an enumerator.</summary>
    public static V1PodCondition? ReadyCondition(this V1Pod pod)
    {
        var conditions = pod.Status?.Conditions;
        for (var i = 0; i < conditions?.Count; i++)
        {
            if (conditions[i].Type == "Ready")
                return conditions[i];
        }
        return null;
    }

    public static bool IsReady(this V1Pod pod) => pod.ReadyCondition()?.Status == "True";

    /// <summary>Ready for at least so long; <paramref name="wait"/> says how much is missing of it.</summary>
    public static bool IsAvailable(this V1Pod pod, int minReadySeconds, DateTimeOffset now, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (pod.ReadyCondition() is not { Status: "True" } ready)
            return false;
        if (minReadySeconds == 0)
            return true;
        if (ready.LastTransitionTime is not { } since)
            return false;
        wait = since.ToUniversalTime().AddSeconds(minReadySeconds) - now.UtcDateTime;
        return wait <= TimeSpan.Zero;
    }
}
