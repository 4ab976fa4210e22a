using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Controllers.ResourceQuotas;

/// <summary>What objects count for in quotas, by the names that spec.hard uses. Pure.</summary>
internal static class QuotaUsage
{
    public const string ResourceClaims = "resourceclaims.resource.k8s.io";

    private const string OfStorageClass = ".storageclass.storage.k8s.io/";
    private const string DevicesOfClass = ".deviceclass.resource.k8s.io/devices";

    /// <summary>What a request for all devices may get at the most: a claim holds no more.</summary>
    private const long MaxDevices = 32;

    public static void AddPod(Dictionary<string, Quantity> usage, V1Pod pod)
    {
        Count(usage, "count/pods", 1);
        if (pod.Status?.Phase is "Succeeded" or "Failed")
            return;
        Count(usage, "pods", 1);
        foreach (var (name, quantity) in PodResources.Requests(pod.Spec))
        {
            Add(usage, "requests." + name, quantity);
            if (name is "cpu" or "memory" or "ephemeral-storage" || name.StartsWith("hugepages-", StringComparison.Ordinal))
                Add(usage, name, quantity);
        }
        foreach (var (name, quantity) in PodResources.Limits(pod.Spec))
            Add(usage, "limits." + name, quantity);
    }

    public static void AddService(Dictionary<string, Quantity> usage, V1Service service)
    {
        Count(usage, "count/services", 1);
        Count(usage, "services", 1);
        var ports = service.Spec?.Ports?.Count ?? 0;
        if (service.Spec?.Type == "LoadBalancer")
            Count(usage, "services.loadbalancers", 1);
        if (service.Spec?.Type == "NodePort" || service.Spec is { Type: "LoadBalancer", AllocateLoadBalancerNodePorts: not false })
            Count(usage, "services.nodeports", ports);
    }

    public static void AddClaim(Dictionary<string, Quantity> usage, V1PersistentVolumeClaim claim)
    {
        Count(usage, "count/persistentvolumeclaims", 1);
        Count(usage, "persistentvolumeclaims", 1);
        var storageClass = claim.Spec?.StorageClassName ?? "";
        if (storageClass.Length > 0)
            Count(usage, storageClass + OfStorageClass + "persistentvolumeclaims", 1);
        if (!PodResources.Read(claim.Spec?.Resources?.Requests).TryGetValue("storage", out var storage))
            return;
        Add(usage, "requests.storage", storage);
        if (storageClass.Length > 0)
            Add(usage, storageClass + OfStorageClass + "requests.storage", storage);
    }

    /// <summary>Devices by their class. Of several subrequests one is granted, so that each class counts the most that one of them asks for.</summary>
    public static void AddDevices(Dictionary<string, Quantity> usage, Resourcev1ResourceClaim claim)
    {
        foreach (var request in claim.Spec?.Devices?.Requests ?? [])
        {
            var asked = request.Exactly is { } exactly
                ? [(exactly.DeviceClassName, DeviceCount(exactly.AllocationMode, exactly.Count))]
                : (request.FirstAvailable ?? []).Select(s => (s.DeviceClassName, DeviceCount(s.AllocationMode, s.Count)));
            foreach (var ofClass in asked.GroupBy(a => a.Item1, a => a.Item2, StringComparer.Ordinal))
                Count(usage, ofClass.Key + DevicesOfClass, ofClass.Max());
        }
    }

    public static bool IsDevices(string name) => name.EndsWith(DevicesOfClass, StringComparison.Ordinal);

    /// <returns>The resource ("deployments.apps") by whose number of objects alone the use of this name may change; null for other names.</returns>
    public static string? CountedResource(string name) => name switch
    {
        "configmaps" or "secrets" or "replicationcontrollers" or "resourcequotas" => name,
        _ when IsDevices(name) => ResourceClaims,
        _ when name.StartsWith("count/", StringComparison.Ordinal) => name["count/".Length..],
        _ => null,
    };

    private static long DeviceCount(string? mode, long? count) => mode switch
    {
        "ExactCount" => count ?? 0,
        "All" => MaxDevices,
        _ => 0,
    };

    private static void Count(Dictionary<string, Quantity> usage, string name, long count) => Add(usage, name, Quantity.FromLong(count));

    private static void Add(Dictionary<string, Quantity> usage, string name, Quantity quantity) =>
        usage[name] = usage.TryGetValue(name, out var sum) ? sum + quantity : quantity;
}
