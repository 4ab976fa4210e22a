using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Scheduler.Tests.Plugins;

public sealed class SpreadTests
{
    private const string Zone = NodeInfo.ZoneLabel;
    private const string Skewed = "node(s) didn't match pod topology spread constraints";

    [Fact]
    public void Only_nodes_that_the_pod_may_use_make_up_domains_unless_the_policy_says_otherwise()
    {
        // The west is empty, and not for this pod: the emptiest domain is the east's own.
        var pod = Web("p", constraint: c => c.NodeAffinityPolicy = null);
        pod.Spec.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal) { ["disk"] = "ssd" };
        NodeInfo[] nodes = [Node("e", "east", n => n.Metadata.Labels["disk"] = "ssd", Web("1"), Web("2")), Node("w", "west")];
        Assert.Null(Filter(pod, nodes[0], nodes));
        pod.Spec.TopologySpreadConstraints[0].NodeAffinityPolicy = "Ignore";
        Assert.Equal(Skewed, Filter(pod, nodes[0], nodes));
    }

    [Fact]
    public void Tainted_nodes_make_up_domains_unless_taints_are_honored()
    {
        NodeInfo[] nodes = [Node("e", "east", null, Web("1"), Web("2")), Node("w", "west", n => n.Spec.Taints = [new V1Taint { Key = "k", Effect = "NoSchedule" }])];
        var pod = Web("p", constraint: _ => { });
        Assert.Equal(Skewed, Filter(pod, nodes[0], nodes));
        pod.Spec.TopologySpreadConstraints[0].NodeTaintsPolicy = "Honor";
        Assert.Null(Filter(pod, nodes[0], nodes));
    }

    [Fact]
    public void Match_label_keys_count_only_pods_of_the_same_revision()
    {
        static V1Pod Of(V1Pod pod, string revision)
        {
            pod.Metadata.Labels["pod-template-hash"] = revision;
            return pod;
        }
        NodeInfo[] nodes = [Node("e", "east", null, Of(Web("1"), "old"), Of(Web("2"), "old")), Node("w", "west")];
        var pod = Of(Web("p", constraint: c => c.MatchLabelKeys = ["pod-template-hash"]), "new");
        Assert.Null(Filter(pod, nodes[0], nodes));
        Assert.Equal(Skewed, Filter(Of(pod, "old"), nodes[0], nodes));
    }

    [Fact]
    public void Pods_that_are_being_deleted_and_those_of_other_namespaces_do_not_count()
    {
        var going = Web("1");
        going.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        var foreign = Web("2");
        foreign.Metadata.NamespaceProperty = "other";
        NodeInfo[] nodes = [Node("e", "east", null, going, foreign), Node("w", "west")];
        Assert.Null(Filter(Web("p", constraint: _ => { }), nodes[0], nodes));
    }

    [Fact]
    public void A_node_outside_of_the_domains_is_refused_whatever_goes_away()
    {
        var node = Make.NodeInfo(Make.Node("n"));
        var status = Status(Web("p", constraint: _ => { }), node, [node]);
        Assert.Equal((StatusCode.UnschedulableAndUnresolvable, Skewed + " (missing required label)"), (status!.Code, status.Message));
    }

    [Fact]
    public async Task Pods_without_constraints_are_spread_by_their_controller_over_hosts_and_zones()
    {
        var kube = new InMemoryKube();
        await using var informers = new SharedInformers(kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        kube.Seed(new V1ReplicaSet { Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default" }, Spec = new V1ReplicaSetSpec { Selector = Selector() } });
        await informers.Get<V1ReplicaSet>().WaitForSyncAsync(default);
        await informers.Get<V1Service>().WaitForSyncAsync(default);
        var pod = Web("p");
        NodeInfo[] nodes = [Node("e", "east", null, Web("1")), Node("e2", "east"), Node("w", "west")];
        var spread = new PodTopologySpread(() => Make.Snapshot(nodes), new DefaultSpread(informers, null));
        // Nothing selects it: it belongs with nobody.
        Assert.Equal(StatusCode.Skip, spread.PreScore(new CycleState(), Make.Info(pod), nodes)?.Code);
        pod.Metadata.OwnerReferences = [new V1OwnerReference { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "web", Controller = true, Uid = "u" }];
        var (state, info) = (new CycleState(), Make.Info(pod));
        Assert.Null(spread.PreScore(state, info, nodes));
        var scores = nodes.Select(node => spread.Score(state, info, node)).ToArray();
        // Hosts: one pod times ln(3+2) and 2; zones: one times ln(2+2) and 4.
        Assert.Equal([(long)Math.Round(Math.Log(5) + 2 + Math.Log(4) + 4), (long)Math.Round(2 + Math.Log(4) + 4), 6], scores);
        spread.Normalize(state, info, nodes, scores);
        Assert.Equal([66, 88, 100], scores);
    }

    [Fact]
    public void Counts_that_are_kept_from_pod_to_pod_are_those_that_counting_anew_gives()
    {
        var random = new Random(5);
        var cluster = new SchedulerCache(TimeProvider.System);
        var snapshot = new Snapshot();
        var kept = new PodTopologySpread(() => snapshot);
        for (var i = 0; i < 12; i++)
            cluster.SetNode(Node($"n{i}", $"zone-{i % 3}", n => n.Metadata.Labels["disk"] = i % 2 == 0 ? "ssd" : "hdd").Node!);
        for (var step = 0; step < 400; step++)
        {
            var pod = Web($"{random.Next(60)}", constraint: c => c.WhenUnsatisfiable = "ScheduleAnyway");
            switch (random.Next(6))
            {
                case 0:
                    cluster.RemovePod(pod.Metadata.Uid);
                    break;
                case 1:
                    cluster.SetNode(Node($"n{random.Next(12)}", $"zone-{random.Next(3)}", n => n.Metadata.Labels["disk"] = "ssd").Node!);
                    break;
                case 2:
                    cluster.RemoveNode($"n{random.Next(12)}");
                    break;
                default:
                    pod.Spec.NodeName = $"n{random.Next(12)}";
                    cluster.SetPod(Make.Info(pod));
                    break;
            }
            cluster.Update(snapshot);
            if (snapshot.Nodes.Count == 0)
                continue;
            var wanted = Web("p", constraint: c => c.WhenUnsatisfiable = "ScheduleAnyway");
            if (random.Next(2) == 0)
                wanted.Spec.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal) { ["disk"] = "ssd" };
            Assert.Equal(Scores(new PodTopologySpread(() => snapshot)), Scores(kept));

            List<long> Scores(PodTopologySpread spread)
            {
                var (state, info) = (new CycleState(), Make.Info(wanted));
                Assert.Null(spread.PreScore(state, info, snapshot.Nodes));
                return [.. snapshot.Nodes.Select(node => spread.Score(state, info, node))];
            }
        }
    }

    [Fact]
    public async Task A_service_keeps_its_pods_apart_too()
    {
        var kube = new InMemoryKube();
        await using var informers = new SharedInformers(kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        kube.Seed(new V1Service { Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default" }, Spec = new V1ServiceSpec { Selector = Selector().MatchLabels } });
        await informers.Get<V1Service>().WaitForSyncAsync(default);
        Assert.Equal(2, new DefaultSpread(informers, null).Of(Make.Info(Web("p")), "ScheduleAnyway").Length);
        Assert.Empty(new DefaultSpread(informers, null).Of(Make.Info(Make.Pod("other")), "ScheduleAnyway"));
        Assert.Empty(new DefaultSpread(informers, []).Of(Make.Info(Web("p")), "ScheduleAnyway"));
    }

    [Fact]
    public void A_pod_is_tried_again_for_what_changes_the_skew_and_not_for_other_pods()
    {
        var spread = new PodTopologySpread(() => new Snapshot());
        var pod = Make.Info(Web("p", constraint: _ => { }));
        Assert.True(spread.MayHelp(pod, new ClusterChange(ClusterEvent.AssignedPodDelete, Make.Info(Web("1")), null)));
        Assert.False(spread.MayHelp(pod, new ClusterChange(ClusterEvent.AssignedPodDelete, Make.Info(Make.Pod("x")), null)));
        Assert.True(spread.MayHelp(pod, new ClusterChange(ClusterEvent.AssignedPodLabel, Make.Info(Web("1")), Make.Info(Make.Pod("1")))));
        Assert.False(spread.MayHelp(pod, new ClusterChange(ClusterEvent.AssignedPodLabel, Make.Info(Web("1")), Make.Info(Web("1")))));
        Assert.True(spread.MayHelp(pod, new ClusterChange(ClusterEvent.NodeAdd, null, Node("e", "east").Node)));
        Assert.False(spread.MayHelp(pod, new ClusterChange(ClusterEvent.NodeAdd, null, Make.Node("outside"))));
    }

    private static string? Filter(V1Pod pod, NodeInfo node, NodeInfo[] nodes) => Status(pod, node, nodes)?.Message;

    private static PluginStatus? Status(V1Pod pod, NodeInfo node, NodeInfo[] nodes)
    {
        var snapshot = Make.Snapshot(nodes);
        var spread = new PodTopologySpread(() => snapshot);
        var (state, info) = (new CycleState(), Make.Info(pod));
        Assert.Null(spread.PreFilter(state, info, snapshot, out _));
        return spread.Filter(state, info, node);
    }

    private static NodeInfo Node(string name, string zone, Action<V1Node>? with = null, params V1Pod[] pods) => Make.NodeInfo(Make.Node(name, with: node =>
    {
        node.Metadata.Labels[Zone] = zone;
        with?.Invoke(node);
    }), pods);

    private static V1Pod Web(string name, Action<V1TopologySpreadConstraint>? constraint = null) => Make.Pod($"web-{name}", with: pod =>
    {
        pod.Metadata.Labels["app"] = "web";
        if (constraint is null)
            return;
        var spread = new V1TopologySpreadConstraint { MaxSkew = 1, TopologyKey = Zone, WhenUnsatisfiable = "DoNotSchedule", LabelSelector = Selector() };
        constraint(spread);
        pod.Spec.TopologySpreadConstraints = [spread];
    });

    private static V1LabelSelector Selector() => new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web" } };
}
