using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>How many replicas a metric asks for (https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#algorithm-details). Pure.</summary>
/// <param name="pods">That the target's selector matches.</param>
internal sealed class ReplicaCalculator(IReadOnlyCollection<V1Pod> pods, Tolerances tolerances, DateTimeOffset now)
{
    /// <summary>For so long after its start a pod's CPU use says little unless the pod is ready.</summary>
    private static readonly TimeSpan CpuInitializationPeriod = TimeSpan.FromMinutes(5);

    /// <summary>A pod that became unready so soon after its start was never ready.</summary>
    private static readonly TimeSpan InitialReadinessDelay = TimeSpan.FromSeconds(30);

    /// <summary>The share of what the pods request.</summary>
    /// <param name="target">In percent.</param>
    /// <param name="container">Null for whole pods.</param>
    public ReplicaProposal ByUtilization(int current, int target, IReadOnlyDictionary<string, PodMetric> metrics, string resource, string? container)
    {
        var groups = Group(metrics, resource);
        var requests = Requests(resource, container);
        var (ratio, utilization, average) = Utilization(groups.Metrics, requests, target);
        var replicas = Propose(current, groups, ratio, requests, fallback: pod => requests[pod] * Math.Max(100, target) / 100, values => Utilization(values, requests, target).Ratio);
        return new ReplicaProposal(replicas, average, utilization);
    }

    /// <summary>An amount per pod, in thousandths.</summary>
    /// <param name="resource">"" for a metric that is no resource.</param>
    public ReplicaProposal ByAverage(int current, long target, IReadOnlyDictionary<string, PodMetric> metrics, string resource)
    {
        var groups = Group(metrics, resource);
        var (ratio, average) = Usage(groups.Metrics, target);
        var replicas = Propose(current, groups, ratio, null, fallback: _ => target, values => Usage(values, target).Ratio);
        return new ReplicaProposal(replicas, average);
    }

    /// <summary>One value for all pods together, in thousandths.</summary>
    public ReplicaProposal ByValue(int current, long target, long value)
    {
        var ratio = (double)value / target;
        if (current == 0)
            return new ReplicaProposal(Ceiling(ratio), value);
        if (tolerances.Include(ratio))
            return new ReplicaProposal(current, value);
        if (pods.Count == 0)
            throw new MetricException("unable to calculate ready pods: no pods returned by selector while calculating replica count");
        return new ReplicaProposal(Ceiling(ratio * pods.Count(p => p.Status?.Phase == "Running" && p.IsReady())), value);
    }

    /// <summary>One value that is shared out among the pods that there are.</summary>
    public ReplicaProposal ByValuePerPod(int current, long target, long value)
    {
        var ratio = value / ((double)target * current);
        var replicas = tolerances.Include(ratio) ? current : Ceiling((double)value / target);
        return new ReplicaProposal(replicas, current == 0 ? 0 : (long)Math.Ceiling((double)value / current));
    }

    /// <summary>
    /// Pods of which nothing is known count as what changes least: none used when growing, all of it when shrinking. What
    /// turns the direction by that changes nothing.
    /// </summary>
    private int Propose(int current, Groups groups, double ratio, Dictionary<string, long>? requests, Func<string, long> fallback, Func<Dictionary<string, long>, double> ratioOf)
    {
        var growsWithUnready = groups.Unready.Count > 0 && ratio > 1.0;
        if (!growsWithUnready && groups.Missing.Count == 0)
            return tolerances.Include(ratio) ? current : Ceiling(ratio * groups.Ready);
        var values = new Dictionary<string, long>(groups.Metrics, StringComparer.Ordinal);
        foreach (var pod in groups.Missing.Where(p => requests?.ContainsKey(p) != false))
        {
            if (ratio < 1.0)
                values[pod] = fallback(pod);
            else if (ratio > 1.0)
                values[pod] = 0;
        }
        if (growsWithUnready)
        {
            foreach (var pod in groups.Unready)
                values[pod] = 0;
        }
        var next = ratioOf(values);
        if (tolerances.Include(next) || (ratio < 1.0 && next > 1.0) || (ratio > 1.0 && next < 1.0))
            return current;
        var replicas = Ceiling(next * values.Count);
        return (next < 1.0 && replicas > current) || (next > 1.0 && replicas < current) ? current : replicas;
    }

    private Groups Group(IReadOnlyDictionary<string, PodMetric> metrics, string resource)
    {
        if (pods.Count == 0)
            throw new MetricException("no pods returned by selector while calculating replica count");
        var values = metrics.ToDictionary(m => m.Key, m => m.Value.Value, StringComparer.Ordinal);
        var (ready, unready, missing) = (0, new List<string>(), new List<string>());
        foreach (var pod in pods)
        {
            var name = pod.Metadata.Name;
            if (pod.IsTerminating() || pod.Status?.Phase == "Failed")
            {
                values.Remove(name);
            }
            else if (pod.Status?.Phase == "Pending")
            {
                unready.Add(name);
                values.Remove(name);
            }
            else if (!metrics.TryGetValue(name, out var metric))
            {
                missing.Add(name);
            }
            else if (resource == "cpu" && IsUnready(pod, metric))
            {
                unready.Add(name);
                values.Remove(name);
            }
            else
            {
                ready++;
            }
        }
        return values.Count == 0
            ? throw new MetricException("did not receive metrics for targeted pods (pods might be unready)")
            : new Groups(values, ready, unready, missing);
    }

    private bool IsUnready(V1Pod pod, PodMetric metric)
    {
        if (pod.ReadyCondition() is not { } condition || pod.Status.StartTime is not { } start)
            return true;
        var since = condition.LastTransitionTime?.ToUniversalTime() ?? DateTime.MinValue;
        // While it starts up, a sample counts only when all of it was taken of a ready pod.
        if (start.ToUniversalTime() + CpuInitializationPeriod > now.UtcDateTime)
            return condition.Status == "False" || metric.Timestamp.UtcDateTime < since + metric.Window;
        return condition.Status == "False" && start.ToUniversalTime() + InitialReadinessDelay > since;
    }

    private Dictionary<string, long> Requests(string resource, string? container)
    {
        var requests = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            var sum = 0L;
            var containers = pod.Spec.Containers.Concat((pod.Spec.InitContainers ?? []).Where(c => c.RestartPolicy == "Always"));
            foreach (var one in containers.Where(c => container is null || c.Name == container))
            {
                if (one.Resources?.Requests?.TryGetValue(resource, out var request) != true)
                    throw new MetricException($"missing request for {resource} in container {one.Name} of Pod {pod.Metadata.Name}");
                sum += Quantity.Parse(request!.ToString()).ToMilli();
            }
            requests[pod.Metadata.Name] = sum;
        }
        return requests;
    }

    private static (double Ratio, int Utilization, long Average) Utilization(Dictionary<string, long> metrics, Dictionary<string, long> requests, int target)
    {
        Int128 used = 0, requested = 0;
        var count = 0;
        foreach (var (pod, value) in metrics)
        {
            // A metric of a pod that is none of the target's.
            if (!requests.TryGetValue(pod, out var request))
                continue;
            used += value;
            requested += request;
            count++;
        }
        if (requested == 0)
            throw new MetricException("no metrics returned matched known pods");
        var utilization = (int)Int128.Clamp(used * 100 / requested, int.MinValue, int.MaxValue);
        return ((double)utilization / target, utilization, (long)(used / count));
    }

    private static (double Ratio, long Average) Usage(Dictionary<string, long> metrics, long target)
    {
        Int128 used = 0;
        foreach (var value in metrics.Values)
            used += value;
        var average = (long)(used / metrics.Count);
        return ((double)average / target, average);
    }

    private static int Ceiling(double replicas) => (int)Math.Min(int.MaxValue, Math.Ceiling(replicas));

    private sealed record Groups(Dictionary<string, long> Metrics, int Ready, List<string> Unready, List<string> Missing);
}
