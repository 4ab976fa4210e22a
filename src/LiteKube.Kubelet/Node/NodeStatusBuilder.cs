using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Kubelet.Images;

namespace LiteKube.Kubelet.Node;

/// <summary>What the node is like at one moment.</summary>
/// <param name="NotReadyReason">Null when pods can run.</param>
internal sealed record NodeReading(string? NotReadyReason, string RuntimeVersion, int KubeletPort, long DiskCapacityBytes, long DiskAvailableBytes, long MemoryAvailableBytes, long FreePids, IReadOnlyList<V1ContainerImage> Images);

/// <summary>The Node object of this machine (https://kubernetes.io/docs/reference/node/node-status/). Pure.</summary>
internal sealed class NodeStatusBuilder(KubeletOptions options, MachineInfo machine)
{
    // As MicroK8s sets them: a laptop's disk is rarely a tenth empty.
    private const long LeastDiskBytes = 1L << 30;
    private const long LeastMemoryBytes = 100L << 20;
    private const long LeastPids = 1000;

    private static readonly HashSet<string> OwnResources = new(StringComparer.Ordinal) { "cpu", "memory", "ephemeral-storage", "pods", "hugepages-1Gi", "hugepages-2Mi" };

    public static readonly IReadOnlySet<string> OwnConditions = new HashSet<string>(StringComparer.Ordinal) { "MemoryPressure", "DiskPressure", "PIDPressure", "Ready" };

    public V1Node NewNode() => new()
    {
        ApiVersion = "v1",
        Kind = "Node",
        Metadata = new V1ObjectMeta
        {
            Name = options.NodeName,
            Labels = Labels(),
            Annotations = new Dictionary<string, string> { ["volumes.kubernetes.io/controller-managed-attach-detach"] = "true" },
        },
        Spec = new V1NodeSpec { PodCIDR = options.PodCidr, PodCIDRs = [options.PodCidr] },
    };

    public Dictionary<string, string> Labels()
    {
        var labels = new Dictionary<string, string>(options.NodeLabels, StringComparer.Ordinal)
        {
            ["kubernetes.io/hostname"] = options.NodeName,
            ["kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = OciImage.Architecture,
            ["beta.kubernetes.io/os"] = "linux",
            ["beta.kubernetes.io/arch"] = OciImage.Architecture,
        };
        return labels;
    }

    /// <param name="before">What the API has: transition times and other parties' resources and conditions are kept.</param>
    public V1NodeStatus Build(V1NodeStatus? before, NodeReading reading, DateTimeOffset now)
    {
        var capacity = Capacity(before, reading);
        return new V1NodeStatus
        {
            Capacity = capacity,
            Allocatable = Allocatable(capacity),
            Addresses = [.. options.NodeIps.Select(ip => new V1NodeAddress { Type = "InternalIP", Address = ip.ToString() }), new V1NodeAddress { Type = "Hostname", Address = options.NodeName }],
            Conditions = Conditions(before, reading, now),
            DaemonEndpoints = new V1NodeDaemonEndpoints { KubeletEndpoint = new V1DaemonEndpoint { Port = reading.KubeletPort } },
            Images = [.. reading.Images],
            VolumesAttached = before?.VolumesAttached,
            VolumesInUse = before?.VolumesInUse,
            NodeInfo = new V1NodeSystemInfo
            {
                Architecture = OciImage.Architecture,
                OperatingSystem = "linux",
                MachineID = machine.MachineId,
                SystemUUID = machine.SystemUuid,
                BootID = machine.BootId,
                KernelVersion = machine.KernelVersion,
                OsImage = machine.OsImage,
                ContainerRuntimeVersion = reading.RuntimeVersion,
                KubeletVersion = options.KubernetesVersion,
                KubeProxyVersion = "",
            },
        };
    }

    private Dictionary<string, ResourceQuantity> Capacity(V1NodeStatus? before, NodeReading reading)
    {
        // Extended resources that others patched in are the node's too.
        var capacity = (before?.Capacity ?? new Dictionary<string, ResourceQuantity>()).Where(r => !OwnResources.Contains(r.Key)).ToDictionary(r => r.Key, r => r.Value, StringComparer.Ordinal);
        capacity["cpu"] = new ResourceQuantity(machine.Cores.ToString(CultureInfo.InvariantCulture));
        capacity["memory"] = Kibibytes(machine.MemoryBytes);
        capacity["ephemeral-storage"] = Kibibytes(reading.DiskCapacityBytes);
        capacity["pods"] = new ResourceQuantity(options.MaxPods.ToString(CultureInfo.InvariantCulture));
        capacity["hugepages-1Gi"] = new ResourceQuantity("0");
        capacity["hugepages-2Mi"] = new ResourceQuantity("0");
        return capacity;
    }

    private Dictionary<string, ResourceQuantity> Allocatable(Dictionary<string, ResourceQuantity> capacity)
    {
        var allocatable = new Dictionary<string, ResourceQuantity>(capacity, StringComparer.Ordinal)
        {
            ["memory"] = Kibibytes(machine.MemoryBytes - LeastMemoryBytes),
        };
        var disk = Quantity.Parse(capacity["ephemeral-storage"].ToString()).ToLong();
        allocatable["ephemeral-storage"] = new ResourceQuantity(Math.Max(0, disk - LeastDiskBytes).ToString(CultureInfo.InvariantCulture));
        return allocatable;
    }

    private static List<V1NodeCondition> Conditions(V1NodeStatus? before, NodeReading reading, DateTimeOffset now)
    {
        var existing = before?.Conditions ?? [];
        var own = new List<V1NodeCondition>
        {
            Pressure("MemoryPressure", reading.MemoryAvailableBytes < LeastMemoryBytes, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            Pressure("DiskPressure", reading.DiskAvailableBytes < LeastDiskBytes, "KubeletHasDiskPressure", "kubelet has disk pressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            Pressure("PIDPressure", reading.FreePids < LeastPids, "KubeletHasInsufficientPID", "kubelet has insufficient PID available", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            reading.NotReadyReason is null
                ? new V1NodeCondition { Type = "Ready", Status = "True", Reason = "KubeletReady", Message = "kubelet is posting ready status" }
                : new V1NodeCondition { Type = "Ready", Status = "False", Reason = "KubeletNotReady", Message = reading.NotReadyReason },
        };
        foreach (var condition in own)
        {
            var old = existing.FirstOrDefault(c => c.Type == condition.Type);
            condition.LastHeartbeatTime = now.UtcDateTime;
            condition.LastTransitionTime = old?.Status == condition.Status && old.LastTransitionTime is not null ? old.LastTransitionTime : now.UtcDateTime;
        }
        return [.. existing.Where(c => !own.Exists(o => o.Type == c.Type)), .. own];
    }

    private static V1NodeCondition Pressure(string type, bool isTrue, string badReason, string badMessage, string goodReason, string goodMessage) =>
        new() { Type = type, Status = isTrue ? "True" : "False", Reason = isTrue ? badReason : goodReason, Message = isTrue ? badMessage : goodMessage };

    private static ResourceQuantity Kibibytes(long bytes) => new((bytes / 1024).ToString(CultureInfo.InvariantCulture) + "Ki");
}
