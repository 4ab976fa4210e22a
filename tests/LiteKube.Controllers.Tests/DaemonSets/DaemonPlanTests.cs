using k8s.Models;
using LiteKube.Controllers.DaemonSets;

namespace LiteKube.Controllers.Tests.DaemonSets;

/// <summary>
/// Pods are written as node, state and revision: "aRn bUo" is a ready pod of the new template on node a and an unready
/// one of the old on b. States: Ready, Young (ready, not yet available), Unready, Failed, Succeeded, Terminating,
/// Waiting (bound to no node yet). Pods are named by their order: p0, p1, ...
/// </summary>
public sealed class DaemonPlanTests
{
    private static readonly DateTimeOffset Now = new(Build.Epoch.AddHours(10));

    [Theory]
    [InlineData("", "+a +b +c")]
    [InlineData("aRn", "+b +c")]
    [InlineData("aRn bWn cRn", "")]
    [InlineData("aRn bRn cRn cRn", "-p3")]
    [InlineData("aRn bRn cTn", "")]
    [InlineData("aRn bFn cRn", "!p1")]
    [InlineData("aRn bSn cRn", "!p1")]
    [InlineData("aRn bRn cRn dWn", "-p3")]
    [InlineData("aRn bRn cRn dRn", "")]
    public void One_pod_stands_on_each_node(string pods, string plan) => Assert.Equal(plan, Plan(Set(), pods));

    [Theory]
    [InlineData("aRn bRo cRo", "")]
    [InlineData("aRn aRo bRo cRo", "-p1")]
    [InlineData("aYn aRo bRo cRo", "")]
    [InlineData("aUn aRo bRo cRo", "")]
    [InlineData("aUn aUo bRo cRo", "-p1")]
    [InlineData("aUn aUn aRo bRo cRo", "-p1")]
    [InlineData("aTo bRo cRo", "+a")]
    public void A_surging_set_may_have_an_old_and_a_new_pod_on_a_node(string pods, string plan) => Assert.Equal(plan, Plan(Set(surge: "1"), pods));

    [Fact]
    public void A_failed_pod_stays_for_its_backoff()
    {
        var plan = DaemonPlan.Compute(State(Set(), "aRn bFn cRn"), node => node == "b" ? TimeSpan.FromSeconds(4) : TimeSpan.Zero);
        Assert.True(plan.IsEmpty);
        Assert.Equal(TimeSpan.FromSeconds(4), plan.Recheck);
    }

    [Theory]
    [InlineData("1", "aRo bRo cRo", "-p0")]
    [InlineData("2", "aRo bRo cRo", "-p0 -p1")]
    [InlineData("67%", "aRo bRo cRo", "-p0 -p1 -p2")]
    [InlineData("1%", "aRo bRo cRo", "-p0")]
    [InlineData("1", "aRn bRo cRo", "-p1")]
    [InlineData("1", "aYn bRo cRo", "")]
    [InlineData("1", "aTo bRo cRo", "")]
    [InlineData("1", "aRn bUo cRo", "-p1")]
    [InlineData("1", "aUo bUo cRo", "-p0 -p1")]
    [InlineData("1", "aRn bRn cRn", "")]
    [InlineData("3", "aUn bRo cUo", "-p2 -p1")]
    public void An_update_deletes_as_many_old_pods_as_may_be_unavailable(string maxUnavailable, string pods, string plan)
    {
        var set = Set();
        set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = maxUnavailable;
        Assert.Equal(plan, Update(set, pods));
    }

    [Theory]
    [InlineData("1", "aRo bRo cRo", "+a")]
    [InlineData("2", "aRo bRo cRo", "+a +b")]
    [InlineData("1", "aRo aUn bRo cRo", "")]
    [InlineData("1", "aRo aRn bRo cRo", "+b -p0")]
    [InlineData("1", "aRo aYn bUo cRo", "+b")]
    [InlineData("100%", "aRo bRo cRo", "+a +b +c")]
    [InlineData("1", "aRo bRn cRn dRo", "+a -p3")]
    [InlineData("1", "aRn bRn cUn dRo", "")]
    [InlineData("1", "aRn bRn cRn dUo", "-p3")]
    public void A_surge_starts_new_pods_beside_old_ones_and_deletes_these_when_the_new_ones_are_available(string maxSurge, string pods, string plan)
    {
        var state = State(Set(maxSurge), pods);
        // d is a node that the set does not want any more.
        var cordoned = Build.Node("d", "True", Build.Taint("k", "NoSchedule"));
        Assert.Equal(plan, Text(DaemonUpdatePlan.Compute(state with { Nodes = [.. state.Nodes, cordoned] })));
    }

    [Theory]
    [InlineData("", true, true)]
    [InlineData("k NoSchedule", false, true)]
    [InlineData("k NoExecute", false, false)]
    [InlineData("k PreferNoSchedule", true, true)]
    [InlineData("node.kubernetes.io/not-ready NoExecute", true, true)]
    [InlineData("node.kubernetes.io/unreachable NoExecute", true, true)]
    [InlineData("node.kubernetes.io/not-ready NoSchedule", false, true)]
    [InlineData("node.kubernetes.io/disk-pressure NoSchedule", true, true)]
    [InlineData("node.kubernetes.io/memory-pressure NoSchedule", true, true)]
    [InlineData("node.kubernetes.io/pid-pressure NoSchedule", true, true)]
    [InlineData("node.kubernetes.io/unschedulable NoSchedule", true, true)]
    [InlineData("node.kubernetes.io/network-unavailable NoSchedule", false, true)]
    public void Daemons_tolerate_what_befalls_nodes(string taint, bool shouldRun, bool mayStay)
    {
        var taints = taint.Length == 0 ? [] : (V1Taint[])[Build.Taint(taint.Split(' ')[0], taint.Split(' ')[1])];
        Assert.Equal((shouldRun, mayStay), DaemonPods.Decide(Set(), Build.Node("a", "True", taints)));
        var onHostNetwork = Set();
        onHostNetwork.Spec.Template.Spec.HostNetwork = true;
        Assert.Equal((shouldRun || taint.Contains("network-unavailable", StringComparison.Ordinal), mayStay), DaemonPods.Decide(onHostNetwork, Build.Node("a", "True", taints)));
    }

    [Theory]
    [InlineData("nodeName=a", true)]
    [InlineData("nodeName=b", false)]
    [InlineData("nodeSelector=ssd", true)]
    [InlineData("nodeSelector=hdd", false)]
    [InlineData("In=ssd", true)]
    [InlineData("NotIn=ssd", false)]
    [InlineData("Exists=", true)]
    [InlineData("Gt=5", false)]
    public void Node_name_selector_and_affinity_decide_where_it_runs(string rule, bool isWanted)
    {
        var node = Build.Node("a", "True");
        node.Metadata.Labels = new Dictionary<string, string> { ["disk"] = "ssd" };
        var set = Set();
        var (name, value) = (rule.Split('=')[0], rule.Split('=')[1]);
        if (name == "nodeName")
            set.Spec.Template.Spec.NodeName = value;
        else if (name == "nodeSelector")
            set.Spec.Template.Spec.NodeSelector = new Dictionary<string, string> { ["disk"] = value };
        else
            set.Spec.Template.Spec.Affinity = Affinity(new V1NodeSelectorTerm { MatchExpressions = [new V1NodeSelectorRequirement { Key = "disk", OperatorProperty = name, Values = value.Length == 0 ? null : [value] }] });
        Assert.Equal((isWanted, isWanted), DaemonPods.Decide(set, node));
    }

    [Fact]
    public void A_pod_is_bound_to_its_node_by_the_node_s_name_and_carries_the_default_tolerations()
    {
        var set = Set();
        set.Metadata.Annotations = new Dictionary<string, string> { ["deprecated.daemonset.template.generation"] = "4" };
        set.Spec.Template.Spec.Affinity = Affinity(new V1NodeSelectorTerm { MatchExpressions = [new V1NodeSelectorRequirement { Key = "disk", OperatorProperty = "Exists" }] });
        set.Spec.Template.Spec.Tolerations = [new V1Toleration { Key = "node.kubernetes.io/not-ready", OperatorProperty = "Exists", Effect = "NoExecute", TolerationSeconds = 5 }];
        var pod = DaemonPods.Build(set, "h", "node-7");
        var field = Assert.Single(Assert.Single(pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms).MatchFields);
        Assert.Equal(("metadata.name", "In", "node-7"), (field.Key, field.OperatorProperty, Assert.Single(field.Values)));
        Assert.Equal("node-7", DaemonPods.TargetNode(pod));
        Assert.Equal(
            ["not-ready NoExecute", "unreachable NoExecute", "disk-pressure NoSchedule", "memory-pressure NoSchedule", "pid-pressure NoSchedule", "unschedulable NoSchedule"],
            pod.Spec.Tolerations.Select(t => $"{t.Key["node.kubernetes.io/".Length..]} {t.Effect}"));
        Assert.All(pod.Spec.Tolerations, t => Assert.Null(t.TolerationSeconds));
        Assert.Equal(("ds-", "h", "4"), (pod.Metadata.GenerateName, pod.Metadata.Labels["controller-revision-hash"], pod.Metadata.Labels["pod-template-generation"]));
        Assert.Single(set.Spec.Template.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchExpressions);
    }

    [Theory]
    [InlineData("aRn bRo cUn", 3, 3, 0, 2, 2, 2, 1)]
    [InlineData("aRn bYn", 3, 2, 0, 2, 2, 1, 2)]
    [InlineData("", 3, 0, 0, 0, 0, 0, 3)]
    [InlineData("aRn bRn cRn dRn", 3, 3, 1, 3, 3, 3, 0)]
    public void The_status_counts_nodes(string pods, int desired, int current, int misscheduled, int ready, int updated, int available, int unavailable)
    {
        var state = State(Set(), pods);
        var status = DaemonSetStatusPlan.Compute(state with { Nodes = [.. state.Nodes, Build.Node("d", "True", Build.Taint("k", "NoSchedule"))] }, 0, isProcessed: true, out var recheck);
        Assert.Equal((desired, current, misscheduled, ready), (status.DesiredNumberScheduled, status.CurrentNumberScheduled, status.NumberMisscheduled, status.NumberReady));
        Assert.Equal((updated, available, unavailable), (status.UpdatedNumberScheduled ?? 0, status.NumberAvailable ?? 0, status.NumberUnavailable ?? 0));
        Assert.Equal(pods.Contains('Y', StringComparison.Ordinal) ? TimeSpan.FromSeconds(20) : null, recheck);
        Assert.Equal(3, status.ObservedGeneration);
    }

    private static string Plan(V1DaemonSet set, string pods)
    {
        var plan = DaemonPlan.Compute(State(set, pods), _ => TimeSpan.Zero);
        return string.Join(' ', plan.CreateOn.Select(n => "+" + n).Concat(plan.Ended.Select(p => "!" + p.Metadata.Name)).Concat(plan.Delete.Select(p => "-" + p.Metadata.Name)));
    }

    private static string Update(V1DaemonSet set, string pods) => Text(DaemonUpdatePlan.Compute(State(set, pods)));

    private static string Text(DaemonUpdatePlan plan) => string.Join(' ', plan.CreateOn.Select(n => "+" + n).Concat(plan.Delete.Select(p => "-" + p.Metadata.Name)));

    private static V1Affinity Affinity(V1NodeSelectorTerm term) => new() { NodeAffinity = new V1NodeAffinity { RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector { NodeSelectorTerms = [term] } } };

    private static V1DaemonSet Set(string? surge = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = "ds", NamespaceProperty = "default", Uid = "uid-ds", Generation = 3 },
        Spec = new V1DaemonSetSpec
        {
            MinReadySeconds = 30,
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "ds" } },
            UpdateStrategy = new V1DaemonSetUpdateStrategy { Type = "RollingUpdate", RollingUpdate = new V1RollingUpdateDaemonSet { MaxUnavailable = surge is null ? "1" : "0", MaxSurge = surge ?? "0" } },
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "ds" } },
                Spec = new V1PodSpec { Containers = [new V1Container { Name = "c", Image = "i" }] },
            },
        },
    };

    private static DaemonState State(V1DaemonSet set, string text)
    {
        var pods = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((word, i) =>
        {
            var (node, state, revision) = (word[0].ToString(), word[1], word[2]);
            var pod = DaemonPods.Build(set, revision == 'n' ? "new" : "old", node);
            pod.Metadata.Name = $"p{i}";
            pod.Metadata.Uid = $"uid-{i}";
            pod.Metadata.CreationTimestamp = Build.Epoch.AddMinutes(i);
            pod.Metadata.DeletionTimestamp = state == 'T' ? Build.Epoch : null;
            pod.Spec.NodeName = state == 'W' ? null : node;
            pod.Status = new V1PodStatus
            {
                Phase = state switch { 'W' => "Pending", 'F' => "Failed", 'S' => "Succeeded", _ => "Running" },
                Conditions = [new V1PodCondition { Type = "Ready", Status = state is 'R' or 'Y' or 'T' ? "True" : "False", LastTransitionTime = state == 'Y' ? Now.UtcDateTime.AddSeconds(-10) : Build.Epoch }],
            };
            return pod;
        }).ToList();
        return new DaemonState(set, "new", [Build.Node("a", "True"), Build.Node("b", "True"), Build.Node("c", "True")], pods, Now);
    }
}
