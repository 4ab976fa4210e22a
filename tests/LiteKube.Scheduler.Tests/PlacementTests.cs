using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Tests;

/// <summary>Where whole sets of plugins put a pod.</summary>
public sealed class PlacementTests
{
    private const string Zone = "topology.kubernetes.io/zone";

    [Fact]
    public void Required_anti_affinity_keeps_like_pods_apart_in_both_directions()
    {
        var picky = Make.Pod("picky", with: pod => Labelled(pod, "app", "web").Spec.Affinity = Anti(Term("app", "web")));
        var plain = Make.Pod("plain", with: pod => Labelled(pod, "app", "web"));
        var taken = Make.NodeInfo(Make.Node("a"), Make.Pod("other", with: pod => Labelled(pod, "app", "web")));
        Assert.Equal(("b", ""), Place(picky, taken, Make.NodeInfo(Make.Node("b"))));
        Assert.Equal((null, "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."), Place(picky, taken));
        // The running pod's own rule holds against a new one that has none.
        Assert.Equal((null, "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules."), Place(plain, Make.NodeInfo(Make.Node("a"), picky)));
    }

    [Fact]
    public void Required_affinity_follows_its_neighbours_domain_and_the_first_of_a_group_may_start_it()
    {
        var pod = Make.Pod("p", with: pod => Labelled(pod, "app", "web").Spec.Affinity = new V1Affinity
        {
            PodAffinity = new V1PodAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [Term("app", "web", Zone)] },
        });
        var east = Make.NodeInfo(ZoneNode("east-1", "east"), Make.Pod("friend", with: other => Labelled(other, "app", "web")));
        Assert.Equal("east-2", Place(pod, Make.NodeInfo(ZoneNode("west-1", "west")), Full(east), Make.NodeInfo(ZoneNode("east-2", "east"))).Node);
        Assert.Equal("west-1", Place(pod, Make.NodeInfo(ZoneNode("west-1", "west"))).Node);
        Assert.Equal((null, "0/1 nodes are available: 1 node(s) didn't match pod affinity rules."), Place(pod, Make.NodeInfo(Make.Node("nowhere"))));
    }

    [Fact]
    public void Affinity_looks_only_into_its_own_namespaces_or_those_its_selector_selects()
    {
        var other = Make.Pod("other", with: pod => Labelled(pod, "app", "web").Metadata.NamespaceProperty = "team-b");
        var node = Make.NodeInfo(Make.Node("a"), other);
        var own = Term("app", "web");
        var selected = Term("app", "web");
        selected.NamespaceSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["team"] = "b" } };
        Assert.Equal("a", Place(Make.Pod("p", with: pod => pod.Spec.Affinity = Anti(own)), node).Node);
        Assert.Null(Place(Make.Pod("p", with: pod => pod.Spec.Affinity = Anti(selected)), node).Node);
    }

    [Fact]
    public void Preferred_affinity_decides_between_nodes_that_fit()
    {
        var pod = Make.Pod("p", with: pod => pod.Spec.Affinity = new V1Affinity
        {
            PodAntiAffinity = new V1PodAntiAffinity
            {
                PreferredDuringSchedulingIgnoredDuringExecution = [new V1WeightedPodAffinityTerm { Weight = 100, PodAffinityTerm = Term("app", "noisy") }],
            },
        });
        var noisy = Make.NodeInfo(Make.Node("a"), Make.Pod("n", with: other => Labelled(other, "app", "noisy")));
        Assert.Equal("b", Place(pod, noisy, Make.NodeInfo(Make.Node("b"), Make.Pod("quiet"))).Node);
    }

    [Fact]
    public void Spread_over_zones_is_held_to_its_skew()
    {
        var pod = Make.Pod("p", with: pod => Spread(Labelled(pod, "app", "web"), Zone, "DoNotSchedule"));
        var east = Make.NodeInfo(ZoneNode("e", "east"), Web("1"), Web("2"));
        var west = Make.NodeInfo(ZoneNode("w", "west"), Web("3"));
        Assert.Equal("w", Place(pod, east, west).Node);
        Assert.Equal((null, "0/3 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label)."),
            Place(With(pod, cpu: "1"), east, Full(west), Make.NodeInfo(Make.Node("nowhere"))));
    }

    [Fact]
    public void Too_few_domains_count_as_an_empty_one_that_is_still_to_come()
    {
        var pod = Make.Pod("p", with: pod => Spread(Labelled(pod, "app", "web"), Zone, "DoNotSchedule").Spec.TopologySpreadConstraints[0].MinDomains = 2);
        Assert.Null(Place(pod, Make.NodeInfo(ZoneNode("e", "east"), Web("1"))).Node);
        Assert.Equal("e", Place(pod, Make.NodeInfo(ZoneNode("e", "east"))).Node);
    }

    [Fact]
    public void A_soft_spread_prefers_the_emptier_domain()
    {
        var pod = Make.Pod("p", with: pod => Spread(Labelled(pod, "app", "web"), Zone, "ScheduleAnyway"));
        Assert.Equal("w", Place(pod, Make.NodeInfo(ZoneNode("e", "east"), Web("1"), Web("2")), Make.NodeInfo(ZoneNode("w", "west"), Web("3"), Make.Pod("x"))).Node);
    }

    [Fact]
    public void The_emptier_node_is_preferred()
    {
        var pod = Make.Pod("p", cpu: "500m", memory: "1Gi");
        Assert.Equal("b", Place(pod, Make.NodeInfo(Make.Node("a"), Make.Pod("x", "2", "4Gi")), Make.NodeInfo(Make.Node("b"), Make.Pod("y", "500m", "1Gi"))).Node);
    }

    [Fact]
    public void A_node_with_an_untolerated_preference_is_the_last_choice()
    {
        var tainted = Make.Node("a", with: node => node.Spec.Taints = [new V1Taint { Key = "k", Effect = "PreferNoSchedule" }]);
        Assert.Equal("b", Place(Make.Pod("p"), Make.NodeInfo(tainted), Make.NodeInfo(Make.Node("b"), Make.Pod("x", "1"))).Node);
    }

    [Fact]
    public void A_node_that_has_the_large_image_is_preferred()
    {
        static void Image(V1Node node) => node.Status.Images = [new V1ContainerImage { Names = ["registry/big:latest"], SizeBytes = 900L << 20 }];
        var pod = Make.Pod("p", with: pod => pod.Spec.Containers[0].Image = "registry/big");
        Assert.Equal("a", Place(pod, Make.NodeInfo(Make.Node("a", with: Image)), Make.NodeInfo(Make.Node("b"))).Node);
    }

    [Fact]
    public void A_pod_for_one_node_by_name_says_what_the_others_lack()
    {
        var pod = Make.Pod("p", cpu: "5", with: pod => pod.Spec.Affinity = new V1Affinity
        {
            NodeAffinity = new V1NodeAffinity
            {
                RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector
                {
                    NodeSelectorTerms = [new V1NodeSelectorTerm { MatchFields = [new V1NodeSelectorRequirement { Key = "metadata.name", OperatorProperty = "In", Values = ["a"] }] }],
                },
            },
        });
        Assert.Equal((null, "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."),
            Place(pod, Make.NodeInfo(Make.Node("a")), Make.NodeInfo(Make.Node("b")), Make.NodeInfo(Make.Node("c"))));
    }

    [Fact]
    public void A_large_cluster_is_looked_at_in_part()
    {
        var algorithm = new SchedulingAlgorithm(Plugins(new Snapshot()), new SchedulerProfile(), new Nominator());
        Assert.Equal(50, algorithm.NodesToFind(50));
        Assert.Equal(100, algorithm.NodesToFind(100));
        Assert.Equal(420, algorithm.NodesToFind(1000));
        Assert.Equal(500, algorithm.NodesToFind(10000));
        Assert.Equal(300, new SchedulingAlgorithm(Plugins(new Snapshot()), new SchedulerProfile { PercentageOfNodesToScore = 30 }, new Nominator()).NodesToFind(1000));
    }

    private static (string? Node, string Message) Place(V1Pod pod, params NodeInfo[] nodes)
    {
        var snapshot = Make.Snapshot(nodes);
        var node = new SchedulingAlgorithm(Plugins(snapshot), new SchedulerProfile(), new Nominator(), seed: 1).Schedule(new CycleState(), Make.Info(pod), snapshot, out var diagnosis);
        return (node, node is null ? diagnosis.ToString() : "");
    }

    private static PluginSet Plugins(Snapshot snapshot) => new(
    [
        new PrioritySort(), new NodeUnschedulable(), new NodeName(), new TaintToleration(), new NodeAffinity(), new NodePorts(), new NodeResourcesFit(),
        new PodTopologySpread(() => snapshot),
        new InterPodAffinity(ns => new Dictionary<string, string>(StringComparer.Ordinal) { ["team"] = ns[^1..] }, () => snapshot),
        new NodeResourcesBalancedAllocation(), new ImageLocality(() => snapshot),
    ]);

    private static V1Pod Labelled(V1Pod pod, string key, string value)
    {
        pod.Metadata.Labels[key] = value;
        return pod;
    }

    private static V1Pod Web(string name) => Make.Pod($"web-{name}", with: pod => Labelled(pod, "app", "web"));

    private static V1Pod With(V1Pod pod, string cpu)
    {
        pod.Spec.Containers[0].Resources.Requests["cpu"] = new ResourceQuantity(cpu);
        return pod;
    }

    private static NodeInfo Full(NodeInfo node)
    {
        node.AddPod(Make.Info(Make.Pod($"filler-{node.Name}", cpu: "4")));
        for (var i = 0; i < 110; i++)
            node.AddPod(Make.Info(Make.Pod($"filler-{node.Name}-{i}")));
        return node;
    }

    private static V1Node ZoneNode(string name, string zone) => Make.Node(name, with: node => node.Metadata.Labels[Zone] = zone);

    private static V1PodAffinityTerm Term(string key, string value, string topologyKey = "kubernetes.io/hostname") => new()
    {
        TopologyKey = topologyKey,
        LabelSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { [key] = value } },
    };

    private static V1Affinity Anti(V1PodAffinityTerm term) => new() { PodAntiAffinity = new V1PodAntiAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [term] } };

    private static V1Pod Spread(V1Pod pod, string key, string whenUnsatisfiable)
    {
        pod.Spec.TopologySpreadConstraints =
        [
            new V1TopologySpreadConstraint
            {
                MaxSkew = 1,
                TopologyKey = key,
                WhenUnsatisfiable = whenUnsatisfiable,
                LabelSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web" } },
            },
        ];
        return pod;
    }
}
