using k8s.Models;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Tests;

/// <summary>Small objects for tests.</summary>
internal static class Make
{
    public static V1Pod Pod(string name, string? cpu = null, string? memory = null, Action<V1Pod>? with = null)
    {
        var requests = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal);
        if (cpu is not null)
            requests["cpu"] = new ResourceQuantity(cpu);
        if (memory is not null)
            requests["memory"] = new ResourceQuantity(memory);
        var pod = new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = $"uid-{name}", Labels = new Dictionary<string, string>(StringComparer.Ordinal) },
            Spec = new V1PodSpec
            {
                SchedulerName = "default-scheduler",
                Containers = [new V1Container { Name = "c", Image = "busybox", Resources = new V1ResourceRequirements { Requests = requests } }],
            },
            Status = new V1PodStatus { Phase = "Pending" },
        };
        with?.Invoke(pod);
        return pod;
    }

    public static PodInfo Info(V1Pod pod) => new(pod);

    public static V1Node Node(string name, string cpu = "4", string memory = "8Gi", string pods = "110", Action<V1Node>? with = null)
    {
        var node = new V1Node
        {
            ApiVersion = "v1",
            Kind = "Node",
            Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["kubernetes.io/hostname"] = name } },
            Spec = new V1NodeSpec(),
            Status = new V1NodeStatus
            {
                Allocatable = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal)
                {
                    ["cpu"] = new(cpu),
                    ["memory"] = new(memory),
                    ["pods"] = new(pods),
                    ["ephemeral-storage"] = new("100Gi"),
                },
            },
        };
        with?.Invoke(node);
        return node;
    }

    public static NodeInfo NodeInfo(V1Node node, params V1Pod[] pods)
    {
        var info = new NodeInfo(node.Metadata.Name);
        info.SetNode(node);
        foreach (var pod in pods)
            info.AddPod(Info(pod));
        return info;
    }

    public static Snapshot Snapshot(params NodeInfo[] nodes)
    {
        var snapshot = new Snapshot();
        foreach (var node in nodes)
            snapshot.Set(node);
        return snapshot;
    }
}
