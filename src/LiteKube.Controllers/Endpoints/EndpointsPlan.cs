using System.Text;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Endpoints;

/// <summary>A Service's Endpoints object as its pods stand. Pure.</summary>
internal static class EndpointsPlan
{
    public const int MaxAddresses = 1000;
    public const string OverCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
    private const string ManagedByLabel = "endpoints.kubernetes.io/managed-by";
    private const string Controller = "endpoint-controller";

    /// <returns>What to write; null when the current object says it already.</returns>
    public static V1Endpoints? Compute(V1Service service, IEnumerable<V1Pod> pods, V1Endpoints? current, string? triggerTime)
    {
        var subsets = Subsets(service, pods);
        var truncated = Truncate(subsets);
        var labels = Labels(service);
        var wanted = current is null
            ? new V1Endpoints { ApiVersion = "v1", Kind = "Endpoints", Metadata = new V1ObjectMeta { Name = service.Metadata.Name, NamespaceProperty = service.Metadata.NamespaceProperty } }
            : KubeJson.Clone(current);
        var annotations = wanted.Metadata.Annotations ?? new Dictionary<string, string>();
        if (current is not null && Same(current.Subsets, subsets) && ServicePods.SameLabels(current.Metadata.Labels, labels) && annotations.ContainsKey(OverCapacityAnnotation) == truncated)
            return null;
        Set(annotations, OverCapacityAnnotation, truncated ? "truncated" : null);
        Set(annotations, ServicePods.TriggerTimeAnnotation, triggerTime);
        wanted.Metadata.Annotations = annotations.Count == 0 ? null : annotations;
        wanted.Metadata.Labels = labels;
        wanted.Subsets = subsets.Count == 0 ? null : [.. subsets];
        return wanted;
    }

    private static List<V1EndpointSubset> Subsets(V1Service service, IEnumerable<V1Pod> pods)
    {
        var family = ServicePods.Families(service)[0];
        var unready = service.Spec.PublishNotReadyAddresses == true;
        var subsets = new SortedDictionary<string, V1EndpointSubset>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(p => p.HasEndpoint() && (unready || !p.IsTerminating())))
        {
            if (ServicePods.IpOf(pod, family) is not { } ip || PortsOf(service, pod) is not { } ports)
                continue;
            var key = KeyOf(ports);
            if (!subsets.TryGetValue(key, out var subset))
                subsets[key] = subset = new V1EndpointSubset { Addresses = [], NotReadyAddresses = [], Ports = ports.Count == 0 ? null : ports };
            (unready || pod.IsReady() ? subset.Addresses : subset.NotReadyAddresses).Add(new V1EndpointAddress
            {
                Ip = ip,
                Hostname = ServicePods.HostnameIn(service, pod),
                NodeName = pod.Spec.NodeName is { Length: > 0 } node ? node : null,
                TargetRef = ServicePods.ReferenceTo(pod),
            });
        }
        foreach (var subset in subsets.Values)
        {
            subset.Addresses = Sorted(subset.Addresses);
            subset.NotReadyAddresses = Sorted(subset.NotReadyAddresses);
        }
        return [.. subsets.Values];
    }

    /// <summary>Null when the pod has none of the Service's ports.</summary>
    private static List<Corev1EndpointPort>? PortsOf(V1Service service, V1Pod pod)
    {
        if (service.Spec.Ports is not { Count: > 0 } wanted)
            return service.IsHeadless() ? [] : null;
        var ports = new List<Corev1EndpointPort>();
        foreach (var port in wanted)
        {
            if (ServicePods.Resolve(port, pod) is { } number)
                ports.Add(new Corev1EndpointPort { Name = port.Name is { Length: > 0 } name ? name : null, Port = number, Protocol = port.Protocol ?? "TCP", AppProtocol = port.AppProtocol });
        }
        ports.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return ports.Count == 0 ? null : ports;
    }

    /// <summary>At most 1000 addresses in all, ready ones first, each subset giving up the same share.</summary>
    private static bool Truncate(List<V1EndpointSubset> subsets)
    {
        var ready = subsets.Sum(s => s.Addresses?.Count ?? 0);
        var notReady = subsets.Sum(s => s.NotReadyAddresses?.Count ?? 0);
        if (ready + notReady <= MaxAddresses)
            return false;
        Share([.. subsets.Select(s => s.Addresses)], MaxAddresses, (i, kept) => subsets[i].Addresses = kept);
        Share([.. subsets.Select(s => s.NotReadyAddresses)], Math.Max(0, MaxAddresses - ready), (i, kept) => subsets[i].NotReadyAddresses = kept);
        subsets.RemoveAll(s => s.Addresses is null && s.NotReadyAddresses is null);
        return true;
    }

    private static void Share(IList<V1EndpointAddress>?[] lists, int limit, Action<int, IList<V1EndpointAddress>?> keep)
    {
        var total = lists.Sum(l => l?.Count ?? 0);
        if (total <= limit)
            return;
        var counts = lists.Select(l => (int)((long)(l?.Count ?? 0) * limit / total)).ToArray();
        // What rounding left over goes to the first subsets that still have some.
        for (var i = 0; i < counts.Length && counts.Sum() < limit; i++)
            counts[i] += Math.Min((lists[i]?.Count ?? 0) - counts[i], limit - counts.Sum());
        for (var i = 0; i < lists.Length; i++)
            keep(i, counts[i] == 0 ? null : [.. lists[i]!.Take(counts[i])]);
    }

    private static Dictionary<string, string> Labels(V1Service service)
    {
        var labels = new Dictionary<string, string>(service.Metadata.Labels ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        labels.Remove(ServicePods.HeadlessLabel);
        if (service.IsHeadless())
            labels[ServicePods.HeadlessLabel] = "";
        labels[ManagedByLabel] = Controller;
        return labels;
    }

    /// <summary>Made by this controller; an object that somebody wrote by hand stays, with or without a Service.</summary>
    public static bool IsManaged(V1Endpoints value) => value.Metadata.Labels?.TryGetValue(ManagedByLabel, out var controller) == true && controller == Controller;

    private static bool Same(IList<V1EndpointSubset>? current, List<V1EndpointSubset> wanted) => KubeJson.AreEqual(
        new V1Endpoints { Subsets = current is { Count: > 0 } ? current : null },
        new V1Endpoints { Subsets = wanted.Count > 0 ? wanted : null });

    private static IList<V1EndpointAddress>? Sorted(IList<V1EndpointAddress>? addresses) =>
        addresses is not { Count: > 0 } ? null : [.. addresses.OrderBy(a => a.Ip, StringComparer.Ordinal).ThenBy(a => a.TargetRef?.Uid, StringComparer.Ordinal)];

    private static void Set(IDictionary<string, string> annotations, string name, string? value)
    {
        if (value is null)
            annotations.Remove(name);
        else
            annotations[name] = value;
    }

    private static string KeyOf(List<Corev1EndpointPort> ports)
    {
        var key = new StringBuilder();
        foreach (var port in ports)
            key.Append(port.Name).Append('/').Append(port.Port).Append('/').Append(port.Protocol).Append('/').Append(port.AppProtocol).Append(';');
        return key.ToString();
    }
}
