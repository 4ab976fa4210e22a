using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Kubelet.PodWorkers;

/// <param name="Reason">Of the pod's status: NodeAffinity, NodePorts, OutOfcpu, ...</param>
internal sealed record Refusal(string Reason, string Message);

internal interface INodeAdmission
{
    /// <summary>Null when the pod may run here; else why not.</summary>
    Refusal? Admit(V1Pod pod);

    /// <summary>CPU shares of all burstable pods of the node together: the weight of their class against guaranteed pods.</summary>
    long BurstableShares();
}

/// <summary>The node's own last check of a pod that was put on it, perhaps by hand: does it fit beside what runs here?</summary>
internal sealed class NodeAdmission(Func<V1Node?> node, Func<string, IReadOnlyList<V1Pod>> othersThan) : INodeAdmission
{
    public Refusal? Admit(V1Pod pod)
    {
        if (node() is not { } self)
            return null;
        var others = othersThan(pod.Metadata.Uid);
        if (!MatchesNode(pod, self))
            return new Refusal("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector");
        if (PortsOf(pod).Any(p => others.SelectMany(PortsOf).Any(o => Conflict(p, o))))
            return new Refusal("NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports");
        return CheckResources(pod, self, others);
    }

    public long BurstableShares() =>
        othersThan("").Where(p => PodSpecs.QosClassOf(p) == "Burstable").Sum(p => ContainerResources.ForPod(p).CpuShares);

    private static Refusal? CheckResources(V1Pod pod, V1Node node, IReadOnlyList<V1Pod> others)
    {
        var allocatable = node.Status?.Allocatable;
        if (allocatable is null)
            return null;
        if (PodSpecs.Amount(allocatable, "pods") is { } pods && others.Count + 1 > pods.ToLong())
            return Insufficient("pods", 1, others.Count, pods.ToLong());
        foreach (var resource in Requested(pod))
        {
            if (ContainerResources.Effective(pod, resource, limits: false) is not { } asked)
                continue;
            var used = others.Aggregate(Quantity.Zero, (sum, other) => ContainerResources.Effective(other, resource, limits: false) is { } amount ? sum + amount : sum);
            var capacity = PodSpecs.Amount(allocatable, resource) ?? Quantity.Zero;
            if (used + asked > capacity)
                return resource == "cpu" ? Insufficient(resource, asked.ToMilli(), used.ToMilli(), capacity.ToMilli()) : Insufficient(resource, asked.ToLong(), used.ToLong(), capacity.ToLong());
        }
        return null;
    }

    private static IEnumerable<string> Requested(V1Pod pod) =>
        pod.Spec.Containers.Concat(PodSpecs.InitContainers(pod)).SelectMany(c => (c.Resources?.Requests ?? new Dictionary<string, ResourceQuantity>()).Keys).Distinct(StringComparer.Ordinal);

    private static Refusal Insufficient(string resource, long asked, long used, long capacity) =>
        new("OutOf" + resource, string.Create(CultureInfo.InvariantCulture, $"Node didn't have enough resource: {resource}, requested: {asked}, used: {used}, capacity: {capacity}"));

    private readonly record struct HostPort(int Port, string Protocol, string Ip);

    private static IEnumerable<HostPort> PortsOf(V1Pod pod) =>
        pod.Spec.Containers.Concat(PodSpecs.InitContainers(pod).Where(PodSpecs.IsSidecar)).SelectMany(c => c.Ports ?? []).Where(p => p.HostPort is > 0)
            .Select(p => new HostPort(p.HostPort!.Value, p.Protocol ?? "TCP", string.IsNullOrEmpty(p.HostIP) ? "0.0.0.0" : p.HostIP));

    private static bool Conflict(HostPort a, HostPort b) =>
        a.Port == b.Port && a.Protocol == b.Protocol && (a.Ip == b.Ip || a.Ip is "0.0.0.0" or "::" || b.Ip is "0.0.0.0" or "::");

    private static bool MatchesNode(V1Pod pod, V1Node node)
    {
        var labels = node.Metadata.Labels ?? new Dictionary<string, string>();
        if (pod.Spec.NodeSelector is { } selector && !selector.All(s => labels.TryGetValue(s.Key, out var value) && value == s.Value))
            return false;
        return pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required
            || required.NodeSelectorTerms.Any(term => Matches(term, labels, node.Metadata.Name));
    }

    private static bool Matches(V1NodeSelectorTerm term, IDictionary<string, string> labels, string nodeName)
    {
        var expressions = term.MatchExpressions ?? [];
        var fields = term.MatchFields ?? [];
        // A term that asks nothing matches nothing.
        return expressions.Count + fields.Count > 0
            && expressions.All(e => Matches(e, labels.TryGetValue(e.Key, out var value) ? value : null))
            && fields.All(f => f.Key == "metadata.name" && Matches(f, nodeName));
    }

    private static bool Matches(V1NodeSelectorRequirement requirement, string? value) => requirement.OperatorProperty switch
    {
        "In" => value is not null && requirement.Values.Contains(value),
        "NotIn" => value is null || !requirement.Values.Contains(value),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => Numbers(requirement, value) is { } n && n.Value > n.Bound,
        "Lt" => Numbers(requirement, value) is { } n && n.Value < n.Bound,
        _ => false,
    };

    private static (long Value, long Bound)? Numbers(V1NodeSelectorRequirement requirement, string? value) =>
        requirement.Values is [var text] && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var bound) &&
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? (number, bound) : null;
}
