using k8s.Models;

namespace LiteKube.Scheduler.Cache;

/// <summary>
/// What a pod needs of a node (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers):
/// its containers and sidecars together, or the neediest moment of its init phase, whichever is more; pod-level
/// requests instead where given; plus the runtime's overhead.
/// </summary>
internal static class PodRequests
{
    /// <summary>What a container without a request counts for in scoring, so that such pods do not all go to one node.</summary>
    private const long DefaultMilliCpu = 100;
    private const long DefaultMemoryBytes = 200L << 20;

    public static Resources Compute(V1Pod pod) => Compute(pod, nonZero: false);

    public static Resources ComputeNonZero(V1Pod pod) => Compute(pod, nonZero: true);

    private static Resources Compute(V1Pod pod, bool nonZero)
    {
        var total = new Resources();
        foreach (var container in pod.Spec.Containers ?? [])
            total.Add(OfContainer(container, pod.Status?.ContainerStatuses, nonZero));

        var initPeak = new Resources();
        var sidecars = new Resources();
        foreach (var container in pod.Spec.InitContainers ?? [])
        {
            var own = OfContainer(container, pod.Status?.InitContainerStatuses, nonZero);
            if (container.RestartPolicy == "Always")
            {
                // Runs beside all that comes after it, the main containers included.
                total.Add(own);
                sidecars.Add(own);
                initPeak.Max(sidecars);
            }
            else
            {
                own.Add(sidecars);
                initPeak.Max(own);
            }
        }
        total.Max(initPeak);

        if (pod.Spec.Resources?.Requests is { } podLevel)
        {
            foreach (var (name, quantity) in podLevel)
            {
                if (name is Resources.Cpu or Resources.Memory || name.StartsWith("hugepages-", StringComparison.Ordinal))
                    total.Set(name, Resources.Amount(name, quantity));
            }
        }
        if (pod.Spec.Overhead is { } overhead)
            total.Add(Resources.From(overhead));
        return total;
    }

    private static Resources OfContainer(V1Container container, IList<V1ContainerStatus>? statuses, bool nonZero)
    {
        var requests = Resources.From(container.Resources?.Requests);
        // While a resize is under way the node still holds the older, larger allocation.
        if (statuses?.FirstOrDefault(status => status.Name == container.Name)?.AllocatedResources is { } allocated)
            requests.Max(Resources.From(allocated));
        if (!nonZero)
            return requests;
        if (container.Resources?.Requests?.ContainsKey(Resources.Cpu) != true)
            requests.MilliCpu = DefaultMilliCpu;
        if (container.Resources?.Requests?.ContainsKey(Resources.Memory) != true)
            requests.MemoryBytes = DefaultMemoryBytes;
        return requests;
    }
}
