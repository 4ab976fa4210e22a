using k8s.Models;
using LiteKube.Testing;

namespace LiteKube.Scheduler.Tests.Preemption;

/// <summary>What the scheduler does to make room, against the in-memory server, whose pods go when they are deleted with grace 0.</summary>
public sealed class PreemptionTests() : SchedulerTest(new SchedulerOptions { Seed = 1 })
{
    [Fact]
    public async Task The_victim_is_marked_deleted_and_told_and_the_pod_is_nominated_and_bound_when_it_is_gone()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Running("low", 0, "1"));
        await StartAsync();
        await CreateAsync(Pod("high", 10, "1"));

        var victim = await Kube.WaitForAsync<V1Pod>("default", "low", pod => pod?.Metadata.DeletionTimestamp is not null, "the victim is deleted");
        var condition = victim!.Status.Conditions.Single(c => c.Type == "DisruptionTarget");
        Assert.Equal(("True", "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"), (condition.Status, condition.Reason, condition.Message));
        await Kube.WaitForAllAsync<Corev1Event>(null, events => events.Any(e => e.Reason == "Preempted" && e.Type == "Normal" && e.InvolvedObject.Name == "low" && e.Message == "Preempted by pod uid-high on node a"), "the victim is told");
        var waiting = await Kube.WaitForAsync<V1Pod>("default", "high", pod => pod?.Status.NominatedNodeName == "a", "the pod is nominated");
        Assert.Equal("0/1 nodes are available: 1 Insufficient cpu.", waiting!.Status.Conditions.Single(c => c.Type == "PodScheduled").Message);

        await DeleteAsync("low");
        await BoundAsync("high");
    }

    [Fact]
    public async Task While_its_victim_is_going_nobody_else_goes_for_it()
    {
        Kube.Seed(Make.Node("a", cpu: "2"));
        Kube.Seed(Running("first", 0, "1"));
        Kube.Seed(Running("second", 1, "1"));
        await StartAsync();
        await CreateAsync(Pod("high", 10, "1"));
        await Kube.WaitForAsync<V1Pod>("default", "first", pod => pod?.Metadata.DeletionTimestamp is not null, "the victim is deleted");
        // Tried again, by whatever brings it back: here a node that does not help.
        await Kube.WaitForAsync<V1Pod>("default", "high", pod => pod?.Status.NominatedNodeName == "a", "the pod is nominated");
        await Kube.Client.CreateAsync(Make.Node("b", cpu: "500m"), default);
        await Kube.Client.CreateAsync(Make.Node("c", cpu: "1", with: node => node.Spec.Taints = [new V1Taint { Key = "k", Effect = "NoSchedule" }]), default);
        await NotScheduledAsync("high", "preemption: not eligible due to a terminating pod on the nominated node.");
        Assert.Null(Kube.Find<V1Pod>("default", "second")!.Metadata.DeletionTimestamp);
        await DeleteAsync("first");
        await BoundAsync("high");
        Assert.Null(Kube.Find<V1Pod>("default", "second")!.Metadata.DeletionTimestamp);
    }

    [Fact]
    public async Task The_room_is_kept_from_pods_that_are_less_important()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Running("low", 0, "1"));
        await StartAsync();
        await CreateAsync(Pod("high", 10, "1"));
        await Kube.WaitForAsync<V1Pod>("default", "high", pod => pod?.Status.NominatedNodeName == "a", "the pod is nominated");
        await CreateAsync(Pod("medium", 5, "1"));
        await NotScheduledAsync("medium", "0/1 nodes are available: 1 Insufficient cpu.");
        await DeleteAsync("low");
        await BoundAsync("high");
        Assert.True(string.IsNullOrEmpty(Kube.Find<V1Pod>("default", "medium")!.Spec.NodeName));
    }

    [Fact]
    public async Task A_more_important_pod_takes_the_nomination_of_a_less_important_one()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Running("low", 0, "1"));
        await StartAsync();
        await CreateAsync(Pod("medium", 5, "1"));
        await Kube.WaitForAsync<V1Pod>("default", "medium", pod => pod?.Status.NominatedNodeName == "a", "the first is nominated");
        await Kube.WaitForAsync<V1Pod>("default", "low", pod => pod?.Metadata.DeletionTimestamp is not null, "the victim is deleted");
        await CreateAsync(Pod("high", 10, "1"));
        await Kube.WaitForAsync<V1Pod>("default", "high", pod => pod?.Status.NominatedNodeName == "a", "the second is nominated");
        await DeleteAsync("low");
        await BoundAsync("high");
        // With the room gone it can only give its nomination up.
        await Kube.WaitForAsync<V1Pod>("default", "medium", pod => string.IsNullOrEmpty(pod?.Status.NominatedNodeName), "the first is no longer nominated");
    }

    [Fact]
    public async Task A_pod_that_never_preempts_waits_and_is_told_why()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Running("low", 0, "1"));
        await StartAsync();
        var pod = Pod("polite", 10, "1");
        pod.Spec.PreemptionPolicy = "Never";
        await CreateAsync(pod);
        await NotScheduledAsync("polite", "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.");
        Assert.Null(Kube.Find<V1Pod>("default", "low")!.Metadata.DeletionTimestamp);
    }

    [Fact]
    public async Task A_budget_decides_between_nodes()
    {
        Kube.Seed(new V1PodDisruptionBudget
        {
            Metadata = new V1ObjectMeta { Name = "db", NamespaceProperty = "default" },
            Spec = new V1PodDisruptionBudgetSpec { Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "db" } } },
            Status = new V1PodDisruptionBudgetStatus { DisruptionsAllowed = 0 },
        });
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Make.Node("b", cpu: "1"));
        var protectedPod = Running("db", 0, "1");
        protectedPod.Metadata.Labels["app"] = "db";
        Kube.Seed(protectedPod);
        var other = Running("web", 5, "1");
        other.Spec.NodeName = "b";
        Kube.Seed(other);
        await StartAsync();
        await CreateAsync(Pod("high", 10, "1"));
        await Kube.WaitForAsync<V1Pod>("default", "high", pod => pod?.Status.NominatedNodeName == "b", "the pod is nominated to the node without a budget");
        Assert.Null(Kube.Find<V1Pod>("default", "db")!.Metadata.DeletionTimestamp);
    }

    [Fact]
    public async Task When_a_victim_cannot_be_deleted_the_pod_tries_again()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Running("low", 0, "1"));
        var failures = 1;
        Kube.Intercept = request => request.Method == "DELETE" && request.PathAndQuery.Contains("/pods/low", StringComparison.Ordinal) && Interlocked.Decrement(ref failures) >= 0
            ? InMemoryKube.Failure(500, "InternalError", "the store is full") : null;
        await StartAsync();
        await CreateAsync(Pod("high", 10, "1"));
        await Kube.WaitForAsync<V1Pod>("default", "low", pod => pod?.Metadata.DeletionTimestamp is not null, "the victim is deleted at the second attempt");
        await DeleteAsync("low");
        await BoundAsync("high");
    }

    private static V1Pod Pod(string name, int priority, string cpu) => Make.Pod(name, cpu, with: pod => pod.Spec.Priority = priority);

    private static V1Pod Running(string name, int priority, string cpu) => Make.Pod(name, cpu, with: pod =>
    {
        pod.Spec.Priority = priority;
        pod.Spec.NodeName = "a";
        pod.Status.Phase = "Running";
    });
}
