using k8s.Models;

namespace LiteKube.Controllers.Tests;

internal static class Build
{
    public static readonly DateTime Epoch = new(2026, 1, 1, 11, 0, 0, DateTimeKind.Utc);

    public static V1Pod Pod(string name, string? ip = null, bool ready = true, bool terminating = false, string? node = "node-1", string phase = "Running") => new()
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Metadata = new V1ObjectMeta
        {
            Name = name,
            NamespaceProperty = "default",
            Uid = "uid-" + name,
            Labels = new Dictionary<string, string> { ["app"] = "web" },
            DeletionTimestamp = terminating ? Epoch : null,
            CreationTimestamp = Epoch,
        },
        Spec = new V1PodSpec { NodeName = node, Containers = [new V1Container { Name = "c", Image = "i", Ports = [new V1ContainerPort { Name = "http", ContainerPort = 8080, Protocol = "TCP" }] }] },
        Status = new V1PodStatus
        {
            Phase = phase,
            PodIP = ip ?? "10.1.0.1",
            PodIPs = [new V1PodIP { Ip = ip ?? "10.1.0.1" }],
            Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False", LastTransitionTime = Epoch }],
        },
    };

    public static V1Service Service(string name = "web", bool publishNotReady = false, string targetPort = "http") => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = "uid-" + name, CreationTimestamp = Epoch, Labels = new Dictionary<string, string> { ["team"] = "a" } },
        Spec = new V1ServiceSpec
        {
            Type = "ClusterIP",
            ClusterIP = "10.152.183.20",
            IpFamilies = ["IPv4"],
            Selector = new Dictionary<string, string> { ["app"] = "web" },
            PublishNotReadyAddresses = publishNotReady ? true : null,
            Ports = [new V1ServicePort { Port = 80, TargetPort = targetPort, Protocol = "TCP" }],
        },
    };

    public static V1Node Node(string name, string? ready, params V1Taint[] taints) => new()
    {
        ApiVersion = "v1",
        Kind = "Node",
        Metadata = new V1ObjectMeta { Name = name, Uid = "uid-" + name, CreationTimestamp = Epoch },
        Spec = new V1NodeSpec { Taints = taints.Length == 0 ? null : taints },
        Status = new V1NodeStatus { Conditions = ready is null ? null : [new V1NodeCondition { Type = "Ready", Status = ready, LastHeartbeatTime = Epoch, LastTransitionTime = Epoch }] },
    };

    public static V1Taint Taint(string key, string effect) => new() { Key = key, Effect = effect };

    public static V1Namespace Namespace(string name, string phase = "Active") => new() { Metadata = new V1ObjectMeta { Name = name }, Status = new V1NamespaceStatus { Phase = phase } };
}
