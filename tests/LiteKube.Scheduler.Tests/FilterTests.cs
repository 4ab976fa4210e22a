using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;

namespace LiteKube.Scheduler.Tests;

/// <summary>Golden cases: a pod, a node, the reason that Kubernetes gives (null when the pod fits).</summary>
public sealed class FilterTests
{
    private const string AffinityMismatch = "node(s) didn't match Pod's node affinity/selector";

    [Theory]
    [InlineData("4", "8Gi", null, StatusCode.Unschedulable)]
    [InlineData("3500m", "1Gi", "Insufficient cpu", StatusCode.Unschedulable)]
    [InlineData("1", "7.5Gi", "Insufficient memory", StatusCode.Unschedulable)]
    [InlineData("3500m", "7.5Gi", "Insufficient cpu, Insufficient memory", StatusCode.Unschedulable)]
    [InlineData("5", "1Gi", "Insufficient cpu", StatusCode.UnschedulableAndUnresolvable)]
    public void Resources_fit_what_the_other_pods_leave(string cpu, string memory, string? reason, StatusCode code)
    {
        var other = reason is null ? Array.Empty<V1Pod>() : [Make.Pod("other", cpu: "1", memory: "1Gi")];
        var status = Filter(new NodeResourcesFit(), Make.Pod("p", cpu, memory), Make.NodeInfo(Make.Node("n"), other));
        Assert.Equal(reason, status?.Message);
        if (status is not null)
            Assert.Equal(code, status.Code);
    }

    [Fact]
    public void A_full_node_takes_not_even_a_pod_without_requests()
    {
        var node = Make.NodeInfo(Make.Node("n", pods: "1"), Make.Pod("other"));
        Assert.Equal("Too many pods", Filter(new NodeResourcesFit(), Make.Pod("p"), node)?.Message);
    }

    [Fact]
    public void An_extended_resource_is_counted_by_name()
    {
        static void Gpu(V1Pod pod) => pod.Spec.Containers[0].Resources.Requests["nvidia.com/gpu"] = new ResourceQuantity("1");
        var node = Make.Node("n", with: n => n.Status.Allocatable["nvidia.com/gpu"] = new ResourceQuantity("1"));
        Assert.Null(Filter(new NodeResourcesFit(), Make.Pod("p", with: Gpu), Make.NodeInfo(node)));
        Assert.Equal("Insufficient nvidia.com/gpu", Filter(new NodeResourcesFit(), Make.Pod("p", with: Gpu), Make.NodeInfo(node, Make.Pod("other", with: Gpu)))?.Message);
    }

    [Fact]
    public void A_pods_requests_are_the_larger_of_its_init_phase_and_its_run()
    {
        var pod = Make.Pod("p", cpu: "500m", with: pod =>
        {
            pod.Spec.InitContainers =
            [
                Init("first", "1"),
                Init("sidecar", "200m", sidecar: true),
                Init("second", "900m"),
            ];
            pod.Spec.Overhead = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal) { ["cpu"] = new("50m") };
        });
        // The second init container runs beside the sidecar: 1100m, more than 700m of the run and 1000m of the first; and the overhead.
        Assert.Equal(1150, Make.Info(pod).Requests.MilliCpu);
        pod.Spec.Containers[0].Resources.Requests["cpu"] = new ResourceQuantity("1");
        Assert.Equal(1250, Make.Info(pod).Requests.MilliCpu);
    }

    [Fact]
    public void Pod_level_requests_take_the_place_of_the_containers()
    {
        var pod = Make.Pod("p", cpu: "500m", with: pod => pod.Spec.Resources = new V1ResourceRequirements
        {
            Requests = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal) { ["cpu"] = new("2") },
        });
        Assert.Equal(2000, Make.Info(pod).Requests.MilliCpu);
    }

    [Theory]
    [InlineData(null, null, null, null, "node(s) had untolerated taint(s)")]
    [InlineData("k", "Equal", "v", "NoSchedule", null)]
    [InlineData("k", null, "v", null, null)]
    [InlineData("k", "Equal", "other", null, "node(s) had untolerated taint(s)")]
    [InlineData("k", "Exists", null, null, null)]
    [InlineData(null, "Exists", null, null, null)]
    [InlineData("k", "Exists", null, "NoExecute", "node(s) had untolerated taint(s)")]
    public void A_taint_is_tolerated_by_key_operator_value_and_effect(string? key, string? op, string? value, string? effect, string? reason)
    {
        var node = Make.NodeInfo(Make.Node("n", with: n => n.Spec.Taints = [new V1Taint { Key = "k", Value = "v", Effect = "NoSchedule" }]));
        var pod = Make.Pod("p", with: p => p.Spec.Tolerations = op is null && key is null ? null : [new V1Toleration { Key = key, OperatorProperty = op, Value = value, Effect = effect }]);
        Assert.Equal(reason, Filter(new TaintToleration(), pod, node)?.Message);
    }

    [Fact]
    public void A_taint_that_only_prefers_refuses_nobody()
    {
        var node = Make.NodeInfo(Make.Node("n", with: n => n.Spec.Taints = [new V1Taint { Key = "k", Effect = "PreferNoSchedule" }]));
        Assert.Null(Filter(new TaintToleration(), Make.Pod("p"), node));
    }

    [Theory]
    [InlineData("In", "disk", "ssd,nvme", null)]
    [InlineData("In", "disk", "hdd", AffinityMismatch)]
    [InlineData("In", "missing", "x", AffinityMismatch)]
    [InlineData("NotIn", "disk", "hdd", null)]
    [InlineData("NotIn", "missing", "x", null)]
    [InlineData("NotIn", "disk", "ssd", AffinityMismatch)]
    [InlineData("Exists", "disk", "", null)]
    [InlineData("Exists", "missing", "", AffinityMismatch)]
    [InlineData("DoesNotExist", "missing", "", null)]
    [InlineData("DoesNotExist", "disk", "", AffinityMismatch)]
    [InlineData("Gt", "cores", "7", null)]
    [InlineData("Gt", "cores", "8", AffinityMismatch)]
    [InlineData("Lt", "cores", "9", null)]
    [InlineData("Lt", "disk", "9", AffinityMismatch)]
    public void Node_affinity_knows_every_operator(string op, string key, string values, string? reason)
    {
        var node = Make.NodeInfo(Make.Node("n", with: n =>
        {
            n.Metadata.Labels["disk"] = "ssd";
            n.Metadata.Labels["cores"] = "8";
        }));
        var pod = Make.Pod("p", with: p => p.Spec.Affinity = Required(Term(expressions: [Requirement(key, op, values)])));
        Assert.Equal(reason, Filter(new NodeAffinity(), pod, node)?.Message);
    }

    [Fact]
    public void Terms_of_node_affinity_are_alternatives_and_an_empty_one_matches_nothing()
    {
        var node = Make.NodeInfo(Make.Node("n"));
        var byName = Term(fields: [Requirement("metadata.name", "In", "n")]);
        Assert.Equal(AffinityMismatch, Filter(new NodeAffinity(), Make.Pod("p", with: p => p.Spec.Affinity = Required(Term())), node)?.Message);
        Assert.Null(Filter(new NodeAffinity(), Make.Pod("p", with: p => p.Spec.Affinity = Required(Term(), byName)), node));
    }

    [Fact]
    public void A_node_selector_wants_every_label()
    {
        var node = Make.NodeInfo(Make.Node("n", with: n => n.Metadata.Labels["disk"] = "ssd"));
        Assert.Null(Filter(new NodeAffinity(), Make.Pod("p", with: p => p.Spec.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal) { ["disk"] = "ssd" }), node));
        Assert.Equal(AffinityMismatch, Filter(new NodeAffinity(), Make.Pod("p", with: p => p.Spec.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal) { ["disk"] = "ssd", ["zone"] = "a" }), node)?.Message);
    }

    [Theory]
    [InlineData(null, "TCP", null, "node(s) didn't have free ports for the requested pod ports")]
    [InlineData("127.0.0.1", "TCP", null, "node(s) didn't have free ports for the requested pod ports")]
    [InlineData("127.0.0.1", "TCP", "10.0.0.1", null)]
    [InlineData(null, "UDP", null, null)]
    public void A_host_port_is_taken_by_address_and_protocol(string? address, string protocol, string? usedAddress, string? reason)
    {
        static Action<V1Pod> Port(string? address, string protocol) => pod => pod.Spec.Containers[0].Ports = [new V1ContainerPort { ContainerPort = 80, HostPort = 8080, HostIP = address, Protocol = protocol }];
        var node = Make.NodeInfo(Make.Node("n"), Make.Pod("other", with: Port(usedAddress, "TCP")));
        Assert.Equal(reason, Filter(new NodePorts(), Make.Pod("p", with: Port(address, protocol)), node)?.Message);
    }

    [Fact]
    public void A_cordoned_node_takes_only_pods_that_tolerate_it()
    {
        var node = Make.NodeInfo(Make.Node("n", with: n => n.Spec.Unschedulable = true));
        Assert.Equal("node(s) were unschedulable", Filter(new NodeUnschedulable(), Make.Pod("p"), node)?.Message);
        Assert.Null(Filter(new NodeUnschedulable(), Make.Pod("p", with: p => p.Spec.Tolerations = [new V1Toleration { Key = "node.kubernetes.io/unschedulable", OperatorProperty = "Exists" }]), node));
    }

    [Fact]
    public void A_pod_that_names_its_node_goes_nowhere_else()
    {
        var pod = Make.Pod("p", with: p => p.Spec.NodeName = "other");
        Assert.Equal("node(s) didn't match the requested node name", Filter(new NodeName(), pod, Make.NodeInfo(Make.Node("n")))?.Message);
    }

    private static PluginStatus? Filter(IFilterPlugin plugin, V1Pod pod, NodeInfo node) => plugin.Filter(new CycleState(), Make.Info(pod), node);

    private static V1Container Init(string name, string cpu, bool sidecar = false) => new()
    {
        Name = name,
        RestartPolicy = sidecar ? "Always" : null,
        Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal) { ["cpu"] = new(cpu) } },
    };

    private static V1Affinity Required(params V1NodeSelectorTerm[] terms) =>
        new() { NodeAffinity = new V1NodeAffinity { RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector { NodeSelectorTerms = terms } } };

    private static V1NodeSelectorTerm Term(V1NodeSelectorRequirement[]? expressions = null, V1NodeSelectorRequirement[]? fields = null) =>
        new() { MatchExpressions = expressions, MatchFields = fields };

    private static V1NodeSelectorRequirement Requirement(string key, string op, string values) =>
        new() { Key = key, OperatorProperty = op, Values = values.Length == 0 ? null : values.Split(',') };
}
