using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Scheduler.Cache;

/// <summary>One version of a pod with what scheduling derives from it, computed once.</summary>
public sealed class PodInfo
{
    public PodInfo(V1Pod pod)
    {
        Pod = pod;
        Key = ObjectKey.Of(pod);
        Uid = pod.Metadata.Uid ?? "";
        Requests = PodRequests.Compute(pod);
        NonZeroRequests = PodRequests.ComputeNonZero(pod);
        HostPorts = HostPort.Of(pod);
        Affinity = PodAffinityTerms.Of(pod);
        Tolerations = pod.Spec.Tolerations ?? [];
        LabelSet = LabelSet.Of(Namespace, pod.Metadata.Labels);
        NodeSelector = pod.Spec.NodeSelector is { Count: > 0 } selector ? [.. selector] : [];
    }

    public V1Pod Pod { get; }
    public ObjectKey Key { get; }
    public string Uid { get; }
    public string Namespace => Key.Namespace;
    public int Priority => Pod.Spec.Priority ?? 0;
    public Resources Requests { get; }

    /// <summary>With a small default for containers that request nothing; for scoring only.</summary>
    public Resources NonZeroRequests { get; }

    public IReadOnlyList<HostPort> HostPorts { get; }

    /// <summary>null for a pod without pod affinity or anti-affinity.</summary>
    public PodAffinityTerms? Affinity { get; }

    public IList<V1Toleration> Tolerations { get; }

    public IDictionary<string, string>? Labels => Pod.Metadata.Labels;

    public LabelSet LabelSet { get; }

    /// <summary>spec.nodeSelector as an array: it is gone through for every node.</summary>
    public KeyValuePair<string, string>[] NodeSelector { get; }

    public bool IsTerminating => Pod.Metadata.DeletionTimestamp is not null;

    /// <summary>The scheduler that is to place it: spec.schedulerName, which the API server defaults.</summary>
    public string SchedulerName => string.IsNullOrEmpty(Pod.Spec.SchedulerName) ? SchedulerOptions.DefaultSchedulerName : Pod.Spec.SchedulerName;

    /// <summary>Where preemption makes room for it; empty when nowhere.</summary>
    public string NominatedNode => Pod.Status?.NominatedNodeName ?? "";

    public override string ToString() => Key.ToString();
}

/// <summary>A port of the host that a pod's container takes.</summary>
public readonly record struct HostPort(string Address, string Protocol, int Port)
{
    private const string AnyAddress = "0.0.0.0";

    public static IReadOnlyList<HostPort> Of(V1Pod pod)
    {
        List<HostPort>? ports = null;
        foreach (var container in (pod.Spec.InitContainers ?? []).Where(container => container.RestartPolicy == "Always").Concat(pod.Spec.Containers ?? []))
        {
            foreach (var port in container.Ports ?? [])
            {
                if (port.HostPort is > 0 and var number)
                    (ports ??= []).Add(new HostPort(string.IsNullOrEmpty(port.HostIP) ? AnyAddress : port.HostIP, string.IsNullOrEmpty(port.Protocol) ? "TCP" : port.Protocol, number));
            }
        }
        return ports ?? (IReadOnlyList<HostPort>)[];
    }

    public bool ConflictsWith(HostPort other) =>
        Port == other.Port && Protocol == other.Protocol && (Address == other.Address || Address == AnyAddress || other.Address == AnyAddress);
}
