using k8s.Models;

namespace LiteKube.Controllers.Jobs;

/// <summary>What a Job's podFailurePolicy says of one failed pod (https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy). Pure.</summary>
/// <param name="Action">Of the first rule that matches: FailJob, FailIndex, Ignore, Count; null when none does.</param>
/// <param name="FailJobMessage">For FailJob: what the Job's condition says.</param>
internal readonly record struct PodFailureVerdict(string? Action, string? FailJobMessage)
{
    /// <summary>Towards the backoff limits.</summary>
    public bool Counts => Action != "Ignore";
}

internal static class PodFailureRules
{
    public static PodFailureVerdict Judge(V1PodFailurePolicy? policy, V1Pod pod)
    {
        var rules = policy?.Rules ?? [];
        for (var i = 0; i < rules.Count; i++)
        {
            if (Match(rules[i], pod, i) is { } message)
                return new PodFailureVerdict(rules[i].Action, rules[i].Action == "FailJob" ? message : null);
        }
        return default;
    }

    /// <returns>Why the rule matches; null when it does not.</returns>
    private static string? Match(V1PodFailurePolicyRule rule, V1Pod pod, int index)
    {
        var name = $"{pod.Metadata.NamespaceProperty}/{pod.Metadata.Name}";
        if (rule.OnExitCodes is { } codes)
        {
            return (Ended(pod.Status?.ContainerStatuses, codes) ?? Ended(pod.Status?.InitContainerStatuses, codes)) is { } status
                ? $"Container {status.Name} for pod {name} failed with exit code {status.State.Terminated.ExitCode} matching {rule.Action} rule at index {index}"
                : null;
        }
        var condition = pod.Status?.Conditions?.FirstOrDefault(c => rule.OnPodConditions?.Any(p => p.Type == c.Type && p.Status == c.Status) == true);
        return condition is null ? null : $"Pod {name} has condition {condition.Type} matching {rule.Action} rule at index {index}";
    }

    private static V1ContainerStatus? Ended(IList<V1ContainerStatus>? statuses, V1PodFailurePolicyOnExitCodesRequirement codes) =>
        statuses?.FirstOrDefault(s => s.State?.Terminated is { ExitCode: not 0 } end && (codes.ContainerName is null || codes.ContainerName == s.Name) && codes.OperatorProperty switch
        {
            "In" => codes.Values.Contains(end.ExitCode),
            "NotIn" => !codes.Values.Contains(end.ExitCode),
            _ => false,
        });
}
