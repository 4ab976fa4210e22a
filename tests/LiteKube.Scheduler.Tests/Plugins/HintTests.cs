using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;

namespace LiteKube.Scheduler.Tests.Plugins;

/// <summary>What brings a rejected pod back, plugin by plugin: only what may change the plugin's mind.</summary>
public sealed class HintTests
{
    [Fact]
    public void Room_helps_where_it_was_missing()
    {
        var fit = new NodeResourcesFit();
        var pod = Make.Info(Make.Pod("p", cpu: "2"));
        Assert.True(fit.MayHelp(pod, new(ClusterEvent.NodeAdd, null, Make.Node("n", cpu: "2"))));
        Assert.False(fit.MayHelp(pod, new(ClusterEvent.NodeAdd, null, Make.Node("n", cpu: "1"))));
        Assert.False(fit.MayHelp(pod, new(ClusterEvent.NodeAllocatable, Make.Node("n", memory: "1Gi"), Make.Node("n", memory: "2Gi"))));
        Assert.True(fit.MayHelp(pod, new(ClusterEvent.NodeAllocatable, Make.Node("n", cpu: "3"), Make.Node("n", cpu: "4"))));
        Assert.True(fit.MayHelp(pod, new(ClusterEvent.NodeAllocatable, Make.Node("n", pods: "1"), Make.Node("n", pods: "2"))));
        // A pod that shrinks helps by what it gives back.
        Assert.True(fit.MayHelp(pod, new(ClusterEvent.AssignedPodScaleDown, OnNode("x", "2", "1Gi"), OnNode("x", "1", "1Gi"))));
        Assert.False(fit.MayHelp(pod, new(ClusterEvent.AssignedPodScaleDown, OnNode("x", "2", "2Gi"), OnNode("x", "2", "1Gi"))));
        Assert.True(fit.MayHelp(pod, new(ClusterEvent.PodScaleDown, pod, pod)));
    }

    [Fact]
    public void Taints_help_when_they_go_and_tolerations_when_they_come()
    {
        var taints = new TaintToleration();
        var pod = Make.Info(Make.Pod("p"));
        V1Node Tainted() => Make.Node("n", with: n => n.Spec.Taints = [new V1Taint { Key = "k", Effect = "NoSchedule" }]);
        Assert.True(taints.MayHelp(pod, new(ClusterEvent.NodeTaint, Tainted(), Make.Node("n"))));
        Assert.False(taints.MayHelp(pod, new(ClusterEvent.NodeTaint, Make.Node("n"), Tainted())));
        Assert.False(taints.MayHelp(pod, new(ClusterEvent.NodeTaint, Make.Node("n"), Make.Node("n"))));
        Assert.True(taints.MayHelp(pod, new(ClusterEvent.PodToleration, pod, pod)));
        Assert.False(taints.MayHelp(pod, new(ClusterEvent.PodToleration, pod, Make.Info(Make.Pod("other")))));
        var cordon = new NodeUnschedulable();
        V1Node Cordoned() => Make.Node("n", with: n => n.Spec.Unschedulable = true);
        Assert.True(cordon.MayHelp(pod, new(ClusterEvent.NodeTaint, Cordoned(), Make.Node("n"))));
        Assert.False(cordon.MayHelp(pod, new(ClusterEvent.NodeTaint, Make.Node("n"), Cordoned())));
    }

    [Fact]
    public void Labels_help_when_they_make_the_node_match()
    {
        var affinity = new NodeAffinity();
        var pod = Make.Info(Make.Pod("p", with: p => p.Spec.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal) { ["disk"] = "ssd" }));
        V1Node Labelled() => Make.Node("n", with: n => n.Metadata.Labels["disk"] = "ssd");
        Assert.True(affinity.MayHelp(pod, new(ClusterEvent.NodeLabel, Make.Node("n"), Labelled())));
        Assert.False(affinity.MayHelp(pod, new(ClusterEvent.NodeLabel, Labelled(), Labelled())));
        Assert.False(affinity.MayHelp(pod, new(ClusterEvent.NodeAdd, null, Make.Node("n"))));
    }

    [Fact]
    public void Neighbours_help_by_coming_or_going_as_the_pod_feels_about_them()
    {
        var affinity = new InterPodAffinity(_ => null, () => new());
        static PodInfo App(string app) => Make.Info(Make.Pod(app, with: p => p.Metadata.Labels["app"] = app));
        V1PodAffinityTerm Term(string app) => new() { TopologyKey = "kubernetes.io/hostname", LabelSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app } } };
        var likes = Make.Info(Make.Pod("p", with: p => p.Spec.Affinity = new V1Affinity { PodAffinity = new V1PodAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [Term("friend")] } }));
        var shuns = Make.Info(Make.Pod("p", with: p => p.Spec.Affinity = new V1Affinity { PodAntiAffinity = new V1PodAntiAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [Term("foe")] } }));
        Assert.True(affinity.MayHelp(likes, new(ClusterEvent.AssignedPodAdd, null, App("friend"))));
        Assert.False(affinity.MayHelp(likes, new(ClusterEvent.AssignedPodAdd, null, App("stranger"))));
        Assert.False(affinity.MayHelp(likes, new(ClusterEvent.AssignedPodDelete, App("friend"), null)));
        Assert.True(affinity.MayHelp(shuns, new(ClusterEvent.AssignedPodDelete, App("foe"), null)));
        Assert.True(affinity.MayHelp(shuns, new(ClusterEvent.AssignedPodLabel, App("foe"), App("friend"))));
        Assert.False(affinity.MayHelp(shuns, new(ClusterEvent.AssignedPodDelete, App("stranger"), null)));
        // One that runs may be the one who shuns.
        var shunned = Make.Info(Make.Pod("q", with: p => p.Metadata.Labels["app"] = "foe"));
        Assert.True(affinity.MayHelp(shunned, new(ClusterEvent.AssignedPodDelete, shuns, null)));
        Assert.True(affinity.MayHelp(likes, new(ClusterEvent.NodeLabel, Make.Node("n", with: n => n.Metadata.Labels.Clear()), Make.Node("n"))));
    }

    [Fact]
    public void A_port_helps_when_it_is_freed_by_who_held_it()
    {
        static PodInfo Port(string name, int port) => Make.Info(Make.Pod(name, with: p => p.Spec.Containers[0].Ports = [new V1ContainerPort { ContainerPort = 80, HostPort = port }]));
        Assert.True(new NodePorts().MayHelp(Port("p", 80), new(ClusterEvent.AssignedPodDelete, Port("q", 80), null)));
        Assert.False(new NodePorts().MayHelp(Port("p", 80), new(ClusterEvent.AssignedPodDelete, Port("q", 81), null)));
    }

    private static PodInfo OnNode(string name, string cpu, string memory) => Make.Info(Make.Pod(name, cpu, memory, p => p.Spec.NodeName = "n"));
}
