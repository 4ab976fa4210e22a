using System.Globalization;
using System.Text;
using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Questions that pods' specs answer.</summary>
internal static class PodSpecs
{
    /// <summary>As Kubernetes' messages name a pod: "name_namespace(uid)".</summary>
    public static string Describe(V1Pod pod) => $"{pod.Metadata.Name}_{pod.Metadata.NamespaceProperty}({pod.Metadata.Uid})";

    public static bool IsSidecar(V1Container container) => container.RestartPolicy == "Always";

    public static bool IsHostNetwork(V1Pod pod) => pod.Spec.HostNetwork == true;

    public static bool IsTerminating(V1Pod pod) => pod.Metadata.DeletionTimestamp is not null;

    public static bool IsFinished(string? phase) => phase is "Succeeded" or "Failed";

    public static IEnumerable<V1Container> InitContainers(V1Pod pod) => pod.Spec.InitContainers ?? [];

    /// <summary>App, init and ephemeral containers.</summary>
    public static V1Container? FindContainer(V1Pod pod, string name) =>
        pod.Spec.Containers.FirstOrDefault(c => c.Name == name) ?? InitContainers(pod).FirstOrDefault(c => c.Name == name)
        ?? EphemeralContainers(pod).FirstOrDefault(c => c.Name == name);

    public static IEnumerable<V1Container> EphemeralContainers(V1Pod pod) => (pod.Spec.EphemeralContainers ?? []).Select(e => new V1Container
    {
        Name = e.Name,
        Image = e.Image,
        ImagePullPolicy = e.ImagePullPolicy,
        Command = e.Command,
        Args = e.Args,
        WorkingDir = e.WorkingDir,
        Env = e.Env,
        EnvFrom = e.EnvFrom,
        VolumeMounts = e.VolumeMounts,
        SecurityContext = e.SecurityContext,
        Stdin = e.Stdin,
        StdinOnce = e.StdinOnce,
        Tty = e.Tty,
        TerminationMessagePath = e.TerminationMessagePath,
        TerminationMessagePolicy = e.TerminationMessagePolicy,
    });

    /// <summary>Changes when a running container no longer fits its spec: the image (the only field that can change in place without a resize).</summary>
    public static string HashOf(V1Container container)
    {
        const uint prime = 16777619;
        var hash = 2166136261;
        foreach (var b in Encoding.UTF8.GetBytes(container.Name + "\0" + container.Image))
            hash = unchecked((hash ^ b) * prime);
        return hash.ToString("x8", CultureInfo.InvariantCulture);
    }

    public static string QosClassOf(V1Pod pod)
    {
        if (!string.IsNullOrEmpty(pod.Status?.QosClass))
            return pod.Status.QosClass;
        var containers = pod.Spec.Containers.Concat(InitContainers(pod)).ToList();
        var guaranteed = containers.Count > 0;
        var any = false;
        foreach (var container in containers)
        {
            foreach (var resource in (string[])["cpu", "memory"])
            {
                var request = Amount(container.Resources?.Requests, resource);
                var limit = Amount(container.Resources?.Limits, resource);
                any |= request is not null || limit is not null;
                guaranteed &= limit is not null && (request is null || request.Value == limit.Value);
            }
        }
        return guaranteed ? "Guaranteed" : any ? "Burstable" : "BestEffort";
    }

    /// <summary>Null when it is not given, or zero.</summary>
    public static Quantity? Amount(IDictionary<string, ResourceQuantity>? list, string resource) =>
        list is not null && list.TryGetValue(resource, out var value) && Quantity.Parse(value.ToString()) is { IsZero: false } quantity ? quantity : null;

    public static TimeSpan GracePeriodOf(V1Pod pod) =>
        TimeSpan.FromSeconds(pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds ?? 30);

    /// <summary>The hostname inside: at most 63 characters, not ending in a dash or dot.</summary>
    public static string HostnameOf(V1Pod pod)
    {
        var name = string.IsNullOrEmpty(pod.Spec.HostnameOverride) ? string.IsNullOrEmpty(pod.Spec.Hostname) ? pod.Metadata.Name : pod.Spec.Hostname : pod.Spec.HostnameOverride;
        return name.Length <= 63 ? name : name[..63].TrimEnd('-', '.');
    }

    /// <summary>"hostname.subdomain.namespace.svc.cluster.local", or null without a subdomain.</summary>
    public static string? FullyQualifiedNameOf(V1Pod pod, string clusterDomain) =>
        string.IsNullOrEmpty(pod.Spec.Subdomain) || !string.IsNullOrEmpty(pod.Spec.HostnameOverride) ? null
            : $"{HostnameOf(pod)}.{pod.Spec.Subdomain}.{pod.Metadata.NamespaceProperty}.svc.{clusterDomain}";
}
