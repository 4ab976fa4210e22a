using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;

namespace LiteKube.Scheduler.Tests.Plugins;

public sealed class AffinityTests
{
    [Fact]
    public void Match_label_keys_bind_a_term_to_the_pods_own_values()
    {
        V1PodAffinityTerm Term(IList<string>? match, IList<string>? mismatch) => new()
        {
            TopologyKey = NodeInfo.HostnameLabel,
            LabelSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web" } },
            MatchLabelKeys = match,
            MismatchLabelKeys = mismatch,
        };
        var old = Web("old");
        Assert.Equal("node(s) didn't match pod anti-affinity rules", Filter(Web("new", Term(null, null)), Make.NodeInfo(Make.Node("a"), old)));
        Assert.Null(Filter(Web("new", Term(["hash"], null)), Make.NodeInfo(Make.Node("a"), old)));
        Assert.NotNull(Filter(Web("old", Term(["hash"], null)), Make.NodeInfo(Make.Node("a"), old)));
        Assert.NotNull(Filter(Web("new", Term(null, ["hash"])), Make.NodeInfo(Make.Node("a"), old)));
        Assert.Null(Filter(Web("old", Term(null, ["hash"])), Make.NodeInfo(Make.Node("a"), old)));
        // A key that the pod does not have adds nothing.
        Assert.NotNull(Filter(Web("new", Term(["absent"], null)), Make.NodeInfo(Make.Node("a"), old)));
    }

    [Fact]
    public void An_affinity_that_the_scheduler_adds_holds_for_every_pod()
    {
        var added = new V1NodeAffinity
        {
            RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector { NodeSelectorTerms = [new V1NodeSelectorTerm { MatchExpressions = [new V1NodeSelectorRequirement { Key = "pool", OperatorProperty = "In", Values = ["a"] }] }] },
            PreferredDuringSchedulingIgnoredDuringExecution = [new V1PreferredSchedulingTerm { Weight = 7, Preference = new V1NodeSelectorTerm { MatchExpressions = [new V1NodeSelectorRequirement { Key = "disk", OperatorProperty = "Exists" }] } }],
        };
        var affinity = new NodeAffinity(added);
        var pod = Make.Info(Make.Pod("p"));
        Assert.Null(affinity.PreFilter(new CycleState(), pod, new Snapshot(), out _));
        Assert.Equal("node(s) didn't match scheduler-enforced node affinity", affinity.Filter(new CycleState(), pod, Make.NodeInfo(Make.Node("n")))?.Message);
        var node = Make.NodeInfo(Make.Node("n", with: n =>
        {
            n.Metadata.Labels["pool"] = "a";
            n.Metadata.Labels["disk"] = "ssd";
        }));
        Assert.Null(affinity.Filter(new CycleState(), pod, node));
        Assert.Null(affinity.PreScore(new CycleState(), pod, [node]));
        Assert.Equal(7, affinity.Score(new CycleState(), pod, node));
    }

    [Fact]
    public void Names_that_cannot_all_hold_leave_no_node()
    {
        static V1NodeSelectorRequirement Name(params string[] names) => new() { Key = "metadata.name", OperatorProperty = "In", Values = names };
        var pod = Make.Info(Make.Pod("p", with: p => p.Spec.Affinity = new V1Affinity
        {
            NodeAffinity = new V1NodeAffinity { RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector { NodeSelectorTerms = [new V1NodeSelectorTerm { MatchFields = [Name("a"), Name("b")] }] } },
        }));
        var status = new NodeAffinity().PreFilter(new CycleState(), pod, new Snapshot(), out _);
        Assert.Equal((StatusCode.UnschedulableAndUnresolvable, "pod affinity terms conflict"), (status!.Code, status.Message));
    }

    [Fact]
    public void Preferences_of_running_pods_count_both_ways_and_can_be_left_out()
    {
        var term = new V1PodAffinityTerm { TopologyKey = NodeInfo.HostnameLabel, LabelSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web" } } };
        var host = Make.Pod("host", with: p => p.Spec.Affinity = new V1Affinity
        {
            PodAffinity = new V1PodAffinity
            {
                RequiredDuringSchedulingIgnoredDuringExecution = [term],
                PreferredDuringSchedulingIgnoredDuringExecution = [new V1WeightedPodAffinityTerm { Weight = 5, PodAffinityTerm = term }],
            },
        });
        NodeInfo[] nodes = [Make.NodeInfo(Make.Node("a"), host), Make.NodeInfo(Make.Node("b"))];
        var snapshot = Make.Snapshot(nodes);
        var (state, pod) = (new CycleState(), Make.Info(Web("x")));
        var affinity = new InterPodAffinity(_ => null, () => snapshot, hardAffinityWeight: 2);
        Assert.Null(affinity.PreScore(state, pod, nodes));
        Assert.Equal([7, 0], nodes.Select(node => affinity.Score(state, pod, node)));
        Assert.Equal(StatusCode.Skip, new InterPodAffinity(_ => null, () => snapshot, 2, ignoreExistingPreferences: true).PreScore(new CycleState(), pod, nodes)?.Code);
    }

    private static string? Filter(V1Pod pod, NodeInfo node)
    {
        var snapshot = Make.Snapshot(node);
        var affinity = new InterPodAffinity(_ => null, () => snapshot);
        var (state, info) = (new CycleState(), Make.Info(pod));
        return affinity.PreFilter(state, info, snapshot, out _) is { Code: StatusCode.Skip } ? null : affinity.Filter(state, info, node)?.Message;
    }

    private static V1Pod Web(string hash, V1PodAffinityTerm? anti = null) => Make.Pod($"web-{hash}", with: pod =>
    {
        pod.Metadata.Labels["app"] = "web";
        pod.Metadata.Labels["hash"] = hash;
        if (anti is not null)
            pod.Spec.Affinity = new V1Affinity { PodAntiAffinity = new V1PodAntiAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [anti] } };
    });
}
