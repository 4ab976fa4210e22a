using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Preemption;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Tests.Preemption;

/// <summary>Who has to go, and where: on the snapshot alone.</summary>
public sealed class VictimTests
{
    private const string Zone = "topology.kubernetes.io/zone";
    private readonly Nominator _nominator = new();
    private readonly List<V1PodDisruptionBudget> _budgets = [];

    [Fact]
    public void The_fewest_of_the_least_important_pods_go()
    {
        var node = Make.NodeInfo(Make.Node("a", cpu: "4"), Pod("low", 1, "1"), Pod("lower", 0, "1"), Pod("medium", 5, "1"), Pod("peer", 10, "1"));
        Assert.Equal(("a", "lower"), Preempt(Pod("p", 10, "1"), node));
        Assert.Equal(("a", "low,lower"), Preempt(Pod("p", 10, "2"), node));
        // An equally important pod is never a victim.
        Assert.Equal((null, "0/1 nodes are available: 1 Insufficient cpu."), Preempt(Pod("p", 10, "4"), node));
    }

    [Fact]
    public void Without_less_important_pods_there_is_nobody_to_evict()
    {
        var node = Make.NodeInfo(Make.Node("a", cpu: "1"), Pod("peer", 10, "1"));
        Assert.Equal((null, "0/1 nodes are available: 1 No preemption victims found for incoming pod."), Preempt(Pod("p", 10, "1"), node));
    }

    [Fact]
    public void Nodes_that_no_eviction_helps_are_not_looked_at()
    {
        var tainted = Make.NodeInfo(Make.Node("t", with: n => n.Spec.Taints = [new V1Taint { Key = "k", Effect = "NoSchedule" }]), Pod("x", 0, "1"));
        var full = Make.NodeInfo(Make.Node("f", cpu: "1"), Pod("peer", 10, "1"));
        Assert.Equal((null, "0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."), Preempt(Pod("p", 10, "1"), tainted, full));
    }

    [Fact]
    public void Of_equally_important_pods_those_go_that_run_the_shortest()
    {
        var node = Make.NodeInfo(Make.Node("a", cpu: "2"), Pod("old", 0, "1", started: 1), Pod("young", 0, "1", started: 2));
        Assert.Equal(("a", "young"), Preempt(Pod("p", 10, "1"), node));
    }

    [Fact]
    public void A_pod_that_a_budget_protects_is_spared_when_another_will_do()
    {
        _budgets.Add(Budget("db", allowed: 0));
        var node = Make.NodeInfo(Make.Node("a", cpu: "2"), Pod("db", 0, "1", labels: "db"), Pod("web", 5, "1"));
        Assert.Equal(("a", "web"), Preempt(Pod("p", 10, "1"), node));
        // When none else will do it goes all the same.
        Assert.Equal(("a", "web,db"), Preempt(Pod("p", 10, "2"), node));
    }

    [Fact]
    public void A_budget_lets_as_many_go_as_it_says()
    {
        _budgets.Add(Budget("db", allowed: 1));
        var allowed = new DisruptionBudgets(_budgets);
        var (violating, others) = allowed.Partition([Make.Info(Pod("one", 2, "1", labels: "db")), Make.Info(Pod("two", 1, "1", labels: "db")), Make.Info(Pod("plain", 0, "1"))]);
        Assert.Equal(["two"], Names(violating));
        Assert.Equal(["one", "plain"], Names(others));
    }

    [Fact]
    public void One_that_the_eviction_API_lets_go_already_violates_no_budget()
    {
        var budget = Budget("db", allowed: 0);
        budget.Status.DisruptedPods = new Dictionary<string, DateTime?>(StringComparer.Ordinal) { ["one"] = default(DateTime) };
        var (violating, _) = new DisruptionBudgets([budget]).Partition([Make.Info(Pod("one", 2, "1", labels: "db"))]);
        Assert.Empty(violating);
    }

    [Fact]
    public void A_budget_without_a_selector_protects_nobody()
    {
        var budget = Budget("db", allowed: 0);
        budget.Spec.Selector = new V1LabelSelector();
        var (violating, _) = new DisruptionBudgets([budget]).Partition([Make.Info(Pod("one", 2, "1", labels: "db"))]);
        Assert.Empty(violating);
    }

    [Fact]
    public void The_node_is_chosen_by_budgets_then_the_highest_victim_then_the_sum_then_the_number_then_the_start()
    {
        static PodInfo Victim(int priority, int started = 1) => Make.Info(Pod($"v{priority}", priority, "1", started));
        Candidate cheap = new("cheap", [Victim(5)], 0);
        Assert.Same(cheap, Importance.Cheapest([new("violates", [Victim(0)], 1), cheap]));
        Assert.Same(cheap, Importance.Cheapest([new("higher", [Victim(6)], 0), cheap]));
        Assert.Same(cheap, Importance.Cheapest([new("more", [Victim(5), Victim(-1000)], 0), cheap]));
        var one = new Candidate("one", [Victim(-3)], 0);
        Assert.Same(one, Importance.Cheapest([new("two", [Victim(-3), Victim(-3)], 0), one]));
        var late = new Candidate("late", [Victim(5, started: 9), Victim(1, started: 0)], 0);
        Assert.Same(late, Importance.Cheapest([new("early", [Victim(5, started: 2), Victim(1, started: 10)], 0), late]));
    }

    [Fact]
    public void Room_that_is_kept_for_a_nominated_pod_is_not_counted_on()
    {
        // Two of four are free; a nominated pod of the same importance is to come and takes them.
        _nominator.Set(Make.Info(Pod("nominated", 10, "2")), "a");
        var node = Make.NodeInfo(Make.Node("a", cpu: "4"), Pod("low", 0, "2"));
        Assert.Equal(("a", "low"), Preempt(Pod("p", 10, "2"), node));
        // For a more important one it does not count.
        Assert.Equal("a", Place(Pod("higher", 11, "2"), node));
    }

    [Fact]
    public void Anti_affinity_to_a_victim_is_resolved_by_evicting_it()
    {
        var node = Make.NodeInfo(Make.Node("a"), Pod("noisy", 0, "1", labels: "noisy"), Pod("quiet", 0, "1", labels: "quiet"));
        var pod = Pod("p", 10, "1");
        pod.Spec.Affinity = new V1Affinity { PodAntiAffinity = new V1PodAntiAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [Term("noisy")] } };
        Assert.Equal(("a", "noisy"), Preempt(pod, node));
        // Also when it is the victim that wants to be apart.
        var shy = Pod("shy", 0, "1", labels: "shy");
        shy.Spec.Affinity = new V1Affinity { PodAntiAffinity = new V1PodAntiAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [Term("p")] } };
        Assert.Equal(("a", "shy"), Preempt(Pod("p", 10, "1", labels: "p"), Make.NodeInfo(Make.Node("a"), shy, Pod("quiet", 0, "1"))));
    }

    [Fact]
    public void Spread_over_zones_is_kept_by_evicting_as_many_as_it_takes()
    {
        V1Pod Spread(string name, int priority) => Pod(name, priority, "3", labels: "web");
        var pod = Spread("medium", 5);
        pod.Spec.TopologySpreadConstraints = [new V1TopologySpreadConstraint { MaxSkew = 1, TopologyKey = Zone, WhenUnsatisfiable = "DoNotSchedule", LabelSelector = Selector("web") }];
        var high = Pod("high", 10, "9", labels: "web");
        var east = Make.NodeInfo(Make.Node("east", cpu: "10", with: n => n.Metadata.Labels[Zone] = "east"), high);
        var west = Make.NodeInfo(Make.Node("west", cpu: "10", with: n => n.Metadata.Labels[Zone] = "west"), Spread("low-1", 0), Spread("low-2", 0), Spread("low-3", 0));
        // One would make the room; a second has to go lest three stand against one.
        var (node, victims) = Preempt(pod, east, west);
        Assert.Equal(("west", 2), (node, victims.Split(',').Length));
    }

    [Fact]
    public void Enough_candidates_are_enough()
    {
        var evaluator = Evaluator(new PluginSet([new PrioritySort()]), new SchedulerProfile());
        Assert.Equal(5, evaluator.CandidatesToFind(5));
        Assert.Equal(100, evaluator.CandidatesToFind(500));
        Assert.Equal(200, evaluator.CandidatesToFind(2000));
    }

    private (string? Node, string Victims) Preempt(V1Pod pod, params NodeInfo[] nodes)
    {
        var snapshot = Make.Snapshot(nodes);
        var plugins = Plugins(snapshot);
        var (state, info) = (new CycleState(), Make.Info(pod));
        Assert.Null(new SchedulingAlgorithm(plugins, new SchedulerProfile(), _nominator, seed: 1).Schedule(state, info, snapshot, out var diagnosis));
        return Evaluator(plugins, new SchedulerProfile()).FindCheapest(state, info, snapshot, diagnosis, out var reason) is { } candidate
            ? (candidate.Node, string.Join(',', Names(candidate.Victims))) : (null, reason);
    }

    private string? Place(V1Pod pod, params NodeInfo[] nodes)
    {
        var snapshot = Make.Snapshot(nodes);
        return new SchedulingAlgorithm(Plugins(snapshot), new SchedulerProfile(), _nominator, seed: 1).Schedule(new CycleState(), Make.Info(pod), snapshot, out _);
    }

    private PreemptionEvaluator Evaluator(PluginSet plugins, SchedulerProfile profile) => new(profile, _nominator, () => plugins, () => _budgets, seed: 1);

    private static PluginSet Plugins(Snapshot snapshot) => new(
        [new PrioritySort(), new TaintToleration(), new NodeResourcesFit(), new PodTopologySpread(() => snapshot), new InterPodAffinity(_ => null, () => snapshot)]);

    private static V1Pod Pod(string name, int priority, string cpu, int? started = null, string? labels = null) => Make.Pod(name, cpu, with: pod =>
    {
        pod.Spec.Priority = priority;
        if (started is { } second)
            pod.Status.StartTime = new DateTime(2025, 1, 1, 0, 0, second, DateTimeKind.Utc);
        if (labels is not null)
            pod.Metadata.Labels["app"] = labels;
    });

    private static V1PodDisruptionBudget Budget(string app, int allowed) => new()
    {
        Metadata = new V1ObjectMeta { Name = app, NamespaceProperty = "default" },
        Spec = new V1PodDisruptionBudgetSpec { Selector = Selector(app) },
        Status = new V1PodDisruptionBudgetStatus { DisruptionsAllowed = allowed },
    };

    private static V1PodAffinityTerm Term(string app) => new() { TopologyKey = "kubernetes.io/hostname", LabelSelector = Selector(app) };

    private static V1LabelSelector Selector(string app) => new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app } };

    private static List<string> Names(IEnumerable<PodInfo> pods) => [.. pods.Select(pod => pod.Key.Name)];
}
