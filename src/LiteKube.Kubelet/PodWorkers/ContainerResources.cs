using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Cgroups;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Requests and limits as cgroup values (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).</summary>
internal sealed class ContainerResources(long memoryCapacityBytes, bool isCgroupV2)
{
    private const long PeriodMicroseconds = 100_000;
    private const long LeastQuotaMicroseconds = 1000;
    private const long LeastShares = 2;
    private const long MostShares = 262144;
    private const int SystemCriticalPriority = 2_000_000_000;

    public LinuxContainerResources For(V1Pod pod, V1Container container)
    {
        var limits = container.Resources?.Limits;
        var requests = container.Resources?.Requests;
        var cpuLimit = PodSpecs.Amount(limits, "cpu");
        var memoryLimit = PodSpecs.Amount(limits, "memory")?.ToLong() ?? 0;
        var resources = new LinuxContainerResources
        {
            CpuShares = SharesOf((PodSpecs.Amount(requests, "cpu") ?? cpuLimit)?.ToMilli() ?? 0),
            MemoryLimitInBytes = memoryLimit,
            OomScoreAdj = OomScoreAdjustment(pod, container),
        };
        if (cpuLimit is { } cpu)
        {
            resources.CpuPeriod = PeriodMicroseconds;
            resources.CpuQuota = QuotaOf(cpu.ToMilli());
        }
        if (isCgroupV2)
        {
            // No swap for pods, and a container that runs out of memory dies whole instead of losing one process.
            resources.MemorySwapLimitInBytes = memoryLimit;
            resources.Unified["memory.oom.group"] = "1";
        }
        return resources;
    }

    /// <summary>Of the pod's own cgroup: limited only when every container is.</summary>
    public static CgroupLimits ForPod(V1Pod pod)
    {
        var shares = Effective(pod, "cpu", limits: false)?.ToMilli() ?? 0;
        var cpu = Effective(pod, "cpu", limits: true);
        var memory = Effective(pod, "memory", limits: true);
        return new CgroupLimits(SharesOf(shares), cpu is { } c ? QuotaOf(c.ToMilli()) : -1, memory?.ToLong() ?? -1);
    }

    public static long SharesOf(long milliCpu) => milliCpu <= 0 ? LeastShares : Math.Clamp(milliCpu * 1024 / 1000, LeastShares, MostShares);

    /// <summary>
    /// What the pod as a whole asks for: the sum of its app containers and sidecars, or one init container if that is
    /// more. Null when nothing is asked, and for limits when one container has none.
    /// </summary>
    public static Quantity? Effective(V1Pod pod, string resource, bool limits)
    {
        var sum = Quantity.Zero;
        var complete = true;
        var any = false;
        void Add(V1Container container)
        {
            if (Of(container) is { } amount)
            {
                sum += amount;
                any = true;
            }
            else
            {
                complete = false;
            }
        }

        Quantity? Of(V1Container container) => limits
            ? PodSpecs.Amount(container.Resources?.Limits, resource)
            : PodSpecs.Amount(container.Resources?.Requests, resource) ?? PodSpecs.Amount(container.Resources?.Limits, resource);

        var largestInit = Quantity.Zero;
        foreach (var container in PodSpecs.InitContainers(pod))
        {
            if (PodSpecs.IsSidecar(container))
                Add(container);
            else if (Of(container) is { } amount && sum + amount > largestInit)
                largestInit = sum + amount;
        }
        foreach (var container in pod.Spec.Containers)
            Add(container);
        if (limits && !complete)
            return null;
        if (!any && largestInit.IsZero)
            return null;
        var total = sum > largestInit ? sum : largestInit;
        return PodSpecs.Amount(pod.Spec.Overhead, resource) is { } overhead ? total + overhead : total;
    }

    private int OomScoreAdjustment(V1Pod pod, V1Container container)
    {
        if (pod.Spec.Priority >= SystemCriticalPriority)
            return -997;
        switch (PodSpecs.QosClassOf(pod))
        {
            case "Guaranteed":
                return -997;
            case "BestEffort":
                return 1000;
            default:
                var request = PodSpecs.Amount(container.Resources?.Requests, "memory")?.ToLong() ?? 0;
                var adjustment = 1000 - 1000 * request / Math.Max(1, memoryCapacityBytes);
                // Between the two other classes, whatever the request is.
                return (int)Math.Clamp(adjustment, 3, 999);
        }
    }

    private static long QuotaOf(long milliCpu) => Math.Max(LeastQuotaMicroseconds, milliCpu * PeriodMicroseconds / 1000);
}
