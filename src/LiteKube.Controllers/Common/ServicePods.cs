using System.Globalization;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Common;

/// <summary>How Services and Pods belong together: shared by Endpoints and EndpointSlices.</summary>
internal static class ServicePods
{
    public const string HeadlessLabel = "service.kubernetes.io/headless";
    public const string TriggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

    public static bool Selects(this V1Service service, V1Pod pod) => Selects(service, pod.Metadata.Labels);

    /// <summary>Endpoints are kept for Services that name their pods by labels; others bring their own.</summary>
    public static bool HasManagedEndpoints(this V1Service service) => service.Spec.Selector is { Count: > 0 } && service.Spec.Type != "ExternalName";

    public static bool IsHeadless(this V1Service service) => service.Spec.ClusterIP is null or "" or "None";

    public static IEnumerable<ObjectKey> Selecting(IInformer<V1Service> services, V1Pod pod) =>
        pod.Metadata.Labels is not { Count: > 0 } ? [] : services.List(pod.Metadata.NamespaceProperty).Where(s => s.Selects(pod)).Select(s => ObjectKey.Of(s));

    /// <summary>Queues the Services that a pod's change concerns, and none for a change that no endpoint shows.</summary>
    public static InformerHandler<V1Pod> Handler(IInformer<V1Service> services, Action<ObjectKey> queue) => new(
        OnAdd: pod => QueueAll(Selecting(services, pod), queue),
        OnUpdate: (old, pod) =>
        {
            if (ReferenceEquals(old, pod))
                return;
            var relabelled = !SameLabels(old.Metadata.Labels, pod.Metadata.Labels);
            if (relabelled)
                QueueAll(Selecting(services, old), queue);
            if (relabelled || IsChanged(old, pod))
                QueueAll(Selecting(services, pod), queue);
        },
        OnDelete: pod => QueueAll(Selecting(services, pod), queue));

    /// <summary>The pod has an address to serve on and has not ended.</summary>
    public static bool HasEndpoint(this V1Pod pod) => pod.Status?.Phase is not ("Succeeded" or "Failed") && IpOf(pod, null) is not null;

    /// <param name="family">IPv4 or IPv6; null takes the primary address.</param>
    public static string? IpOf(V1Pod pod, string? family)
    {
        var status = pod.Status;
        var addresses = status?.PodIPs is { Count: > 0 } all ? all.Select(a => a.Ip) : [status?.PodIP ?? ""];
        return addresses.FirstOrDefault(ip => !string.IsNullOrEmpty(ip) && (family is null || Family(ip) == family));
    }

    public static string Family(string ip) => ip.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4";

    public static IReadOnlyList<string> Families(V1Service service)
    {
        if (service.Spec.IpFamilies is { Count: > 0 } families)
            return [.. families];
        return service.Spec.ClusterIP is { Length: > 0 } ip and not "None" ? [Family(ip)] : ["IPv4"];
    }

    /// <summary>The number behind a Service's port on this pod; a named port may differ from pod to pod. Null where the pod lacks it.</summary>
    public static int? Resolve(V1ServicePort port, V1Pod pod)
    {
        var target = port.TargetPort?.Value;
        if (string.IsNullOrEmpty(target) || target == "0")
            return port.Port;
        if (int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number;
        var containers = pod.Spec.Containers.Concat((pod.Spec.InitContainers ?? []).Where(c => c.RestartPolicy == "Always"));
        return containers.SelectMany(c => c.Ports ?? []).FirstOrDefault(p => p.Name == target && (p.Protocol ?? "TCP") == (port.Protocol ?? "TCP"))?.ContainerPort;
    }

    /// <summary>The name under which the Service's domain knows this pod.</summary>
    public static string? HostnameIn(V1Service service, V1Pod pod) =>
        !string.IsNullOrEmpty(pod.Spec.Hostname) && pod.Spec.Subdomain == service.Metadata.Name ? pod.Spec.Hostname : null;

    public static V1ObjectReference ReferenceTo(V1Pod pod) => new()
    {
        Kind = "Pod",
        Name = pod.Metadata.Name,
        NamespaceProperty = pod.Metadata.NamespaceProperty,
        Uid = pod.Metadata.Uid,
    };

    /// <summary>A namespace that is going away refuses new objects; nothing is left to do for them.</summary>
    public static bool IsNamespaceTerminating(this KubeApiException exception) => exception.Status.Details?.Causes?.Any(c => c.Reason == "NamespaceTerminating") == true;

    private static bool Selects(V1Service service, IDictionary<string, string>? labels) =>
        service.Spec.Selector is { Count: > 0 } selector && labels is not null && selector.All(pair => labels.TryGetValue(pair.Key, out var value) && value == pair.Value);

    private static bool IsChanged(V1Pod old, V1Pod pod) =>
        old.IsReady() != pod.IsReady() || old.IsTerminating() != pod.IsTerminating() || old.Status?.Phase != pod.Status?.Phase || old.Spec.NodeName != pod.Spec.NodeName
        || old.Spec.Hostname != pod.Spec.Hostname || old.Spec.Subdomain != pod.Spec.Subdomain || old.Status?.PodIP != pod.Status?.PodIP || old.Metadata.Uid != pod.Metadata.Uid
        || !(old.Status?.PodIPs ?? []).Select(a => a.Ip).SequenceEqual((pod.Status?.PodIPs ?? []).Select(a => a.Ip));

    public static bool SameLabels(IDictionary<string, string>? left, IDictionary<string, string>? right) =>
        (left?.Count ?? 0) == (right?.Count ?? 0) && (left is null || right is null || left.All(pair => right.TryGetValue(pair.Key, out var value) && value == pair.Value));

    private static void QueueAll(IEnumerable<ObjectKey> keys, Action<ObjectKey> queue)
    {
        foreach (var key in keys)
            queue(key);
    }
}
