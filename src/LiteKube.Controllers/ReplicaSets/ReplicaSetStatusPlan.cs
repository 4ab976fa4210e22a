using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.ReplicaSets;

/// <summary>The status that a ReplicaSet's pods amount to. Pure.</summary>
internal static class ReplicaSetStatusPlan
{
    /// <param name="failure">Why this round's creates or deletes failed, if they did.</param>
    /// <param name="changed">This round created or deleted pods.</param>
    /// <param name="recheck">When the next pod becomes available by time alone.</param>
    public static V1ReplicaSetStatus Compute(V1ReplicaSet replicaSet, IReadOnlyList<V1Pod> pods, Exception? failure, bool changed, DateTimeOffset now, out TimeSpan? recheck)
    {
        recheck = null;
        int replicas = 0, labelled = 0, ready = 0, available = 0, terminating = 0;
        // One pass over the pods, of which there may be thousands.
        KeyValuePair<string, string>[] templateLabels = [.. replicaSet.Spec.Template.Metadata?.Labels ?? Enumerable.Empty<KeyValuePair<string, string>>()];
        foreach (var pod in pods)
        {
            if (pod.Status?.Phase is "Succeeded" or "Failed")
                continue;
            if (pod.IsTerminating())
            {
                terminating++;
                continue;
            }
            replicas++;
            if (HasAll(pod.Metadata.Labels, templateLabels))
                labelled++;
            if (!pod.IsReady())
                continue;
            ready++;
            if (pod.IsAvailable(replicaSet.Spec.MinReadySeconds ?? 0, now, out var wait))
                available++;
            else if (wait > TimeSpan.Zero && (recheck is null || wait < recheck))
                recheck = wait;
        }

        return new V1ReplicaSetStatus
        {
            Replicas = replicas,
            FullyLabeledReplicas = NullIfZero(labelled),
            ReadyReplicas = NullIfZero(ready),
            AvailableReplicas = NullIfZero(available),
            TerminatingReplicas = terminating,
            ObservedGeneration = replicaSet.Metadata.Generation,
            Conditions = Conditions(replicaSet, replicas, failure, changed, now),
        };
    }

    private static bool HasAll(IDictionary<string, string>? labels, KeyValuePair<string, string>[] wanted)
    {
        foreach (var (key, value) in wanted)
        {
            if (labels is null || !labels.TryGetValue(key, out var theirs) || theirs != value)
                return false;
        }
        return true;
    }

    private static List<V1ReplicaSetCondition>? Conditions(V1ReplicaSet replicaSet, int replicas, Exception? failure, bool changed, DateTimeOffset now)
    {
        var old = replicaSet.Status?.Conditions?.ToList() ?? [];
        var current = old.Find(c => c.Type == "ReplicaFailure");
        if (failure is not null && current is null)
        {
            old.Add(new V1ReplicaSetCondition
            {
                Type = "ReplicaFailure",
                Status = "True",
                Reason = replicas < (replicaSet.Spec.Replicas ?? 1) ? "FailedCreate" : "FailedDelete",
                Message = (failure as KubeApiException)?.Message ?? failure.Message,
                LastTransitionTime = now.UtcDateTime,
            });
        }
        else if (failure is null && current is not null && (changed || replicas == (replicaSet.Spec.Replicas ?? 1)))
        {
            old.Remove(current);
        }
        return old.Count == 0 ? null : old;
    }

    private static int? NullIfZero(int count) => count == 0 ? null : count;
}
