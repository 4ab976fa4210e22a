using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Plugins;

/// <summary>
/// Constraints for pods that have none: the cluster's (defaultingType List), or the built-in ones (System). What is
/// spread is what belongs together by Services and the pod's controller
/// (https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#internal-default-constraints).
/// </summary>
internal sealed class DefaultSpread(ISharedInformers informers, IReadOnlyList<V1TopologySpreadConstraint>? constraints)
{
    private const string ScheduleAnyway = "ScheduleAnyway";

    private static readonly IReadOnlyList<V1TopologySpreadConstraint> BuiltIn =
    [
        new() { TopologyKey = PodTopologySpread.Hostname, WhenUnsatisfiable = ScheduleAnyway, MaxSkew = 3 },
        new() { TopologyKey = NodeInfo.ZoneLabel, WhenUnsatisfiable = ScheduleAnyway, MaxSkew = 5 },
    ];

    /// <summary>Nodes without a zone are still spread over by host.</summary>
    public bool IsSystem => constraints is null;

    public SpreadConstraint[] Of(PodInfo pod, string whenUnsatisfiable)
    {
        var wanted = (constraints ?? BuiltIn).Where(constraint => constraint.WhenUnsatisfiable == whenUnsatisfiable).ToList();
        if (wanted.Count == 0 || SelectorOf(pod) is not { IsEverything: false } selector)
            return [];
        return [.. wanted.Select(constraint => new SpreadConstraint(constraint, pod, selector))];
    }

    /// <summary>All that Services and the controller ask for together; everything when nothing selects the pod.</summary>
    private LabelSelector SelectorOf(PodInfo pod)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var service in informers.Get<V1Service>().List(pod.Namespace))
        {
            if (service.Spec?.Selector is { Count: > 0 } selector && Covers(pod, selector))
                Merge(labels, selector);
        }
        if (pod.Pod.Metadata.OwnerReferences?.FirstOrDefault(reference => reference.Controller == true) is not { } owner)
            return LabelSelector.From(labels);
        var key = new ObjectKey(pod.Namespace, owner.Name);
        switch (owner.ApiVersion, owner.Kind)
        {
            case ("v1", "ReplicationController"):
                Merge(labels, informers.Get<V1ReplicationController>().Find(key)?.Spec.Selector);
                return LabelSelector.From(labels);
            case ("apps/v1", "ReplicaSet"):
                return And(labels, informers.Get<V1ReplicaSet>().Find(key)?.Spec.Selector);
            case ("apps/v1", "StatefulSet"):
                return And(labels, informers.Get<V1StatefulSet>().Find(key)?.Spec.Selector);
            default:
                return LabelSelector.From(labels);
        }
    }

    private static LabelSelector And(Dictionary<string, string> labels, V1LabelSelector? selector)
    {
        if (selector is null)
            return LabelSelector.From(labels);
        // Both select the pod, so they cannot contradict each other.
        Merge(labels, selector.MatchLabels);
        return LabelSelector.From(new V1LabelSelector { MatchLabels = labels, MatchExpressions = selector.MatchExpressions });
    }

    private static bool Covers(PodInfo pod, IDictionary<string, string> selector)
    {
        foreach (var (key, value) in selector)
        {
            if (pod.Labels is not { } labels || !labels.TryGetValue(key, out var own) || own != value)
                return false;
        }
        return true;
    }

    private static void Merge(Dictionary<string, string> labels, IDictionary<string, string>? more)
    {
        foreach (var (key, value) in more ?? new Dictionary<string, string>())
            labels[key] = value;
    }
}
