using k8s.Models;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>The conditions of a HorizontalPodAutoscaler: AbleToScale, ScalingActive, ScalingLimited.</summary>
internal static class AutoscalerConditions
{
    public const string AbleToScale = "AbleToScale";
    public const string ScalingActive = "ScalingActive";
    public const string ScalingLimited = "ScalingLimited";

    public static void Set(V2HorizontalPodAutoscaler autoscaler, string type, bool status, string reason, string message, DateTimeOffset now)
    {
        var conditions = autoscaler.Status.Conditions ??= [];
        var condition = conditions.FirstOrDefault(c => c.Type == type);
        if (condition is null)
            conditions.Add(condition = new V2HorizontalPodAutoscalerCondition { Type = type });
        var text = status ? "True" : "False";
        if (condition.Status != text)
            condition.LastTransitionTime = now.UtcDateTime;
        (condition.Status, condition.Reason, condition.Message) = (text, reason, message);
    }
}
